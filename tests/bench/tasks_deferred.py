"""Measures whether tasks that are deferred slow the claims of those that are due, on the three databases.

    python tests/bench/task_deferred.py [--deferred 50000] [--due 1000] [--kinds sqlite mariadb postgresql]

The deferred tasks are older. Figures are milliseconds within which 95 of 100 claims of ten tasks are done.
"""

from __future__ import annotations

import argparse
import sys
import time
from statistics import quantiles

import crew
import sqlalchemy as sa

from nicassh import tasks
from nicassh.tasks import PROBE, Priority, TaskList, TaskResult
from nicassh.tasks.enqueueing import new_row
from nicassh.tasks.model import TASKS

BOUND = 5.0
_HOUR = 3600


def main() -> None:
    """Measures and prints the table; exit code 1 where claims take more than so many times as long."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--deferred", type=int, default=50_000)
    arguments.add_argument("--due", type=int, default=1000)
    arguments.add_argument("--kinds", nargs="+", default=crew.KINDS)
    options = arguments.parse_args()
    print(f"ms for a claim, 95 of 100, with {options.due} tasks due\n")
    print(f"{'':12}{'none deferred':>15}{f'{options.deferred} deferred':>18}{'ratio':>8}   (bound {BOUND:g})")
    well = True
    for kind in options.kinds:
        with crew.fresh(kind) as fresh_one:
            times = []
            for deferred in (0, options.deferred):
                with fresh_one() as url:
                    times.append(_latency(url, options.due, deferred))
        ratio = times[1] / times[0]
        well = well and ratio <= BOUND
        print(f"{kind:12}{times[0]:15.2f}{times[1]:18.2f}{ratio:8.2f}", flush=True)
    sys.exit(0 if well else 1)


def _latency(url: str, due: int, deferred: int) -> float:
    """Milliseconds within which 95 of 100 claims are done."""
    task_list = crew.opened(url)
    _fill(task_list, due, deferred)
    registration, times = tasks.register(task_list), []
    for _ in range(due // 10):
        begin = time.perf_counter()
        batch = tasks.claim(task_list, registration, 10)
        times.append(1000 * (time.perf_counter() - begin))
        if batch is None or len(batch.tasks) != 10:
            sys.exit(f"{url}: what is due is not found: this is no measure")
        tasks.complete(task_list, registration, batch, [TaskResult(task) for task in batch.tasks])
        registration.batch = None
    task_list.engine.dispose()
    return quantiles(times, n=20)[-1]


def _fill(task_list: TaskList, due: int, deferred: int) -> None:
    now = task_list.now()
    rows = [
        {**new_row(PROBE, f"n{n}", "load", Priority.MEDIUM, now), "every": 24 * _HOUR} for n in range(due + deferred)
    ]
    for row in rows[:deferred]:
        row |= {"created": now - 9 * _HOUR, "next_try": now + 9 * _HOUR, "failures": 6}
    task_list.write(lambda connection: connection.execute(sa.insert(TASKS), rows))


if __name__ == "__main__":
    main()
