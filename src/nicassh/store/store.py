"""One database: what collections write into it and what views read from it."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nicassh.db import NODE, Cells, Sheet, Tables, chunks, connect, create, explained, held, retried, tables
from nicassh.probe import Outcome, Probe
from nicassh.record import Keep, Record, columns
from nicassh.store.lasting import DIGEST, Lasting
from nicassh.store.result import Result
from nicassh.store.shelf import Current, Passing
from nicassh.store.writing import Row, hold


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keeps Python from looking for garbage in the many rows that are made meanwhile; it takes a fifth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Store:
    """One database and the record types of some probes in it."""

    def __init__(self, url: str, probes: Sequence[Probe]) -> None:
        self.metadata = sa.MetaData()
        self.outcomes = tables(self.metadata, "outcomes", Result, Keep.INTERVALS)
        # One row a node, for good: who writes the rows of a node holds it meanwhile.
        self.turns = sa.Table("turns", self.metadata, sa.Column("node", sa.String(NODE), primary_key=True))
        # What the rows of a node are in a few letters: those that are still the same need not be read.
        digests = sa.Table(
            "digests", self.metadata, sa.Column("node", sa.String(NODE), primary_key=True),
            sa.Column("record", sa.String(NODE), primary_key=True), sa.Column("digest", sa.String(DIGEST)),
        )  # fmt: skip
        self.records: dict[str, Tables] = {
            name: tables(self.metadata, name, record, probe.keep[name])
            for probe in probes
            for name, record in probe.records.items()
        }
        self.every = {name: probe.every for probe in probes for name in probe.records}
        self.probes = {probe.name: list(probe.records) for probe in probes}
        self.engine = connect(url)
        dialect = self.engine.dialect
        self._digests = Sheet(digests, ("node", "record", "digest"), dialect)
        self._results = Lasting(self.outcomes, dialect)
        self._lasting = {n: Lasting(s, dialect) for n, s in self.records.items() if s.keep is Keep.INTERVALS}
        self._passing = {n: Passing(s, dialect) for n, s in self.records.items() if s.keep is not Keep.INTERVALS}

    def create(self) -> None:
        """Makes the tables that are missing, and the columns that a probe has gained. Raises DatabaseError."""
        with explained(self.engine):
            create(self.engine, self.metadata)

    @_uncollected()
    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Stores outcomes and their records, all or nothing. Raises DatabaseError.

        An ok or absent outcome replaces the node's newest rows of that probe; any other leaves them,
        with the time at which they were true.
        """
        retried(self.engine, lambda connection: self._write(connection, outcomes))

    def _write(self, connection: sa.Connection, outcomes: Sequence[Outcome]) -> None:
        nodes = [outcome.node for outcome in outcomes]
        hold(connection, self.turns, nodes)
        known = self._results.stored(connection, nodes)
        current: dict[Cells, Outcome] = {}
        late: list[Outcome] = []
        for outcome in sorted(outcomes, key=lambda outcome: outcome.at):
            key = (outcome.node, outcome.probe)
            if key in known and known[key][-1] > held(outcome.at):
                late.append(outcome)  # overtaken by a quicker collection, it is history already
                continue
            late += [current[key]] if key in current else []
            current[key] = outcome
        # An outcome has the fields of a Result.
        self._results.update(connection, [(outcome, [outcome]) for outcome in current.values()], known)
        self._replace(connection, self._parted(current.values()))
        for name, some in self._parted(late).items():
            if name in self._passing:
                self._passing[name].append(connection, some)

    def _replace(self, connection: sa.Connection, parts: Mapping[str, Current]) -> None:
        lasting = [name for name in parts if name in self._lasting]
        nodes = (outcome.node for name in lasting for outcome, _ in parts[name])
        digests = {row[:2]: row[2] for row in self._digests.read(connection, nodes)}
        for name in lasting:
            self._digests.put(connection, self._lasting[name].replace(connection, parts[name], digests))
        for name, some in parts.items():
            if name in self._passing:
                self._passing[name].replace(connection, some)

    def _parted(self, outcomes: Iterable[Outcome]) -> dict[str, list[tuple[Outcome, list[Record]]]]:
        """The outcomes that ended well, each with its records of one table, by the names of the tables."""
        parts: dict[str, list[tuple[Outcome, list[Record]]]] = {}
        for outcome in outcomes:
            if outcome.state.well:
                for name in self.probes.get(outcome.probe, ()):
                    kind = self.records[name].record
                    own = [record for record in outcome.records if type(record) is kind]
                    parts.setdefault(name, []).append((outcome, own))
        return parts

    def newest(self, name: str, nodes: Iterable[str], /, **where: Sequence[Any]) -> list[Row]:
        """The newest rows of a record (or of `outcomes`) on these nodes, with `node` and `at`.

        `where` keeps rows whose column has one of some values. A table that no collection has made yet
        has no rows.
        """
        table = self._shape(name).newest
        return self._select(sa.select(table), table, nodes, where)

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
        """The first row of a series from a moment on, for each node and key."""
        table = self._history(name)
        other = table.alias()
        key = [column for column in table.primary_key if column.name != "at"]
        same = [other.c[column.name] == column for column in key]
        first = sa.select(sa.func.min(other.c.at)).where(*same, other.c.at >= after).scalar_subquery()
        newest = self._shape(name).newest
        join = sa.and_(*(newest.c[column.name] == column for column in key))
        query = sa.select(table).join(newest, join).where(table.c.at == first)
        return self._select(query, table, nodes, {})

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

    def _rows(self, query: sa.Select[Any], table: sa.Table, nodes: Iterable[str]) -> list[sa.Row[Any]]:
        rows: list[sa.Row[Any]] = []
        with explained(self.engine), self.engine.connect() as connection:
            if not sa.inspect(connection).has_table(table.name):
                return []
            for part in chunks(nodes):
                rows += connection.execute(query.where(table.c.node.in_(part))).all()
        return rows

    @_uncollected()
    def before(self, name: str, nodes: Iterable[str]) -> dict[str, tuple[datetime, list[Record]]]:
        """The newest records of each node as objects, and their time: what a probe's `advance` compares with."""
        shape = self.records[name]
        fields = [shape.newest.c[column.name] for column in columns(shape.record)]
        query = sa.select(shape.newest.c.node, shape.newest.c.at, *fields)
        found: dict[str, tuple[datetime, list[Record]]] = {}
        for row in self._rows(query, shape.newest, nodes):
            found.setdefault(row[0], (row[1], []))[1].append(shape.record(*row[2:]))
        return found
