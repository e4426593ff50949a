"""Several real processes at one queue."""

from __future__ import annotations

from collections.abc import Callable

import crew
import queue_race
from queueing import rows

from nicassh import jobs

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
