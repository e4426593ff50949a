"""Measures how many tasks a second are claimed and completed, on the three databases and in batches of 1, 10 and 100.

    python tests/bench/tasks_rate.py [--rounds 3] [--collectors 1 4] [--kinds sqlite mariadb postgresql]

The tasks do nothing: a collector claims a batch and finishes it, which is two transactions, and each is on disk before
the next begins (SQLite: in its log). They are periodic tasks as a farm has them, each of a node of its own, and each
has to run exactly once. Figures are tasks a second of all collectors together, the median of the rounds.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from statistics import median

import crew

from nicassh import tasks
from nicassh.config.settings import Config
from nicassh.tasks import PROBE, PeriodicTask, Priority, TaskResult

BATCHES = {1: 1500, 10: 6000, 100: 30_000}
"""Sizes of batches, and how many tasks are done in them."""
BOUNDS = {"sqlite": (1000, 4000, 15_000), "mariadb": (300, 3000, 10_000), "postgresql": (300, 3000, 10_000)}
_DAY = 86_400


def main() -> None:
    """Measures and prints the table; exit code 1 where the product's number of collectors misses a bound."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--collectors", type=int, nargs="+", default=[1, Config().collectors])
    arguments.add_argument("--kinds", nargs="+", default=crew.KINDS)
    options = arguments.parse_args()
    print(f"tasks a second, claimed and completed; median of {options.rounds}\n")
    print(
        f"{'':12}{'batch':>6}"
        + "".join(f"{f'{number} collectors':>12}" for number in options.collectors)
        + f"{'bound':>9}"
    )
    well = True
    for kind in options.kinds:
        with crew.fresh(kind) as fresh:
            for (batch, number), bound in zip(BATCHES.items(), BOUNDS[kind], strict=True):
                rates = []
                for collectors in options.collectors:
                    rounds = []
                    for _ in range(options.rounds):
                        with fresh() as url:
                            rounds.append(rate(url, collectors, batch, number))
                    rates.append(median(rounds))
                well = well and rates[-1] >= bound
                print(f"{kind:12}{batch:6}" + "".join(f"{one:12,.0f}" for one in rates) + f"{bound:9,}", flush=True)
    sys.exit(0 if well else 1)


def rate(url: str, collectors: int, batch: int, number: int, *, housekeeping: bool = False) -> float:
    """Tasks a second of so many collectors: probes, each of a node, or housekeeping tasks, which concern no node."""
    task_list = crew.opened(url)
    names = [("nothing", "", f"{one}") if housekeeping else (PROBE, f"n{one}", "load") for one in range(number)]
    tasks.sync_periodic(task_list, [PeriodicTask(*name, Priority.MEDIUM, _DAY) for name in names])
    task_list.engine.dispose()
    found = crew.together(collectors, _work, url, batch)
    done = [one for _, _, ids in found for one in ids]
    if len(done) != number or len(set(done)) != number:
        sys.exit(f"{url}: {len(done)} runs of {len(set(done))} of {number} tasks: this is no measure")
    return number / (max(end for _, end, _ in found) - min(begin for begin, _, _ in found))


def _work(wait: Callable[[], object], url: str, limit: int) -> tuple[float, float, list[int]]:
    """When a collector began and ended, and the tasks it did."""
    task_list = crew.opened(url)
    registration = tasks.register(task_list)
    done: list[int] = []
    wait()
    begin = end = time.monotonic()
    while batch := tasks.claim(task_list, registration, limit):
        counted = tasks.complete(task_list, registration, batch, [TaskResult(task) for task in batch.tasks])
        registration.batch = None
        registration.costs.append((batch.priority, time.monotonic() - end))
        end = time.monotonic()
        done += [task.id for task in batch.tasks] if counted == len(batch.tasks) else []
    tasks.unregister(task_list, registration)
    return begin, end, done


if __name__ == "__main__":
    main()
