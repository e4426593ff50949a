"""The store: outcomes and records written in one transaction a collection, and read back by views."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nicassh.db import Tables, connect, explained, extend, tables, writing
from nicassh.probe import Outcome, Probe
from nicassh.record import Keep, Record, column, columns, keys, plain
from nicassh.units import Seconds, Text

Row = Mapping[str, Any] | sa.RowMapping
_CHUNK = 500
"""Nodes in one IN (…): SQLite's default limit is 999 variables on old systems."""


@dataclass(frozen=True)
class Result(Record):
    """An outcome as it is stored: kept as intervals, so each change of state has its since and until."""

    probe: Text = column("The probe, or `login` for the node itself.", key=True)
    state: Text = column("How it ended.")
    reason: Text = column("Why there are no records; empty where all is well.")
    seconds: Seconds | None = column("How long the node took for its whole answer.", volatile=True)
    text: Text = column("Output that could not be read.", shown=False, volatile=True)


class Store:
    """One database and the record types of some probes in it."""

    def __init__(self, url: str, probes: Sequence[Probe]) -> None:
        self.metadata = sa.MetaData()
        self.outcomes = tables(self.metadata, "outcomes", Result, Keep.INTERVALS)
        self.records: dict[str, Tables] = {
            name: tables(self.metadata, name, record, probe.keep[name])
            for probe in probes
            for name, record in probe.records.items()
        }
        self._names = {record: name for probe in probes for name, record in probe.records.items()}
        self.every = {name: probe.every for probe in probes for name in probe.records}
        self.probes = {probe.name: list(probe.records) for probe in probes}
        self.engine = connect(url)

    def create(self) -> None:
        """Makes the tables that are missing, and the columns that a probe has gained. Raises DatabaseError."""
        with explained(self.engine):
            self.metadata.create_all(writing(self.engine))
            extend(writing(self.engine), self.metadata)

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Stores outcomes and their records, all or nothing. Raises DatabaseError.

        An ok or absent outcome replaces the node's newest rows of that probe; any other leaves them,
        with the time at which they were true.
        """
        with explained(self.engine), writing(self.engine).begin() as connection:
            late = self._late(connection, outcomes)
            results = [
                (o, [Result(o.probe, o.state, o.reason, o.seconds, o.text)])
                for o in outcomes
                if (o.node, o.probe) not in late
            ]
            _write(connection, self.outcomes, results)
            for name, shape in self.records.items():
                current = [
                    (o, [r for r in o.records if self._names[type(r)] == name])
                    for o in outcomes
                    if o.state.well and name in self.probes.get(o.probe, ())
                ]
                _write(connection, shape, [item for item in current if (item[0].node, item[0].probe) not in late])
                if shape.keep is Keep.SERIES and late:
                    _append(connection, shape, [item for item in current if (item[0].node, item[0].probe) in late])

    def _late(self, connection: sa.Connection, outcomes: Sequence[Outcome]) -> set[tuple[str, str]]:
        """Node and probe of the outcomes that a quicker collection has overtaken: they are history already."""
        table = self.outcomes.newest
        times = {(outcome.node, outcome.probe): outcome.at for outcome in outcomes}
        late = set()
        for part in _chunks([outcome.node for outcome in outcomes]):
            for node, probe, at in connection.execute(
                sa.select(table.c.node, table.c.probe, table.c.at).where(table.c.node.in_(part))
            ):
                if (node, probe) in times and at > times[node, probe]:
                    late.add((node, probe))
        return late

    def newest(self, name: str, nodes: Iterable[str], **where: Sequence[Any]) -> list[Row]:
        """The newest rows of a record (or of `outcomes`) on these nodes, with `node` and `at`.

        `where` keeps rows whose column has one of some values. A table that no collection has made yet
        has no rows.
        """
        table = self._shape(name).newest
        return self._select(sa.select(table), table, nodes, where)

    def tally(self, name: str, nodes: Iterable[str], *by: str) -> list[Row]:
        """How many of the newest rows there are for each node and value of some columns: `node`, these, `number`."""
        table = self._shape(name).newest
        groups = [table.c.node, *(table.c[column] for column in by)]
        return self._select(sa.select(*groups, sa.func.count().label("number")).group_by(*groups), table, nodes, {})

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
            for part in _chunks(list(nodes)):
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


def _write(connection: sa.Connection, shape: Tables, current: Sequence[tuple[Outcome, list[Any]]]) -> None:
    """Replaces the newest rows of the nodes in `current` and adds to the history."""
    if not current:
        return
    rows = _rows(shape, current)
    if shape.keep is Keep.INTERVALS:
        _turn(connection, shape, rows, current)
    _delete(connection, shape, current)
    if rows:
        connection.execute(sa.insert(shape.newest), rows)
        if shape.keep is Keep.SERIES:
            _append(connection, shape, current)


def _rows(shape: Tables, current: Sequence[tuple[Outcome, list[Any]]]) -> list[dict[str, Any]]:
    """The records as rows; a probe that repeats a key has its last word."""
    rows = ({"node": o.node, "at": o.at, **plain(record)} for o, records in current for record in records)
    return list({_key(shape, row): row for row in rows}.values())


def _append(connection: sa.Connection, shape: Tables, current: Sequence[tuple[Outcome, list[Any]]]) -> None:
    """Adds to a series. Two collections of a node within one second leave the later one's row."""
    history, rows = shape.history, _rows(shape, current)
    if history is None or not rows:
        return
    clash = sa.and_(history.c.node == sa.bindparam("_node"), history.c.at == sa.bindparam("_at"))
    moments = {(row["node"], row["at"]) for row in rows}
    connection.execute(sa.delete(history).where(clash), [{"_node": node, "_at": at} for node, at in moments])
    connection.execute(sa.insert(history), rows)


def _turn(
    connection: sa.Connection,
    shape: Tables,
    rows: list[dict[str, Any]],
    current: Sequence[tuple[Outcome, Any]],
) -> None:
    """Closes the intervals whose value ended or changed, opens the new ones, and gives each row its `since`."""
    assert shape.history is not None  # noqa: S101 intervals always have one
    old = {_key(shape, row): row for row in _stored(connection, shape, current)}
    opened: list[dict[str, Any]] = []
    ended = dict(old)
    for row in rows:
        key = _key(shape, row)
        known = old.get(key)
        if known is not None and _value(shape, known) == _value(shape, row):
            row["since"] = known["since"]
            del ended[key]
        else:
            row["since"] = row["at"]
            opened.append({name: value for name, value in row.items() if name != "at"})
    times = {outcome.node: outcome.at for outcome, _ in current}
    names = [column.name for column in shape.history.primary_key]
    if ended:
        match = [shape.history.c[name] == sa.bindparam(f"_{name}") for name in names]
        update = sa.update(shape.history).where(*match).values(until=sa.bindparam("_until"))
        parameters = [
            {**{f"_{name}": row[name] for name in names}, "_until": times[row["node"]]} for row in ended.values()
        ]
        connection.execute(update, parameters)
    if opened:
        same = [shape.history.c[name] == sa.bindparam(f"_{name}") for name in names]
        connection.execute(sa.delete(shape.history).where(*same), [{f"_{n}": row[n] for n in names} for row in opened])
        connection.execute(sa.insert(shape.history), opened)


def _stored(connection: sa.Connection, shape: Tables, current: Sequence[tuple[Outcome, Any]]) -> list[Row]:
    """The newest rows that these outcomes will replace."""
    rows: list[Row] = []
    for part in _chunks([outcome.node for outcome, _ in current]):
        rows += connection.execute(sa.select(shape.newest).where(shape.newest.c.node.in_(part))).mappings().all()
    if shape.record is Result:
        asked = {(outcome.node, outcome.probe) for outcome, _ in current}
        rows = [row for row in rows if (row["node"], row["probe"]) in asked]
    return rows


def _delete(connection: sa.Connection, shape: Tables, current: Sequence[tuple[Outcome, Any]]) -> None:
    table = shape.newest
    query = sa.delete(table).where(table.c.node == sa.bindparam("_node"))
    parameters = [{"_node": outcome.node} for outcome, _ in current]
    if shape.record is Result:
        query = query.where(table.c.probe == sa.bindparam("_probe"))
        parameters = [{"_node": outcome.node, "_probe": outcome.probe} for outcome, _ in current]
    connection.execute(query, parameters)


def _key(shape: Tables, row: Row) -> tuple[Any, ...]:
    return (row["node"], *(row[column.name] for column in keys(shape.record)))


def _value(shape: Tables, row: Row) -> tuple[Any, ...]:
    """What makes an interval: its key and the values that are not volatile."""
    return (row["node"], *(row[column.name] for column in columns(shape.record) if not column.volatile))


def _chunks(nodes: list[str]) -> Iterable[list[str]]:
    names = list(dict.fromkeys(nodes))
    return (names[index : index + _CHUNK] for index in range(0, len(names), _CHUNK))
