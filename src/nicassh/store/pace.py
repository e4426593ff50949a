"""Pace: long work in short transactions, so that nobody waits for it for long."""

from __future__ import annotations

import time
from collections.abc import Callable

import sqlalchemy as sa

from nicassh.db import retried

_GOAL = 0.05
"""Seconds that a step should take: others wait for one step, and for what is under way at the disk."""


class Pace:
    """Steps of a size that this database does in a few hundredths of a second, with as long a pause after each.

    `size` is what one step may take on, in whatever the work counts. After `most` seconds it is over.
    """

    def __init__(self, engine: sa.Engine, size: int, most: float) -> None:
        self.size = size
        self.longest = 0.0
        self._engine, self._least, self._end = engine, max(1, size // 64), time.monotonic() + most

    def steps(self, work: Callable[[sa.Connection, int], bool]) -> bool:
        """Has `work` do one step a transaction until it says that there was none to do, or the time is over.

        Whether all is done. Raises DatabaseError.
        """
        while time.monotonic() < self._end:
            begun = time.monotonic()
            more = retried(self._engine, lambda connection: work(connection, self.size))
            spent = time.monotonic() - begun
            if not more:
                return True
            self.longest = max(self.longest, spent)
            if spent > _GOAL:
                self.size = max(self._least, self.size // 2)
            elif spent < _GOAL / 4:
                self.size *= 2
            time.sleep(spent)
        return False
