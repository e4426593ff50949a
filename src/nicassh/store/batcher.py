"""Long work in short transactions, so that nobody waits for it for long."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa

from nicassh.database import with_retry

T = TypeVar("T")
_GOAL = 0.05
"""Seconds that a step should take: others wait for one step, and for what is under way at the disk."""


def never() -> bool:
    """Return False, for work that nobody halts."""
    return False


class Batcher:
    """Steps of a size that this database does in a few hundredths of a second, with as long a pause after each.

    `size` is what one step takes on, in whatever the work counts. It is doubled after a quick step, up to four times
    the first size, and halved after a slow one.
    """

    def __init__(self, engine: sa.Engine, size: int, most: float, halted: Callable[[], bool]) -> None:
        self.size, self._least, self._greatest = size, max(1, size // 64), size * 4
        self._engine, self._end, self._halted = engine, time.monotonic() + most, halted

    @property
    def over(self) -> bool:
        """Say whether it is time to leave the rest to the next time."""
        return time.monotonic() >= self._end or self._halted()

    def step(self, work: Callable[[sa.Connection, int], T]) -> T:
        """Return what `work` gives, in a transaction of its own, with the size that it may take on.

        Raises DatabaseError.
        """
        begun = time.monotonic()
        result = with_retry(self._engine, lambda connection: work(connection, self.size))
        spent = time.monotonic() - begun
        if spent > _GOAL:
            self.size = max(self._least, self.size // 2)
        elif spent < _GOAL / 4:
            self.size = min(self._greatest, self.size * 2)
        time.sleep(spent)
        return result

    def steps(self, work: Callable[[sa.Connection, int], object]) -> bool:
        """Step until one gives something false: then all is done; or until it is over. Raises DatabaseError."""
        while not self.over:
            if not self.step(work):
                return True
        return False
