"""One database: what collections write into it and what views read from it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from nicassh.database import (
    Clock,
    Difference,
    Tables,
    chunks,
    connect,
    create,
    explained,
    place,
    retried,
    schema,
    tables,
)
from nicassh.model.errors import DatabaseError
from nicassh.model.outcome import Outcome
from nicassh.model.records import UPTIME, Keep, Record, columns
from nicassh.model.units import draw_seconds
from nicassh.probes.loader import Probe
from nicassh.store.ages import STALE, settings, tell_stale
from nicassh.store.clocks import MARGIN, Clocks
from nicassh.store.earliest import earliest
from nicassh.store.history import Point, history
from nicassh.store.late import mark
from nicassh.store.published import published
from nicassh.store.result import Result
from nicassh.store.tiers import Tiers
from nicassh.store.top import Tops, last
from nicassh.store.writing import Writer

_LOG = logging.getLogger("nicamon")
Row = Mapping[str, Any] | sa.RowMapping
Fence = Callable[[sa.Connection, Sequence[Outcome]], Sequence[Outcome]]
"""Says inside a transaction which of some outcomes may be stored by it."""


@dataclass(frozen=True)
class Stored:
    """A newest record, the time at which it was true, and the node's uptime then; None where it is not known."""

    record: Record
    at: datetime
    uptime: float | None


class Store:
    """One database and the record types of some probes in it."""

    def __init__(
        self, url: str, probes: Sequence[Probe], *, clock: Clock | None = None, stale: float = STALE, make: bool = True
    ) -> None:
        """Opens a database; of SQLite the file is made, unless it is for reading alone: `make`."""
        self.clock, self.stale = clock or Clock(), stale
        self.metadata = sa.MetaData()
        self.outcomes = tables(self.metadata, "outcomes", Result, Keep.INTERVALS)
        self.records: dict[str, Tables] = {
            name: tables(self.metadata, name, record, probe.keep[name], probe.name, probe.every)
            for probe in probes
            for name, record in probe.records.items()
        }
        self.tiers = Tiers(self.metadata, self.records)
        # Asked for only where tables are made.
        self.metadata.info["views"] = lambda: {one.name: one.query for one in published(self.metadata, self.records)}
        self.every = {name: probe.every for probe in probes for name in probe.records}
        self.probes = {probe.name: list(probe.records) for probe in probes}
        self.cluster_probes = {probe.name for probe in probes if probe.where == "batch_cluster"}
        self.engine = connect(url, make)
        self._writer = Writer(self.outcomes, self.records, self.probes, self.engine.dialect)
        self.turns = self._writer.turns
        self.clocks = Clocks(self.metadata, self.engine.dialect)
        settings(self.metadata)
        self.tops = Tops(self.metadata, self.records, self.probes, self.engine.dialect)

    def refuse_newer(self) -> None:
        """Raises DatabaseError where a newer program has upgraded the database, or it is another program's."""
        with explained(self.engine), self.engine.connect() as connection:
            schema.refuse_newer(schema.version(connection))

    def refuse_empty(self, rows: bool = True) -> None:
        """Raises DatabaseError where nothing was ever collected into the database: no data looks like no trouble.

        Without `rows` it is enough that the tables are there.
        """
        table = self.outcomes.newest
        with explained(self.engine), self.engine.connect() as connection:
            if not schema.exists(connection):
                schema.refuse_foreign(connection)
            elif not rows or connection.execute(sa.select(table.c.node).limit(1)).first():
                return
        what = f"no data collected yet: nothing is in the database {place(self.engine.url)}"
        raise DatabaseError(what, "run `nicamon collect`; or is the setting `database` wrong?")

    def create(self, by_hand: bool = False) -> list[Difference]:
        """Makes the tables that are missing, and the columns that a probe has gained; see `db.create`."""
        with explained(self.engine):
            added = create(self.engine, self.metadata, by_hand)
            tell_stale(self.engine, self.metadata, self.stale)
        return added

    def write(self, outcomes: Sequence[Outcome], fence: Fence | None = None) -> None:
        """Stores outcomes and their records, all or nothing. Raises DatabaseError.

        An ok or absent outcome replaces the node's newest rows of that probe; any other leaves them,
        with the time at which they were true. A `fence` says in the same transaction which of them may be stored.
        """
        self.turns.enrol(self.engine, (outcome.node for outcome in outcomes))
        retried(self.engine, lambda connection: self._write(connection, outcomes, fence))

    def _write(self, connection: sa.Connection, outcomes: Sequence[Outcome], fence: Fence | None) -> None:
        if fence:
            outcomes = fence(connection, outcomes)
        self.clock.ask(connection)
        self._writer.write(connection, outcomes, int(self.clock.now()) + MARGIN)
        mark(connection, self, outcomes)
        self.tops.write(connection, outcomes)

    def timing(self) -> Callable[[Outcome], Outcome]:
        """What gives an outcome of this moment its time by the database's clock, of which none is still to come.

        A time that this machine's clock told before it was set back becomes now, with a warning. Raises DatabaseError.
        """
        now = self.now().replace(microsecond=0)
        shift = timedelta(seconds=round(self.clock.ahead))
        told = False

        def timed(one: Outcome) -> Outcome:
            nonlocal told
            at = one.at + shift
            ahead = (at - now).total_seconds()
            if ahead > MARGIN and not told:
                told = True
                _LOG.warning("answers of a time %s ahead are stored as of now: the clock was set", draw_seconds(ahead))
            return replace(one, at=min(at, now)) if shift or ahead > 0 else one

        return timed

    def newest(self, name: str, nodes: Iterable[str], /, **where: Sequence[Any]) -> list[Row]:
        """The newest rows of a record (or of `outcomes`) on these nodes, with `node` and `at`.

        `where` keeps rows whose column has one of some values. A table that no collection has made yet
        has no rows.
        """
        table = self._shape(name).newest
        # The uptime is of use to `before` alone, and older versions had none: their databases can be read all the same.
        query = sa.select(*(column for column in table.c if column.name != UPTIME))
        return self._select(query, table, nodes, where)

    def tally(self, name: str, nodes: Iterable[str], /, *by: str, **where: Sequence[Any]) -> list[Row]:
        """How many of the newest rows there are for each node and value of some columns: `node`, these, `number`."""
        table = self._shape(name).newest
        groups = [table.c.node, *(table.c[column] for column in by)]
        return self._select(sa.select(*groups, sa.func.count().label("number")).group_by(*groups), table, nodes, where)

    def sums(
        self, name: str, nodes: Iterable[str], by: Sequence[str], of: Sequence[str], /, **where: Sequence[Any]
    ) -> list[Row]:
        """The same with the sums of some columns; rows whose first column of `by` is unknown do not count."""
        table = self._shape(name).newest
        groups = [table.c.node, *(table.c[column] for column in by)]
        # PostgreSQL and MariaDB add whole numbers up to decimal ones.
        totals = [sa.cast(sa.func.sum(table.c[column]), table.c[column].type).label(column) for column in of]
        query = sa.select(*groups, *totals, sa.func.count().label("number")).where(groups[1].is_not(None))
        return self._select(query.group_by(*groups), table, nodes, where)

    def spans(self, name: str, nodes: Iterable[str], after: datetime, /, **where: Sequence[Any]) -> list[Row]:
        """The intervals of a record that reach beyond a moment, with `since` and `until` (None: it lasts)."""
        table = self._history(name)
        query = sa.select(table).where(sa.or_(table.c.until.is_(None), table.c.until > after))
        return self._select(query, table, nodes, where)

    def earliest(self, name: str, nodes: Iterable[str], after: datetime) -> list[Row]:
        """The first row of a series from a moment on, for each node and key: `node`, `at`, keys and numbers.

        What is rolled up is told by the mean of its first five minutes. Raises DatabaseError.
        """
        return earliest(self, name, list(nodes), after)

    def history(
        self, name: str, metric: str, nodes: Iterable[str], since: datetime, until: datetime, step: float = 0, /,
        **where: Sequence[Any],
    ) -> list[Point]:  # fmt: skip
        """The points of a number of a series from `since` until before `until`, in the order of time.

        `step` is how many seconds a point may stand for; 0 gives the values as they came. The coarsest tier that
        has such points is read; what it does not have any more comes from a coarser one, what it does not have
        yet from a finer one. `tiers.series[name].metrics` are the numbers there are. Raises DatabaseError.
        """
        return history(self, name, metric, list(nodes), since, until, step, where)

    def top(self, name: str, nodes: Iterable[str], since: datetime, until: datetime) -> list[Row]:
        """The first rows of a listing as each node's last collection from `since` until `until` saw them.

        Raises DatabaseError.
        """
        table = self.tops.tables[name]
        return self._select(last(table, since, until), table, nodes, {})

    def probe_of(self, record: str) -> str:
        """The probe that fills a record's table."""
        return next((probe for probe, records in self.probes.items() if record in records), "")

    def _history(self, name: str) -> sa.Table:
        table = self._shape(name).history
        assert table is not None, name  # noqa: S101 what a record keeps is known where it is asked for
        return table

    def _shape(self, name: str) -> Tables:
        return self.outcomes if name == "outcomes" else self.records[name]

    def _select(
        self, query: sa.Select[Any], table: sa.Table, nodes: Iterable[str], where: Mapping[str, Sequence[Any]]
    ) -> list[Row]:
        for name, values in where.items():
            query = query.where(table.c[name].in_(values))
        return [row._mapping for row in self._rows(query, table, nodes)]

    def _rows(self, query: sa.Select[Any], table: sa.Table, nodes: Iterable[str]) -> list[Any]:
        rows: list[Any] = []
        with explained(self.engine), self.engine.connect() as connection:
            if not sa.inspect(connection).has_table(table.name):
                return []
            for part in chunks(nodes):
                rows += connection.execute(query.where(table.c.node.in_(part))).all()
        return rows

    def clock_rows(self) -> list[Row]:
        """The clocks of the monitoring hosts: `host`, `ahead`, `seen`, `set_at`, `doubt`. Raises DatabaseError."""
        with explained(self.engine), self.engine.connect() as connection:
            if not sa.inspect(connection).has_table(self.clocks.table.name):
                return []
            return [row._mapping for row in connection.execute(sa.select(self.clocks.table))]

    def now(self) -> datetime:
        """The time by the database's clock, which is what all times in it are compared with. Raises DatabaseError."""
        if self.engine.dialect.name != "sqlite":
            with explained(self.engine), self.engine.connect() as connection:
                self.clock.ask(connection)
        return datetime.fromtimestamp(self.clock.now(), UTC)

    def before(self, name: str, nodes: Iterable[str]) -> dict[str, list[Stored]]:
        """The newest records of each node as objects, with their times: what a probe's `advance` compares with."""
        shape, table = self.records[name], self.records[name].newest
        fields = [table.c[column.name] for column in columns(shape.record)]
        uptime = table.c[UPTIME] if UPTIME in table.c else sa.null()
        found: dict[str, list[Stored]] = {}
        for row in self._rows(sa.select(table.c.node, table.c.at, uptime, *fields), table, nodes):
            found.setdefault(row[0], []).append(Stored(shape.record(*row[3:]), row[1], row[2]))
        return found
