"""Lets 8 collectors race for 2,000 tasks of four classes, on the three databases: each task must be run exactly once.

    python tests/bench/task_race.py [--rounds 20] [--collectors 8] [--tasks 2000] [--kinds sqlite mariadb postgresql]

The collectors claim batches of differing sizes, now and then give one back unrun, and meanwhile arm, reap and retry as
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

from nicassh import tasks
from nicassh.tasks import PROBE, Priority, Registration, TaskList, TaskResult
from nicassh.tasks.enqueueing import new_row
from nicassh.tasks.model import FINISHED_TASKS, TASKS

CLASSES = [priority for priority in Priority if priority != Priority.CRITICAL]


@dataclass(frozen=True)
class Race:
    """What came of a race: how often each task was run, what is left of them, and what was counted as finished."""

    runs: Counter[int]
    left: int
    finished: int
    seconds: float

    def exact(self, number: int) -> bool:
        """Whether each of so many tasks was run once, and none is left."""
        return set(self.runs.values()) == {1} and len(self.runs) == self.finished == number and not self.left


def main() -> None:
    """Races and prints a line for each database; exit code 1 where a task was lost or run twice."""
    arguments = argparse.ArgumentParser(description=__doc__)
    for name, value in (("rounds", 20), ("collectors", 8), ("tasks", 2000)):
        arguments.add_argument(f"--{name}", type=int, default=value)
    arguments.add_argument("--kinds", nargs="+", default=crew.KINDS)
    options = arguments.parse_args()
    well = True
    for kind in options.kinds:
        with crew.fresh(kind) as database:
            races = []
            for _ in range(options.rounds):
                with database() as url:
                    races.append(race(url, options.collectors, options.tasks))
        exact = sum(one.exact(options.tasks) for one in races)
        twice = sum(number > 1 for one in races for number in one.runs.values())
        lost = sum(options.tasks - len(one.runs) for one in races)
        seconds = sum(one.seconds for one in races) / len(races)
        print(
            f"{kind:12}{exact} of {len(races)} exact; {twice} run twice, {lost} lost; {seconds:.1f} s each", flush=True
        )
        well = well and exact == len(races)
    sys.exit(0 if well else 1)


def race(url: str, collectors: int, number: int) -> Race:
    """One race."""
    task_list = crew.opened(url)
    rows = [new_row(PROBE, f"n{one}", "load", CLASSES[one % len(CLASSES)], task_list.now()) for one in range(number)]
    task_list.write(lambda connection: connection.execute(sa.insert(TASKS), rows))
    begin = time.monotonic()
    runs = Counter(task for one in crew.together(collectors, _work, url) for task in one)
    seconds = time.monotonic() - begin
    left, finished = _left(task_list), sa.select(sa.func.sum(FINISHED_TASKS.c.number))
    total = task_list.read(lambda connection: connection.scalar(finished))
    task_list.engine.dispose()
    return Race(runs, left, int(total or 0), seconds)


def _work(wait: Callable[[], object], url: str) -> list[int]:
    """The tasks that one collector ran."""
    task_list, dice, ran = crew.opened(url), random.Random(), []
    registration = tasks.register(task_list)
    wait()
    while _left(task_list):
        batch = tasks.claim(task_list, registration, dice.randint(1, 20), dice.randint(1, 5))
        if batch is None:
            time.sleep(0.01)
        elif dice.random() < 0.05:
            tasks.release(task_list, registration)
        else:
            registration.batch = None
            tasks.start(task_list, batch, batch.tasks)
            ran += [task.id for task in batch.tasks]
            tasks.complete(task_list, registration, batch, [TaskResult(task) for task in batch.tasks])
        if dice.random() < 0.1:
            _meddle(task_list, registration, dice)
    tasks.unregister(task_list, registration)
    task_list.engine.dispose()
    return ran


def _meddle(task_list: TaskList, registration: Registration, dice: random.Random) -> None:
    """What other programs may do at any moment, and what must harm no task."""
    acts: list[Callable[[], object]] = [
        lambda: tasks.heartbeat(task_list, registration), lambda: tasks.reap(task_list),
        lambda: tasks.retry(task_list), lambda: tasks.sync_periodic(task_list, []), lambda: tasks.run_now(task_list),
        lambda: tasks.class_counts(task_list), lambda: tasks.forget_finished(task_list),
    ]  # fmt: skip
    dice.choice(acts)()


def _left(task_list: TaskList) -> int:
    return int(task_list.read(lambda connection: connection.scalar(sa.select(sa.func.count()).select_from(TASKS))) or 0)


if __name__ == "__main__":
    main()
