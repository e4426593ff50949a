"""Lets 8 workers race for 2,000 jobs of four classes, on the three databases: each job must be run exactly once.

    python tests/bench/queue_race.py [--rounds 20] [--workers 8] [--jobs 2000] [--kinds sqlite mariadb postgresql]

The workers claim batches of differing sizes, now and then give one back unrun, and meanwhile arm, reap and retry as
other programs would. A round is one race; the test run has one of them on each database.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import crew
import sqlalchemy as sa

from nicassh import tasks as jobs
from nicassh.tasks import PROBE, Claimant, Ended, Priority, Queue
from nicassh.tasks.arming import fresh
from nicassh.tasks.table import FINISHED, JOBS

CLASSES = [priority for priority in Priority if priority != Priority.CRITICAL]


@dataclass(frozen=True)
class Race:
    """What came of a race: how often each job was run, what is left of them, and what was counted as finished."""

    runs: Counter[int]
    left: int
    finished: int
    seconds: float

    def exact(self, number: int) -> bool:
        """Whether each of so many jobs was run once, and none is left."""
        return set(self.runs.values()) == {1} and len(self.runs) == self.finished == number and not self.left


def main() -> None:
    """Races and prints a line for each database; exit code 1 where a job was lost or run twice."""
    arguments = argparse.ArgumentParser(description=__doc__)
    for name, value in (("rounds", 20), ("workers", 8), ("jobs", 2000)):
        arguments.add_argument(f"--{name}", type=int, default=value)
    arguments.add_argument("--kinds", nargs="+", default=crew.KINDS)
    options = arguments.parse_args()
    well = True
    for kind in options.kinds:
        with crew.fresh(kind) as database:
            races = []
            for _ in range(options.rounds):
                with database() as url:
                    races.append(race(url, options.workers, options.jobs))
        exact = sum(one.exact(options.jobs) for one in races)
        twice = sum(number > 1 for one in races for number in one.runs.values())
        lost = sum(options.jobs - len(one.runs) for one in races)
        seconds = sum(one.seconds for one in races) / len(races)
        print(
            f"{kind:12}{exact} of {len(races)} exact; {twice} run twice, {lost} lost; {seconds:.1f} s each", flush=True
        )
        well = well and exact == len(races)
    sys.exit(0 if well else 1)


def race(url: str, workers: int, number: int) -> Race:
    """One race."""
    queue = crew.opened(url)
    rows = [fresh(PROBE, f"n{one}", "load", CLASSES[one % len(CLASSES)], queue.now()) for one in range(number)]
    queue.write(lambda connection: connection.execute(sa.insert(JOBS), rows))
    begin = time.monotonic()
    runs = Counter(job for one in crew.together(workers, _work, url) for job in one)
    seconds = time.monotonic() - begin
    left, finished = _left(queue), sa.select(sa.func.sum(FINISHED.c.number))
    total = queue.read(lambda connection: connection.scalar(finished))
    queue.engine.dispose()
    return Race(runs, left, int(total or 0), seconds)


def _work(wait: Callable[[], object], url: str) -> list[int]:
    """The jobs that one worker ran."""
    queue, dice, ran = crew.opened(url), random.Random(), []
    claimant = jobs.enter(queue)
    wait()
    while _left(queue):
        batch = jobs.claim(queue, claimant, dice.randint(1, 20), dice.randint(1, 5))
        if batch is None:
            time.sleep(0.01)
        elif dice.random() < 0.05:
            jobs.release(queue, claimant)
        else:
            claimant.batch = None
            jobs.start(queue, batch, batch.jobs)
            ran += [job.id for job in batch.jobs]
            jobs.finish(queue, claimant, batch, [Ended(job) for job in batch.jobs])
        if dice.random() < 0.1:
            _meddle(queue, claimant, dice)
    jobs.leave(queue, claimant)
    queue.engine.dispose()
    return ran


def _meddle(queue: Queue, claimant: Claimant, dice: random.Random) -> None:
    """What other programs may do at any moment, and what must harm no job."""
    acts: list[Callable[[], object]] = [
        lambda: jobs.beat(queue, claimant), lambda: jobs.reap(queue), lambda: jobs.retry(queue),
        lambda: jobs.arm(queue, []), lambda: jobs.now(queue), lambda: jobs.counts(queue), lambda: jobs.tidy(queue),
    ]  # fmt: skip
    dice.choice(acts)()


def _left(queue: Queue) -> int:
    return int(queue.read(lambda connection: connection.scalar(sa.select(sa.func.count()).select_from(JOBS))) or 0)


if __name__ == "__main__":
    main()
