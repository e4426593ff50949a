"""The store: one database, what collections write into it and what tables for people read from it."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from nicassh.config.settings import Config
from nicassh.database import Clock, Difference, connect, create, dialect_of, place, schema, translate_errors, with_retry
from nicassh.model.errors import DatabaseError
from nicassh.model.outcome import Outcome
from nicassh.model.units import draw_seconds
from nicassh.probes.loader import Probe
from nicassh.store import retention, rollup, sql_views
from nicassh.store.batcher import never
from nicassh.store.clocks import MARGIN, Clocks
from nicassh.store.history import Point, history
from nicassh.store.layout import Layout
from nicassh.store.reader import Reader, Row, Stored
from nicassh.store.sql_views import STALE
from nicassh.store.writer import Writer

_LOG = logging.getLogger("nicamon")
Fence = Callable[[sa.Connection, Sequence[Outcome]], Sequence[Outcome]]
"""Says inside a transaction which of some outcomes may be stored by it."""


class Store:
    """One database and the record types of some probes in it."""

    def __init__(
        self, url: str, probes: Sequence[Probe], *, clock: Clock | None = None, stale: float = STALE, make: bool = True
    ) -> None:
        """Open a database; of SQLite the file is made, unless it is for reading alone: `make`.

        `stale` is the age [s] from which on the SQL views call a value out of date.
        """
        self.clock, self.stale = clock or Clock(), stale
        self.layout = Layout(probes, sql_views.queries)
        self.metadata, self.outcomes, self.records = self.layout.metadata, self.layout.outcomes, self.layout.records
        self.probes = self.layout.probes
        self.every = {name: probe.every for probe in probes for name in probe.records}
        self.cluster_probes = {probe.name for probe in probes if probe.where == "batch_cluster"}
        self.engine = connect(url, make)
        self.clocks = Clocks(self.layout, self.engine, self.clock)
        self._reader = Reader(self.layout, self.engine)
        self._writer = Writer(self.layout, self.engine.dialect)

    def check_not_newer(self) -> None:
        """Raise DatabaseError where a newer program has upgraded the database, or it is another program's."""
        with translate_errors(self.engine), self.engine.connect() as connection:
            schema.check_not_newer(schema.version(connection))

    def check_readable(self) -> None:
        """Raise DatabaseError where this program does not know the names of the tables, or what they mean."""
        with translate_errors(self.engine), self.engine.connect() as connection:
            found = schema.version(connection)
            schema.check_not_newer(found)
            schema.check_not_older(connection, found)

    def check_not_empty(self, rows: bool = True) -> None:
        """Raise DatabaseError where nothing was ever collected into the database: no data looks like no trouble.

        Without `rows` it is enough that the tables are there.
        """
        table = self.outcomes.newest
        with translate_errors(self.engine), self.engine.connect() as connection:
            if not schema.exists(connection):
                schema.check_not_foreign(connection)
            elif not rows or connection.execute(sa.select(table.c.node).limit(1)).first():
                return
        what = f"no data collected yet: nothing is in the database {place(self.engine.url)}"
        raise DatabaseError(what, "run `nicamon collect`; or is the setting `database` wrong?")

    def create(self, allow_changes: bool = False) -> list[Difference]:
        """Make the tables that are missing, and the columns that a probe has gained; see `database.create`."""
        with translate_errors(self.engine):
            added = create(self.engine, self.metadata, allow_changes)
            sql_views.store_stale(self.engine, self.layout.settings, self.stale)
        return added

    def write(self, outcomes: Sequence[Outcome], fence: Fence | None = None) -> None:
        """Store outcomes and their records, all or nothing. Raises DatabaseError.

        An ok or absent outcome replaces the node's newest rows of that probe; any other leaves them,
        with the time at which they were true. A `fence` says in the same transaction which of them may be stored.
        """

        def work(connection: sa.Connection) -> None:
            allowed = fence(connection, outcomes) if fence else outcomes
            self.clock.ask(connection)
            self._writer.write(connection, allowed, int(self.clock.now()) + MARGIN)

        self._writer.locks.register(self.engine, (outcome.node for outcome in outcomes))
        with_retry(self.engine, work)

    def timing(self) -> Callable[[Outcome], Outcome]:
        """Return what gives an outcome of this moment its time by the database's clock, none of it still to come.

        A time that this machine's clock told before it was set back becomes now, with a warning. Raises DatabaseError.
        """
        now = self.now().replace(microsecond=0)
        shift = timedelta(seconds=round(self.clock.ahead))
        warned = False

        def timed(one: Outcome) -> Outcome:
            nonlocal warned
            at = one.at + shift
            ahead = (at - now).total_seconds()
            if ahead > MARGIN and not warned:
                warned = True
                _LOG.warning("answers of a time %s ahead are stored as of now: the clock was set", draw_seconds(ahead))
            return replace(one, at=min(at, now)) if shift or ahead > 0 else one

        return timed

    def now(self) -> datetime:
        """Return the time by the database's clock, which is what all times in it are compared with.

        Raises DatabaseError.
        """
        if dialect_of(self.engine).clock:
            with translate_errors(self.engine), self.engine.connect() as connection:
                self.clock.ask(connection)
        return datetime.fromtimestamp(self.clock.now(), UTC)

    def newest(self, name: str, nodes: Iterable[str], /, **where: Sequence[Any]) -> list[Row]:
        """Return the newest rows of a record (or of `outcomes`) on these nodes, with `node` and `at`.

        `where` keeps rows whose column has one of some values. A table that no collection has made yet
        has no rows.
        """
        return self._reader.newest(name, nodes, where)

    def tally(self, name: str, nodes: Iterable[str], /, *by: str, **where: Sequence[Any]) -> list[Row]:
        """Return the number of newest rows for each node and value of some columns: `node`, these, `number`."""
        return self._reader.tally(name, nodes, by, where)

    def sums(
        self, name: str, nodes: Iterable[str], by: Sequence[str], of: Sequence[str], /, **where: Sequence[Any]
    ) -> list[Row]:
        """Return the same with the sums of some columns; rows whose first column of `by` is unknown do not count."""
        return self._reader.sums(name, nodes, by, of, where)

    def pairs(self, name: str, nodes: Iterable[str], text: str, number: str, /) -> dict[str, dict[str, int]]:
        """Return the sum of a whole number for each value of a text among the newest rows, by node.

        The database puts the pairs of a node into one row: a farm has many rows, and rows cost more than what is in
        them. Raises DatabaseError.
        """
        return self._reader.pairs(name, nodes, text, number)

    def spans(self, name: str, nodes: Iterable[str], after: datetime, /, **where: Sequence[Any]) -> list[Row]:
        """Return the intervals of a record that reach beyond a moment, with `since` and `until` (None: it lasts)."""
        return self._reader.spans(name, nodes, after, where)

    def earliest(self, name: str, nodes: Iterable[str], after: datetime) -> list[Row]:
        """Return the first row of a series from a moment on, for each node and key: `node`, `at`, keys and numbers.

        Of what is rolled up it has the mean of the first five minutes, in the middle of them. Raises DatabaseError.
        """
        return self._reader.first_values(name, list(nodes), after)

    def history(
        self, name: str, metric: str, nodes: Iterable[str], since: datetime, until: datetime, step: float = 0, /,
        **where: Sequence[Any],
    ) -> list[Point]:  # fmt: skip
        """Return the points of a number of a series from `since` until before `until`, in the order of time.

        `step` is how many seconds a point may stand for; 0 gives the values as they came. The coarsest tier that
        has such points is read; what is deleted from it comes from a coarser one, what is not there yet from a finer
        one. `layout.series[name].metrics` are the numbers there are. Raises DatabaseError.
        """
        begin, end, chosen = int(since.timestamp()), int(until.timestamp()), list(nodes)
        return history(self.engine, self.layout, self._reader, name, metric, chosen, begin, end, step, where)

    def top(self, name: str, nodes: Iterable[str], since: datetime, until: datetime) -> list[Row]:
        """Return the first rows of a listing as each node's last collection from `since` until `until` saw them.

        Raises DatabaseError.
        """
        return self._reader.top(name, nodes, since, until)

    def before(self, name: str, nodes: Iterable[str]) -> dict[str, list[Stored]]:
        """Return the newest records of each node as objects, with their times, for a probe's `advance`."""
        return self._reader.before(name, nodes)

    def clock_rows(self) -> list[Row]:
        """Return the clocks of the monitoring hosts: `host`, `ahead`, `seen`, `set_at`, `doubt`.

        Raises DatabaseError.
        """
        return self._reader.clock_rows()

    def probe_of(self, record: str) -> str:
        """Return the probe that fills a record's table."""
        return next((probe for probe, records in self.probes.items() if record in records), "")

    def rollup(self, now: float, most: float = math.inf, halted: Callable[[], bool] = never) -> bool:
        """Roll up what is closed at the moment `now` [s since 1970]; return whether all of it is.

        After `most` seconds, or when it is `halted`, it leaves the rest to the next time. Raises DatabaseError, also
        where others write a series that this program does not know.
        """
        return rollup.rollup(self.engine, self.layout, now, most, halted)

    def prune(
        self, config: Config, now: float, most: float = math.inf, halted: Callable[[], bool] = never
    ) -> dict[str, int]:
        """Delete what is older at the moment `now` than the configuration keeps; return rows deleted, by table.

        After `most` seconds, or when it is `halted`, it leaves the rest to the next time. Raises DatabaseError.
        """
        return retention.prune(self.engine, self.layout, config, now, most, halted)

    def forget_nodes(self, known: Collection[str], before: float, now: float) -> list[str]:
        """Take nodes that are not `known` and were not asked since `before` out of the newest tables.

        Returns them. Their history stays. Raises DatabaseError.
        """
        return retention.forget_nodes(self.engine, self.layout, known, before, now)
