"""One database: what collections write into it and what views read from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nicassh.db import NODE, Difference, Tables, connect, create, explained, retried, schema, tables
from nicassh.probe import Outcome, Probe
from nicassh.record import Keep, Record
from nicassh.store.published import published
from nicassh.store.result import Result
from nicassh.store.writing import Row, append, chunks, hold, replace


class Store:
    """One database and the record types of some probes in it."""

    def __init__(self, url: str, probes: Sequence[Probe]) -> None:
        self.metadata = sa.MetaData()
        self.outcomes = tables(self.metadata, "outcomes", Result, Keep.INTERVALS)
        # One row a node, for good: who writes the rows of a node holds it meanwhile.
        self.turns = sa.Table("turns", self.metadata, sa.Column("node", sa.String(NODE), primary_key=True))
        self.records: dict[str, Tables] = {
            name: tables(self.metadata, name, record, probe.keep[name])
            for probe in probes
            for name, record in probe.records.items()
        }
        # Asked for only where tables are made.
        self.metadata.info["views"] = lambda: {one.name: one.query for one in published(self.metadata, self.records)}
        self._names = {record: name for probe in probes for name, record in probe.records.items()}
        self.every = {name: probe.every for probe in probes for name in probe.records}
        self.probes = {probe.name: list(probe.records) for probe in probes}
        self.engine = connect(url)

    def refuse_newer(self) -> None:
        """Raises DatabaseError where a newer program has upgraded the database."""
        with explained(self.engine), self.engine.connect() as connection:
            schema.refuse_newer(schema.version(connection))

    def create(self, by_hand: bool = False) -> list[Difference]:
        """Makes the tables that are missing, and the columns that a probe has gained; see `db.create`."""
        with explained(self.engine):
            return create(self.engine, self.metadata, by_hand)

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Stores outcomes and their records, all or nothing. Raises DatabaseError.

        An ok or absent outcome replaces the node's newest rows of that probe; any other leaves them,
        with the time at which they were true.
        """
        retried(self.engine, lambda connection: self._write(connection, outcomes))

    def _write(self, connection: sa.Connection, outcomes: Sequence[Outcome]) -> None:
        hold(connection, self.turns, [outcome.node for outcome in outcomes])
        late = self._late(connection, outcomes)
        results = [
            (o, [Result(o.probe, o.state, o.reason, o.seconds, o.text)])
            for o in outcomes
            if (o.node, o.probe) not in late
        ]
        replace(connection, self.outcomes, results)
        for name, shape in self.records.items():
            current = [
                (o, [r for r in o.records if self._names[type(r)] == name])
                for o in outcomes
                if o.state.well and name in self.probes.get(o.probe, ())
            ]
            newest = [item for item in current if (item[0].node, item[0].probe) not in late]
            replace(connection, shape, newest)
            if shape.keep is Keep.SERIES and late:
                append(connection, shape, [item for item in current if (item[0].node, item[0].probe) in late])

    def _late(self, connection: sa.Connection, outcomes: Sequence[Outcome]) -> set[tuple[str, str]]:
        """Node and probe of the outcomes that a quicker collection has overtaken: they are history already."""
        table = self.outcomes.newest
        times = {(outcome.node, outcome.probe): outcome.at for outcome in outcomes}
        late = set()
        for part in chunks([outcome.node for outcome in outcomes]):
            for node, probe, at in connection.execute(
                sa.select(table.c.node, table.c.probe, table.c.at).where(table.c.node.in_(part))
            ):
                if (node, probe) in times and at > times[node, probe]:
                    late.add((node, probe))
        return late

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
        rows: list[Row] = []
        with explained(self.engine), self.engine.connect() as connection:
            if not sa.inspect(connection).has_table(table.name):
                return []
            for part in chunks(list(nodes)):
                rows += connection.execute(query.where(table.c.node.in_(part))).mappings().all()
        return rows

    def before(self, name: str, nodes: Iterable[str]) -> dict[str, tuple[datetime, list[Record]]]:
        """The newest records of each node as objects, and their time: what a probe's `advance` compares with."""
        record = self.records[name].record
        found: dict[str, tuple[datetime, list[Record]]] = {}
        for row in self.newest(name, nodes):
            fields = {key: value for key, value in row.items() if key not in ("node", "at", "since")}
            found.setdefault(row["node"], (row["at"], []))[1].append(record(**fields))
        return found
