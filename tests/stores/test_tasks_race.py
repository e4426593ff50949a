"""Several real processes at one task list, and one that dies in the middle of a claim."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable

import crew
import sqlalchemy as sa
import tasks_race
from task_rows import put, row, rows

from nicassh import tasks

KEYS = 200


def test_each_task_is_run_once(database: str) -> None:
    """CL1: 8 processes, 2,000 tasks of four classes."""
    race = tasks_race.race(database, 8, 2000)
    assert set(race.runs.values()) == {1}
    assert (len(race.runs), race.left, race.finished) == (2000, 0, 2000)


def _add(wait: Callable[[], object], url: str) -> int:
    task_list = crew.opened(url)
    wait()
    return sum(tasks.enqueue(task_list, "prune", str(number)) for number in range(KEYS))


def test_each_task_is_added_once(database: str) -> None:
    """AD2: 6 processes, 200 keys."""
    added = crew.together(6, _add, database)
    assert sum(added) == KEYS
    task_list = crew.opened(database)
    assert len({one.unique_key for one in rows(task_list)}) == len(rows(task_list)) == KEYS
    task_list.engine.dispose()


def _claim_and_die(url: str) -> None:
    task_list = crew.opened(url)
    registration = tasks.register(task_list)

    def die(_connection: sa.Connection) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    sa.event.listen(task_list.engine, "commit", die)
    tasks.claim(task_list, registration)


def test_who_dies_in_a_claim_holds_nothing(database: str) -> None:
    """CL7, HK4: neither the task nor the lock by which collectors take turns; the next one gets both at once."""
    task_list = crew.opened(database)
    put(task_list)
    victim = multiprocessing.get_context("spawn").Process(target=_claim_and_die, args=(database,))
    victim.start()
    victim.join()
    assert victim.exitcode == -signal.SIGKILL
    assert row(task_list).state == "waiting"
    assert tasks.claim(task_list, tasks.register(task_list)) is not None
    task_list.engine.dispose()
