"""Which class of jobs the next free worker serves.

Critical goes first. A waiting class that no worker serves comes next; then the waiting classes share the workers by
squared rank, each at least one: ten workers and four classes make 5, 3, 1 and 1. With fewer workers than classes such
slots would never reach the lower ones, so there the classes take turns, by the same weights: 53, 30, 13 and 3 % of
the time of one worker. Turns are counted in passes, as in stride scheduling (Waldspurger and Weihl, 1995).

Classes are the numbers of `Priority`. All functions are pure: who calls them holds the lock and the tables.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from nicassh.tasks.priority import Priority

LEAST_COST = 0.01
"""Seconds that every batch costs at least, which is about what claiming it takes.

A class whose jobs cost nothing would never lose its turn.
"""
MEMORY = 8
"""About how many of the last batches the mean cost of a class remembers."""


@dataclass(frozen=True)
class Choice:
    """The class to serve. `turn` says that it was its turn, so that it must be charged for it."""

    priority: int
    turn: bool = False


def choose(
    waiting: Collection[int],
    running: Mapping[int, int],
    active: int,
    *,
    passes: Mapping[int, float],
    reserved: int,
) -> Choice | None:
    """The class that the asking worker serves next; None where nothing waits.

    waiting:  the classes that have a job which may be claimed
    running:  for each class, how many workers hold an unfinished job of it; the one who asks counts if it holds one
    active:   how many workers there are, with the one who asks
    passes:   for each class, the time it has had over its share; a missing one has had none. See `charge`
    reserved: how many workers critical jobs leave to other classes that wait; they always get one
    """
    workers = max(active, sum(running.values()))
    others = _sharing(waiting)
    if Priority.CRITICAL in waiting:
        bound = max(1, workers - reserved) if reserved and others and workers > 1 else None
        if bound is None or running.get(Priority.CRITICAL, 0) < bound:
            return Choice(Priority.CRITICAL)
    if not others:
        return None
    # Whoever asks is there for them in any case, so a class that waits alone has no need of a turn.
    available = max(1, workers - sum(number for one, number in running.items() if one not in others))
    if available < len(others):
        # Of equals, min gives the first: the most urgent.
        return Choice(min(others, key=lambda one: passes.get(one, 0.0)), turn=True)
    return Choice(next(_by_slots(others, running, available)))


def _sharing(waiting: Collection[int]) -> list[int]:
    """The waiting classes that share what critical leaves, the most urgent first."""
    return sorted(set(waiting) - {Priority.CRITICAL})


def _by_slots(classes: list[int], running: Mapping[int, int], workers: int) -> Iterator[int]:
    """The classes as they come into question: without a worker, below the limit, and the first one in any case."""
    slots = limits(workers, len(classes))
    unserved = (one for one in classes if not running.get(one))
    below = (one for one, limit in zip(classes, slots, strict=True) if running.get(one, 0) < limit)
    return chain(unserved, below, classes)


def limits(active: int, classes: int) -> list[int]:
    """How many of the active workers each of so many classes may have, the most urgent first.

    Each has one at least, and halves are rounded up, so the sum may differ from `active`.
    """
    weights = [rank * rank for rank in range(classes, 0, -1)]
    total = sum(weights)
    return [max(1, (2 * active * weight + total) // (2 * total)) for weight in weights]


def charge(passes: Mapping[int, float], waiting: Collection[int], chosen: int, cost: float = 1.0) -> dict[int, float]:
    """The passes after a turn of the chosen class, which is to take `cost` worker seconds.

    The class pays the cost over its weight, the square of its rank among the waiting ones. Passes are counted from
    where the chosen class stood, which had the least of those that wait. So they do not grow for ever, and a class
    that was idle meanwhile stands level with it and has saved no turns up; what it owes stays.

    Only choices that were turns are charged: hours in which there were workers for all leave no debts.
    """
    others = _sharing(waiting)
    rank = len(others) - others.index(chosen)
    start = passes.get(chosen, 0.0)
    paid = {**passes, chosen: start + max(cost, LEAST_COST) / rank**2}
    return {one: max(0.0, moment - start) for one, moment in paid.items()}


def averaged(mean: float | None, seconds: float) -> float:
    """The mean cost of a batch of some class after one more took so many worker seconds; None before the first."""
    return seconds if mean is None else mean + (seconds - mean) / MEMORY
