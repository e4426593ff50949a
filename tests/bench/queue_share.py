"""Measures how workers share their time among classes that never run out of jobs, against what the rule means to give.

    python tests/bench/queue_share.py [--seconds 30] [--workers 1 2 4 10] [--kinds sqlite mariadb postgresql]

A job sleeps, for longer in the lower classes: time is shared and not jobs. Figures are percent of the workers' time
from a batch's claim to its end. With fewer workers than classes they take turns, else each class has its workers.
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
from unit_queue import simulate

from nicassh import tasks as jobs
from nicassh.tasks import PROBE, Ended, Priority, Wanted

SLEEP = {Priority.HIGH: 0.05, Priority.MEDIUM: 0.1, Priority.LOW: 0.15, Priority.NEGLIGIBLE: 0.2}
BOUND = 3.0
"""Points."""
_DAY = 86_400


def main() -> None:
    """Measures and prints the table; exit code 1 where a share is further from the ideal than the bound."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=float, default=30.0)
    arguments.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 10])
    arguments.add_argument("--kinds", nargs="+", default=crew.KINDS)
    options = arguments.parse_args()
    print(
        f"percent of the workers' time in {options.seconds:g} s; jobs sleep{_row(1000 * s for s in SLEEP.values())} ms"
    )
    words = "".join(f"{one.word[:6]:>7}" for one in SLEEP)
    print(f"\n{'':12}{'workers':>8} {words}   ideal:{words[2:]}{'off':>6}   (bound {BOUND:g})")
    well = True
    for kind in options.kinds:
        with crew.fresh(kind) as fresh:
            for workers in options.workers:
                with fresh() as url:
                    found = shares(url, workers, options.seconds)
                wanted = ideal(workers)
                off = max(abs(found[one] - wanted[one]) for one in SLEEP)
                well = well and off <= BOUND
                print(
                    f"{kind:12}{workers:8} {_row(found.values())}       {_row(wanted.values())}{off:6.1f}", flush=True
                )
    sys.exit(0 if well else 1)


def ideal(workers: int) -> dict[Priority, float]:
    """Percent of the time that the rule gives, in a simulation in which claims take no time."""
    trace = simulate(workers, dict.fromkeys(SLEEP, math.inf), lambda one: SLEEP[Priority(one)], 1000.0)
    return {one: 100 * trace.share(one) for one in SLEEP}


def shares(url: str, workers: int, seconds: float) -> dict[Priority, float]:
    """Percent of the time that each class had."""
    queue = crew.opened(url)
    numbers = {one: int(1.2 * workers * seconds / sleep) for one, sleep in SLEEP.items()}
    jobs.arm(queue, [Wanted(PROBE, f"n{n}", one.word, one, _DAY) for one in SLEEP for n in range(numbers[one])])
    queue.engine.dispose()
    spent = crew.together(workers, _work, url, seconds)
    sums = {one: sum(times.get(one, 0.0) for times in spent) for one in SLEEP}
    return {one: 100 * time / sum(sums.values()) for one, time in sums.items()}


def _work(wait: Callable[[], object], url: str, seconds: float) -> dict[int, float]:
    """Seconds that one worker gave each class."""
    queue = crew.opened(url)
    claimant = jobs.enter(queue)
    spent: dict[int, float] = {}
    wait()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        batch = jobs.claim(queue, claimant)
        if batch is None:
            sys.exit("a class ran out of jobs: this is no measure")
        begin = time.monotonic()
        time.sleep(SLEEP[Priority(batch.priority)])
        jobs.finish(queue, claimant, batch, [Ended(job) for job in batch.jobs])
        claimant.batch = None
        took = time.monotonic() - begin
        claimant.spent.append((batch.priority, took))
        spent[batch.priority] = spent.get(batch.priority, 0.0) + took
    jobs.leave(queue, claimant)
    return spent


def _row(values: Iterable[float]) -> str:
    return "".join(f"{value:7.1f}" for value in values)


if __name__ == "__main__":
    main()
