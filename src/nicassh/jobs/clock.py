"""The clock that all head nodes share: the one of the database."""

from __future__ import annotations

import time
from collections.abc import Callable

import sqlalchemy as sa

_NOW = {"postgresql": "SELECT extract(epoch FROM clock_timestamp())", "mysql": "SELECT unix_timestamp(now(6))"}


class Clock:
    """The database's clock as this machine knows it: by its own one, put right whenever it asks."""

    def __init__(self, own: Callable[[], float] = time.time) -> None:
        self._own, self._ahead = own, 0.0

    def now(self) -> float:
        """Seconds since 1970."""
        return self._own() + self._ahead

    def ask(self, connection: sa.Connection) -> None:
        """Learns how far the database is ahead of this machine; SQLite has no clock of its own."""
        if statement := _NOW.get(connection.dialect.name.replace("mariadb", "mysql")):
            before = self._own()
            theirs = float(connection.exec_driver_sql(statement).scalar_one())
            self._ahead = theirs - (before + self._own()) / 2
