"""Measures how collectors share their time among classes that never run out of tasks, against what the rule is to give.

    python tests/bench/tasks_share.py [--seconds 30] [--collectors 1 2 4 10] [--kinds sqlite mariadb postgresql]

A task sleeps, for longer in the lower classes: time is shared and not tasks. Figures are percent of their time
from a batch's claim to its end. With fewer collectors than classes they take turns, else each class has its collectors.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "unit"))

import crew
from unit_tasks import simulate

from nicassh import tasks
from nicassh.tasks import PROBE, PeriodicTask, Priority, TaskResult

SLEEP = {Priority.HIGH: 0.05, Priority.MEDIUM: 0.1, Priority.LOW: 0.15, Priority.BACKGROUND: 0.2}
BOUND = 3.0
"""Points."""
_DAY = 86_400


def main() -> None:
    """Measures and prints the table; exit code 1 where a share is further from the ideal than the bound."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=30.0)
    arguments.add_argument("--collectors", type=int, nargs="+", default=[1, 2, 4, 10])
    arguments.add_argument("--kinds", nargs="+", default=crew.KINDS)
    options = arguments.parse_args()
    print(f"percent of their time in {options.seconds:g} s; tasks sleep{_row(1000 * s for s in SLEEP.values())} ms")
    words = "".join(f"{one.word[:6]:>7}" for one in SLEEP)
    print(f"\n{'':12}{'collectors':>8} {words}   ideal:{words[2:]}{'off':>6}   (bound {BOUND:g})")
    well = True
    for kind in options.kinds:
        with crew.fresh(kind) as fresh:
            for collectors in options.collectors:
                with fresh() as url:
                    found = shares(url, collectors, options.seconds)
                wanted = ideal(collectors)
                off = max(abs(found[one] - wanted[one]) for one in SLEEP)
                well = well and off <= BOUND
                print(
                    f"{kind:12}{collectors:8} {_row(found.values())}       {_row(wanted.values())}{off:6.1f}",
                    flush=True,
                )
    sys.exit(0 if well else 1)


def ideal(collectors: int) -> dict[Priority, float]:
    """Percent of the time that the rule gives, in a simulation in which claims take no time."""
    trace = simulate(collectors, dict.fromkeys(SLEEP, math.inf), lambda one: SLEEP[Priority(one)], 1000.0)
    return {one: 100 * trace.share(one) for one in SLEEP}


def shares(url: str, collectors: int, seconds: float) -> dict[Priority, float]:
    """Percent of the time that each class had."""
    task_list = crew.opened(url)
    numbers = {one: int(1.2 * collectors * seconds / sleep) for one, sleep in SLEEP.items()}
    tasks.sync_periodic(
        task_list, [PeriodicTask(PROBE, f"n{n}", one.word, one, _DAY) for one in SLEEP for n in range(numbers[one])]
    )
    task_list.engine.dispose()
    spent = crew.together(collectors, _work, url, seconds)
    sums = {one: sum(times.get(one, 0.0) for times in spent) for one in SLEEP}
    return {one: 100 * time / sum(sums.values()) for one, time in sums.items()}


def _work(wait: Callable[[], object], url: str, seconds: float) -> dict[int, float]:
    """Seconds that one collector gave each class."""
    task_list = crew.opened(url)
    registration = tasks.register(task_list)
    spent: dict[int, float] = {}
    wait()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        batch = tasks.claim(task_list, registration)
        if batch is None:
            sys.exit("a class ran out of tasks: this is no measure")
        begin = time.monotonic()
        time.sleep(SLEEP[Priority(batch.priority)])
        tasks.complete(task_list, registration, batch, [TaskResult(task) for task in batch.tasks])
        registration.batch = None
        took = time.monotonic() - begin
        registration.costs.append((batch.priority, took))
        spent[batch.priority] = spent.get(batch.priority, 0.0) + took
    tasks.unregister(task_list, registration)
    return spent


def _row(values: Iterable[float]) -> str:
    return "".join(f"{value:7.1f}" for value in values)


if __name__ == "__main__":
    main()
