"""Top: of a listing such as the processes of a node, the first few rows of each collection, kept for two days.

`processes_top` has the ten processes that used the most CPU and the ten that used the most memory, with the time
of the collection: who ran what then. A record says by which of its fields with `top`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from nicassh.database import CHUNKS, NODE, Chunks, Moment, Sheet, Tables, held
from nicassh.model.outcome import Outcome
from nicassh.model.records import Column, Record, columns
from nicassh.store.shelf import rows_of

KEPT = 48 * 3600
"""Seconds for which these rows are kept."""
_CHUNK = 6 * 3600
FIRST = 10
"""Rows of each node, by each of the fields."""
_LEAST = 1.0
"""A value below this, in the field's own unit, is not worth a row: a process that sleeps."""
_LONGEST = 160
"""Characters of a text; a longer one is shortened."""


class Tops:
    """The tables of first rows in a database, by the names of their listings."""

    def __init__(
        self,
        metadata: sa.MetaData,
        records: Mapping[str, Tables],
        probes: Mapping[str, Sequence[str]],
        dialect: sa.Dialect,
    ) -> None:
        types = {name: shape.record for name, shape in records.items() if shape.record.top}
        self.tables = {name: _table(metadata, name, record) for name, record in types.items()}
        self._listings = [
            _Listing(probe, types[name], self.tables[name], dialect)
            for probe, names in probes.items()
            for name in names
            if name in types
        ]

    def write(self, connection: sa.Connection, outcomes: Sequence[Outcome]) -> None:
        """Adds the first rows of what these outcomes list."""
        for listing in self._listings:
            listing.write(connection, outcomes)


class _Listing:
    """One of these tables, the probe that lists, and what its rows look like."""

    def __init__(self, probe: str, record: type[Record], table: sa.Table, dialect: sa.Dialect) -> None:
        fields = _fields(record)
        self._probe, self._record, self._row = probe, record, rows_of(fields, _LONGEST)
        self._sheet = Sheet(table, ["node", *(field.name for field in fields), "at"], dialect)

    def write(self, connection: sa.Connection, outcomes: Sequence[Outcome]) -> None:
        self._sheet.put(connection, [
            self._row(outcome.node, one, held(outcome.at))
            for outcome in outcomes
            if outcome.probe == self._probe and outcome.state.is_ok
            for one in _first(self._record, outcome.records)
        ])  # fmt: skip


def last(table: sa.Table, since: datetime, until: datetime) -> sa.Select[Any]:
    """The rows of each node's last time after `since` and not after `until`."""
    other = table.alias()
    times = sa.select(other.c.node, sa.func.max(other.c.at).label("at"))
    newest = times.where(other.c.at > since, other.c.at <= until).group_by(other.c.node).subquery()
    return sa.select(table).join(newest, sa.and_(newest.c.node == table.c.node, newest.c.at == table.c.at))


def _fields(record: type[Record]) -> list[Column]:
    """The fields that a reader sees, those of the key first."""
    return sorted((one for one in columns(record) if one.key or one.shown), key=lambda column: not column.key)


def _table(metadata: sa.MetaData, name: str, record: type[Record]) -> sa.Table:
    kinds: dict[type, Any] = {int: sa.BigInteger, float: sa.Double, bool: sa.Boolean, str: sa.String(_LONGEST)}
    own = [
        sa.Column(
            column.name, kinds.get(column.kind, Moment), primary_key=column.key, autoincrement=False,
            nullable=not column.key, comment=f"{column.help} [{column.unit.name}]", quote=True,
        )
        for column in _fields(record)
    ]  # fmt: skip
    at, node = sa.Column("at", Moment, primary_key=True), sa.Column("node", sa.String(NODE), primary_key=True)
    chunks = {CHUNKS: Chunks(_CHUNK, ("node",))}
    return sa.Table(f"{name}_top", metadata, at, node, *own, sqlite_with_rowid=False, quote=True, info=chunks)


def _first(record: type[Record], found: Sequence[Record]) -> list[Record]:
    """The first rows by each field, each once."""
    chosen: dict[int, Record] = {}
    mine = [one for one in found if type(one) is record]
    for field in record.top:
        value = attrgetter(field)
        busy = [one for one in mine if (value(one) or 0) >= _LEAST]
        if len(busy) > FIRST:
            busy = sorted(busy, key=value, reverse=True)[:FIRST]
        chosen |= {id(one): one for one in busy}
    return list(chosen.values())
