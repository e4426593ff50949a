"""The rules of the scheduler: which class is served next, and when a task that failed is tried again.

Which class: critical tasks go first. A waiting class that no collector serves comes next. Then the waiting classes
share the collectors by squared rank, and each gets at least one: of ten collectors four classes get 5, 3, 1 and 1.
With fewer collectors than classes such shares would never reach the lower classes. There the classes take turns with
the same weights: 53, 30, 13 and 3 % of the time of one collector. Turns are counted in virtual time, as in stride
scheduling (Waldspurger and Weihl, 1995).

When again: a level counts the failures in a row, and is 0 before the first. A task that is done once climbs 15 levels,
from 81 seconds to 23 hours and 3.8 days in all, and then has failed for good. A periodic task never gives up and comes
back at least as often as a ceiling says.

All functions are pure. Classes are the numbers of `Priority`; times are in seconds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate, chain
from random import Random

from nicassh.tasks.model import Priority

LEAST_COST = 0.01
"""Seconds that every batch costs at least, about what a claim takes: a class that costs nothing would keep its turn."""
MEMORY = 8
"""About how many of the last batches the mean cost of a class remembers."""
MAX_LEVEL = 15
"""The last level: a task that is done once and fails on it has failed for good, after 16 runs."""

TIME_LIMITS: dict[int, int] = {
    Priority.CRITICAL: 720 * 60,
    Priority.HIGH: 10 * 60,
    Priority.MEDIUM: 60 * 60,
    Priority.LOW: 180 * 60,
    Priority.BACKGROUND: 720 * 60,
}
"""Seconds that a task of each class may run, counted from its own start."""

_AFTER_TIMEOUT = {
    Priority.CRITICAL: Priority.CRITICAL,
    Priority.HIGH: Priority.MEDIUM,
    Priority.MEDIUM: Priority.LOW,
    Priority.LOW: Priority.BACKGROUND,
    Priority.BACKGROUND: Priority.BACKGROUND,
}


@dataclass(frozen=True)
class Choice:
    """The class to serve. `by_turn` says that its turn had come, so that it must be charged."""

    priority: int
    by_turn: bool = False


def choose(
    waiting: Collection[int],
    running: Mapping[int, int],
    active: int,
    *,
    virtual_times: Mapping[int, float],
    reserved: int,
) -> Choice | None:
    """Choose the class that the asking collector serves next; None where nothing waits.

    waiting:       the classes with a task that may be claimed
    running:       for each class, how many collectors hold an unfinished task of it, with the asking one
    active:        how many collectors there are, with the asking one
    virtual_times: for each class, the time it has had over its share; a missing class has had none. See `charge`
    reserved:      how many collectors critical tasks leave to other classes that wait; critical tasks always get one
    """
    collectors = max(active, sum(running.values()))
    others = _sharing(waiting)
    if Priority.CRITICAL in waiting:
        bound = max(1, collectors - reserved) if reserved and others and collectors > 1 else None
        if bound is None or running.get(Priority.CRITICAL, 0) < bound:
            return Choice(Priority.CRITICAL)
    if not others:
        return None
    # The asking collector is free for these classes in any case, so a class that waits alone needs no turn.
    available = max(1, collectors - sum(number for one, number in running.items() if one not in others))
    if available < len(others):
        # Of equal classes min gives the first, which is the most urgent one.
        return Choice(min(others, key=lambda one: virtual_times.get(one, 0.0)), by_turn=True)
    return Choice(next(_by_share(others, running, available)))


def _sharing(waiting: Collection[int]) -> list[int]:
    """Return the waiting classes that share what critical tasks leave, the most urgent first."""
    return sorted(set(waiting) - {Priority.CRITICAL})


def _by_share(classes: list[int], running: Mapping[int, int], collectors: int) -> Iterator[int]:
    """Yield the classes without a collector, then those below their limit, then all."""
    limits = class_limits(collectors, len(classes))
    unserved = (one for one in classes if not running.get(one))
    below = (one for one, limit in zip(classes, limits, strict=True) if running.get(one, 0) < limit)
    return chain(unserved, below, classes)


def class_limits(active: int, classes: int) -> list[int]:
    """Return how many of the active collectors each of so many classes may have, the most urgent first.

    Each has one at least, and halves are rounded up, so the sum may differ from `active`.
    """
    weights = [rank * rank for rank in range(classes, 0, -1)]
    total = sum(weights)
    return [max(1, (2 * active * weight + total) // (2 * total)) for weight in weights]


def charge(
    virtual_times: Mapping[int, float], waiting: Collection[int], chosen: int, cost: float = 1.0
) -> dict[int, float]:
    """Return the virtual times after a turn of the chosen class, which is expected to take `cost` collector seconds.

    The class pays the cost over its weight, which is the square of its rank among the waiting classes. Virtual times
    are counted from that of the chosen class, the least of those that wait. So they do not grow for ever, and a class
    that was idle meanwhile stands level with it: it has saved no turns, and keeps what it owes.

    Only choices by turn are charged: hours with collectors enough for all classes leave no debts.
    """
    others = _sharing(waiting)
    rank = len(others) - others.index(chosen)
    start = virtual_times.get(chosen, 0.0)
    paid = {**virtual_times, chosen: start + max(cost, LEAST_COST) / rank**2}
    return {one: max(0.0, moment - start) for one, moment in paid.items()}


def updated_mean(mean: float | None, seconds: float) -> float:
    """Return the mean cost of a batch of a class after one more took so many seconds; None: before the first."""
    return seconds if mean is None else mean + (seconds - mean) / MEMORY


def checked_priority(number: int) -> Priority:
    """Return the priority with this number; medium for a number that is none, so that each task has a class."""
    return Priority(number) if number in set(Priority) else Priority.MEDIUM


def retry_delay(level: int, jitter: Random) -> float:
    """Return the seconds until a task that now has this level is tried again."""
    return _base_delay(level) + jitter.randint(1, 30) * level


def _base_delay(level: int) -> int:
    return (level + 2) ** 4


def next_level(level: int, age: float) -> int:
    """Return the level of a task that is done once after a failure; beyond MAX_LEVEL it has failed for good.

    `age` is the seconds since the task was created. Levels whose delays are shorter than that are skipped: a task that
    waited for a month is not tried 15 times more.
    """
    # The sum for a level contains the delay of the next one: a level is skipped to when that has passed as well.
    sums = enumerate(accumulate(map(_base_delay, range(1, MAX_LEVEL + 3))))
    return max((number for number, seconds in sums if number > level and seconds < age), default=level + 1)


def lower_priority(priority: int, level: int) -> Priority:
    """Return the class of a task that is done once after it was put off to this level: at most one class lower."""
    if priority < Priority.MEDIUM and level > 3:
        return Priority.MEDIUM
    if priority < Priority.LOW and level > 6:
        return Priority.LOW
    if level > 8:
        return Priority.BACKGROUND
    return Priority(priority)


def priority_after_timeout(priority: int) -> Priority:
    """Return the class of a task that was stopped at its time limit: one class lower; critical stays."""
    return _AFTER_TIMEOUT[Priority(priority)]


def periodic_retry_delay(level: int, every: int, ceiling: float, jitter: Random) -> float:
    """Return the seconds until a periodic task that now has this level is tried again.

    That is `retry_delay` as long as it is below the ceiling, or below the period of the task if that is longer. At the
    ceiling the delay is drawn anew, between half of it and all of it: so the tasks of 1,000 nodes that died in one
    second are not all tried in one second, however often they fail.
    """
    limit = max(ceiling, every)
    delay = retry_delay(level, jitter)
    return delay if delay < limit else jitter.uniform(limit / 2, limit)


def next_due(now: float, every: int) -> int:
    """Return the first whole multiple of `every` seconds since 1970 that is later than now.

    So a line of cron at each full minute finds its tasks due, all nodes are measured at once, missed periods are left
    out, and tasks of one period share one moment.
    """
    return (int(now // every) + 1) * every
