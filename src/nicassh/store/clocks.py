"""Clocks: what is known of those of the monitoring hosts, so that no time is believed that only a set clock tells.

There are three witnesses of how late it is: the database's clock, the seconds since the machine was booted, which
nobody can set, and the newest time that is stored. Where a clock was set forward, or nothing was stored for longer
than a day, deleting and rolling up go by the time before (`trusted`), until somebody says that the clock is right.
"""

from __future__ import annotations

import logging
import socket
from typing import Any

import sqlalchemy as sa

from nicassh.database import BulkTable, Clock, translate_errors, uptime, with_retry
from nicassh.model.units import draw_seconds
from nicassh.store.layout import Layout
from nicassh.store.repair import clip_future_times, repair

MARGIN = 5
"""Seconds by which clocks may differ, and a time may lie ahead, before anything is said or done about it."""
DOUBTFUL = 3600
"""Seconds by which a clock may be set forward before deleting and rolling up wait."""
_GAP = 86400
"""Seconds without anything stored after which the clock of a machine that was booted since is doubted."""
_OFTEN = 60
"""Seconds between two notes of a clock with which all is well."""
_LOG = logging.getLogger("nicamon")


class Clocks:
    """The table `host_clocks`, one row a monitoring host, and what this process knows of its own."""

    def __init__(self, layout: Layout, engine: sa.Engine, clock: Clock) -> None:
        """Take the tables, where they are, and the clock of the database."""
        self.table = layout.host_clocks
        self._layout, self._engine, self._clock = layout, engine, clock
        self._sheet = BulkTable(self.table, [column.name for column in self.table.c], engine.dialect)
        self.host = socket.gethostname()
        self._booted: float | None = None
        self._noted = 0.0
        self._told = False

    def watch(self) -> None:
        """Compare the witnesses, and say loudly where they differ; a few times a minute. Raises DatabaseError.

        Rows of a time that is still to come, of a clock that has been set back since, get the time at which they were
        true.
        """
        boot = uptime()
        since = boot[1] if boot else 0.0
        booted = self._clock.now() - since
        if self._booted is not None and abs(booted - self._booted) < MARGIN and since < self._noted + _OFTEN:
            return
        self._noted = since
        self._booted = with_retry(self._engine, lambda connection: self._look(connection, boot))
        if abs(self._clock.ahead) >= MARGIN and not self._told:
            self._told = True
            _LOG.warning("%s", self.differs(self.host, -self._clock.ahead))

    def differs(self, host: str, ahead: float) -> str:
        """Return a host's clock in words."""
        way = "ahead of" if ahead > 0 else "behind"
        return f"the clock of {host} is {draw_seconds(round(abs(ahead)))} {way} the database's, whose times are stored"

    def _look(self, connection: sa.Connection, boot: tuple[str, float] | None) -> float:
        self._clock.ask(connection)
        now = self._clock.now()
        booted = now - (boot[1] if boot else 0.0)
        row = connection.execute(sa.select(self.table).where(self.table.c.host == self.host)).one_or_none()
        set_at, doubt = (row.set_at, row.doubt) if row else (now, 0.0)
        if row and boot and row.boot == boot[0]:
            set_by = booted - row.booted
            if set_by >= MARGIN:
                _LOG.warning("the clock was set forward by %s", draw_seconds(set_by))
                set_at, doubt = now, doubt + set_by
            elif set_by <= -MARGIN:
                number = repair(connection, self._layout, int(now), round(set_by), whole=set_at > now)
                how = draw_seconds(-set_by)
                _LOG.warning("the clock was set back by %s: %d rows of a time to come have their true one", how, number)
                set_at, doubt = now, max(0.0, doubt + set_by)
        else:
            set_at, doubt = now, doubt + self._gap(connection, now)
        values = (self.host, boot and boot[0], booted, -self._clock.ahead, now, set_at, doubt)
        self._sheet.upsert(connection, [values])
        return booted

    def _gap(self, connection: sa.Connection, now: float) -> float:
        """Return for how long nothing was stored before this boot, where that is long; mends rows of a time to come."""
        at = sa.type_coerce(self._layout.outcomes.newest.c.at, sa.BigInteger)
        newest = max(connection.scalar(sa.select(sa.func.max(at))) or 0, self._seen(connection))
        if newest > now + MARGIN:
            number = clip_future_times(connection, self._layout, int(now) + MARGIN)
            _LOG.warning(
                "rows are stored of a time up to %s ahead: the clock was ahead, or is behind now; %d newest rows have "
                "the last time before", draw_seconds(newest - now), number,
            )  # fmt: skip
        return now - newest if 0 < newest < now - _GAP else 0.0

    def _seen(self, connection: sa.Connection) -> float:
        return connection.scalar(sa.select(sa.func.max(self.table.c.seen))) or 0.0

    def trusted(self, now: float) -> float:
        """Return the moment by which to delete and to roll up; said loudly where it is not `now`.

        Raises DatabaseError.
        """
        self.watch()
        with translate_errors(self._engine), self._engine.connect() as connection:
            doubt = connection.scalar(sa.select(sa.func.max(self.table.c.doubt))) or 0.0
        if doubt < DOUBTFUL:
            return now
        _LOG.warning(
            "the clock may be %s ahead: it was set, or nothing was stored for so long. Nothing more is deleted or "
            "rolled up than by the time before; where the clock is right: nicamon db prune --trust-clock",
            draw_seconds(doubt),
        )  # fmt: skip
        return now - doubt

    def trust(self) -> None:
        """Say that the clocks are right as they are. Raises DatabaseError."""
        self.watch()
        update: Any = sa.update(self.table).values(doubt=0.0)
        with_retry(self._engine, lambda connection: connection.execute(update))
