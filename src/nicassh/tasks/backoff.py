"""When a job that failed is tried again, and in which class.

A level counts the failures in a row: 0 before the first. One-off jobs climb a ladder of 15 levels, 81 seconds to 23
hours and 3.8 days in all, and then have failed for good. Periodic jobs never give up and come back at least as often
as a ceiling says.
"""

from __future__ import annotations

from itertools import accumulate
from random import Random

from nicassh.tasks.priority import Priority

MAX_LEVEL = 15
"""The last level: a one-off job that fails on it has failed for good, after 16 runs."""

RUNTIME: dict[int, int] = {
    Priority.CRITICAL: 720 * 60,
    Priority.HIGH: 10 * 60,
    Priority.MEDIUM: 60 * 60,
    Priority.LOW: 180 * 60,
    Priority.NEGLIGIBLE: 720 * 60,
}
"""Seconds that a job of each class may run, counted from its own start."""

_OVERRUN = {
    Priority.CRITICAL: Priority.CRITICAL,
    Priority.HIGH: Priority.MEDIUM,
    Priority.MEDIUM: Priority.LOW,
    Priority.LOW: Priority.NEGLIGIBLE,
    Priority.NEGLIGIBLE: Priority.NEGLIGIBLE,
}


def delay(level: int, jitter: Random) -> float:
    """Seconds until a job that now has this level is tried again."""
    return _base(level) + jitter.randint(1, 30) * level


def _base(level: int) -> int:
    return (level + 2) ** 4


def next_level(level: int, age: float) -> int:
    """The level of a one-off job after a failure; beyond MAX_LEVEL it has failed for good.

    `age` is the seconds since the job was created. Levels whose delays it has outlived already are skipped, so that a
    job that waited for a month is not asked for 15 times more.
    """
    # The sum for a level has the delay of the next one in it: a level is skipped to when that is outlived as well.
    sums = enumerate(accumulate(map(_base, range(1, MAX_LEVEL + 3))))
    return max((number for number, seconds in sums if number > level and seconds < age), default=level + 1)


def demoted(priority: int, level: int) -> Priority:
    """The class of a one-off job once it has been deferred to this level: one step down at most, even after a skip."""
    if priority < Priority.MEDIUM and level > 3:
        return Priority.MEDIUM
    if priority < Priority.LOW and level > 6:
        return Priority.LOW
    if level > 8:
        return Priority.NEGLIGIBLE
    return Priority(priority)


def overrun(priority: int) -> Priority:
    """The class of a job that was stopped because it ran for longer than RUNTIME: the next one, critical stays."""
    return _OVERRUN[Priority(priority)]


def periodic(level: int, every: int, ceiling: float, jitter: Random) -> float:
    """Seconds until a periodic job that now has this level is tried again.

    That is the ladder as far as it stays below the ceiling, or below the job's own period if that is longer. At the
    ceiling the delay is drawn anew between half of it and all of it: jobs of 1,000 nodes that died in one second
    stay apart, however often they fail, and none waits for longer.
    """
    limit = max(ceiling, every)
    climbed = delay(level, jitter)
    return climbed if climbed < limit else jitter.uniform(limit / 2, limit)


def due(now: float, every: int) -> int:
    """The first whole multiple of `every` seconds since 1970 that is later than now.

    So a line of cron at each full minute finds its jobs due, all nodes are measured at once, missed periods are
    left out, and jobs of one period share one moment.
    """
    return (int(now // every) + 1) * every
