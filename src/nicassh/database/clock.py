"""The clock that all monitoring hosts share, the one of the database; and what no clock that is set changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from nicassh.database.dialects import dialect_of


class Clock:
    """The database's clock as this machine knows it: by its own one, put right whenever it asks."""

    def __init__(self, own: Callable[[], float] = time.time) -> None:
        self._own, self.ahead = own, 0.0

    def now(self) -> float:
        """Return the seconds since 1970."""
        return self._own() + self.ahead

    def ask(self, connection: sa.Connection) -> None:
        """Learn how far the database is ahead of this machine, `ahead` [s]; SQLite has no clock of its own."""
        if statement := dialect_of(connection).clock:
            before = self._own()
            theirs = float(connection.exec_driver_sql(statement).scalar_one())
            self.ahead = theirs - (before + self._own()) / 2


def uptime(proc: Path = Path("/proc")) -> tuple[str, float] | None:
    """Return a name for this boot of the machine, and the seconds since; None where the system does not tell.

    Nobody can set it: two moments of one boot are as far apart as it says, whatever the clock did between.
    """
    try:
        boot = (proc / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return boot, float((proc / "uptime").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return None
