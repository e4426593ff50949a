"""Several real processes at one queue, and one that dies in the middle of a claim."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable

import crew
import queue_race
import sqlalchemy as sa
from queueing import put, row, rows

from nicassh import tasks as jobs

KEYS = 200


def test_each_job_is_run_once(database: str) -> None:
    """CL1: 8 processes, 2,000 jobs of four classes."""
    race = queue_race.race(database, 8, 2000)
    assert set(race.runs.values()) == {1}
    assert (len(race.runs), race.left, race.finished) == (2000, 0, 2000)


def _add(wait: Callable[[], object], url: str) -> int:
    queue = crew.opened(url)
    wait()
    return sum(jobs.add(queue, "prune", str(number)) for number in range(KEYS))


def test_each_job_is_added_once(database: str) -> None:
    """AD2: 6 processes, 200 keys."""
    added = crew.together(6, _add, database)
    assert sum(added) == KEYS
    queue = crew.opened(database)
    assert len({one.active_key for one in rows(queue)}) == len(rows(queue)) == KEYS
    queue.engine.dispose()


def _claim_and_die(url: str) -> None:
    queue = crew.opened(url)
    claimant = jobs.enter(queue)

    def die(_connection: sa.Connection) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    sa.event.listen(queue.engine, "commit", die)
    jobs.claim(queue, claimant)


def test_who_dies_in_a_claim_holds_nothing(database: str) -> None:
    """CL7, HK4: neither the job nor the lock by which workers take turns; the next one gets both at once."""
    queue = crew.opened(database)
    put(queue)
    victim = multiprocessing.get_context("spawn").Process(target=_claim_and_die, args=(database,))
    victim.start()
    victim.join()
    assert victim.exitcode == -signal.SIGKILL
    assert row(queue).state == "waiting"
    assert jobs.claim(queue, jobs.enter(queue)) is not None
    queue.engine.dispose()
