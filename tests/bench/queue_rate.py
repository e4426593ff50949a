"""Measures how many jobs a second workers claim and complete, on the three databases and in batches of 1, 10 and 100.

    python tests/bench/queue_rate.py [--rounds 3] [--workers 1 4] [--kinds sqlite mariadb postgresql]

The jobs do nothing: a worker claims a batch and finishes it, which is two transactions, and each is on disk before
the next begins (SQLite: in its log). They are permanent jobs as a farm has them, each of a node of its own, and each
has to run exactly once. Figures are jobs a second of all workers together, the median of the rounds.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from statistics import median

import crew

from nicassh import tasks as jobs
from nicassh.config.settings import Config
from nicassh.tasks import PROBE, Ended, Priority, Wanted

BATCHES = {1: 1500, 10: 6000, 100: 30_000}
"""Sizes of batches, and how many jobs are done in them."""
BOUNDS = {"sqlite": (1000, 4000, 15_000), "mariadb": (300, 3000, 10_000), "postgresql": (300, 3000, 10_000)}
_DAY = 86_400


def main() -> None:
    """Measures and prints the table; exit code 1 where the product's number of workers misses a bound."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--workers", type=int, nargs="+", default=[1, Config().workers])
    arguments.add_argument("--kinds", nargs="+", default=crew.KINDS)
    options = arguments.parse_args()
    print(f"jobs a second, claimed and completed; median of {options.rounds}\n")
    print(
        f"{'':12}{'batch':>6}" + "".join(f"{f'{number} workers':>12}" for number in options.workers) + f"{'bound':>9}"
    )
    well = True
    for kind in options.kinds:
        with crew.fresh(kind) as fresh:
            for (batch, number), bound in zip(BATCHES.items(), BOUNDS[kind], strict=True):
                rates = []
                for workers in options.workers:
                    rounds = []
                    for _ in range(options.rounds):
                        with fresh() as url:
                            rounds.append(rate(url, workers, batch, number))
                    rates.append(median(rounds))
                well = well and rates[-1] >= bound
                print(f"{kind:12}{batch:6}" + "".join(f"{one:12,.0f}" for one in rates) + f"{bound:9,}", flush=True)
    sys.exit(0 if well else 1)


def rate(url: str, workers: int, batch: int, number: int, *, chores: bool = False) -> float:
    """Jobs a second of so many workers: probes, each of a node, or chores, which concern no node."""
    queue = crew.opened(url)
    names = [("nothing", "", f"{one}") if chores else (PROBE, f"n{one}", "load") for one in range(number)]
    jobs.arm(queue, [Wanted(*name, Priority.MEDIUM, _DAY) for name in names])
    queue.engine.dispose()
    found = crew.together(workers, _work, url, batch)
    done = [one for _, _, ids in found for one in ids]
    if len(done) != number or len(set(done)) != number:
        sys.exit(f"{url}: {len(done)} runs of {len(set(done))} of {number} jobs: this is no measure")
    return number / (max(end for _, end, _ in found) - min(begin for begin, _, _ in found))


def _work(wait: Callable[[], object], url: str, limit: int) -> tuple[float, float, list[int]]:
    """When a worker began and ended, and the jobs it did."""
    queue = crew.opened(url)
    claimant = jobs.enter(queue)
    done: list[int] = []
    wait()
    begin = end = time.monotonic()
    while batch := jobs.claim(queue, claimant, limit):
        counted = jobs.finish(queue, claimant, batch, [Ended(job) for job in batch.jobs])
        claimant.batch = None
        claimant.spent.append((batch.priority, time.monotonic() - end))
        end = time.monotonic()
        done += [job.id for job in batch.jobs] if counted == len(batch.jobs) else []
    jobs.leave(queue, claimant)
    return begin, end, done


if __name__ == "__main__":
    main()
