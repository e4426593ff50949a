"""Shelves: the tables of one record type as collections write them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from nicassh.database import Cells, Sheet, Tables, held
from nicassh.model.outcome import Outcome, Unknown
from nicassh.model.records import UPTIME, Column, Keep, columns
from nicassh.model.text import shorten

Current = Sequence[tuple[Outcome, Sequence[Any]]]
"""Outcomes, one a node, each with its records of one type: objects that have the fields of that type."""


class Shelf:
    """The tables of one record type, and what its rows look like.

    A row begins with its key, which is the node and the record's key columns; volatile values come last of the values.
    """

    def __init__(self, shape: Tables, dialect: sa.Dialect, ends: Sequence[str]) -> None:
        self._record, self._name = shape.record, shape.newest.name
        order = sorted(columns(shape.record), key=lambda column: (not column.key, column.volatile))
        self._names = ["node", *(column.name for column in order)]
        self._row = rows_of(order)
        self._key = 1 + sum(column.key for column in order)
        # Where there is no key, all records of a node are one.
        self._tell = attrgetter(*(self._names[1 : self._key] or ["__class__"]))
        self._newest = Sheet(shape.newest, [*self._names, *ends], dialect)

    def stored(self, connection: sa.Connection, nodes: Iterable[str]) -> dict[Cells, Cells]:
        """The newest rows of some nodes by their keys."""
        return {row[: self._key]: row for row in self._newest.read(connection, nodes)}

    def _rows(self, node: str, records: Sequence[Any], *ends: Any) -> list[Cells]:
        """The records of a node as rows with these ends; a probe that repeats a key has its last word."""
        if len(records) > 1 and len(set(map(self._tell, records))) < len(records):
            records = list({self._tell(record): record for record in records}.values())
        row = self._row
        return [row(node, record, *ends) for record in records]

    def _gaps(self, current: Current) -> dict[str, list[Unknown]]:
        """What is left unknown, by node."""
        found = {o.node: [gap for gap in o.unknown if gap.record is self._record] for o, _ in current if o.unknown}
        return {node: gaps for node, gaps in found.items() if gaps}

    def _unknown(self, gaps: dict[str, list[Unknown]], row: Cells) -> bool:
        """Whether a stored row is to stay although its node has answered."""
        wanted = (gap.where for gap in gaps.get(row[0], ()))
        return any(all(row[self._names.index(name)] == held(value) for name, value in where) for where in wanted)


class Passing(Shelf):
    """The tables of a measurement or a listing, in which most nodes have other rows each time: they are written anew.

    A row ends with its time; the newest ones also with the node's uptime then.
    """

    def __init__(self, shape: Tables, dialect: sa.Dialect) -> None:
        super().__init__(shape, dialect, ["at", UPTIME])
        series = shape.history if shape.keep is Keep.SERIES else None
        self._series = None if series is None else Sheet(series, [*self._names, "at"], dialect)

    def replace(self, connection: sa.Connection, current: Current) -> None:
        """Makes the newest rows of the nodes in `current` what it says, and adds to the series.

        Rows that an outcome leaves unknown stay as they are, with the time at which they were true.
        """
        rows, gaps = (
            [row for o, some in current for row in self._rows(o.node, some, held(o.at), o.uptime)],
            self._gaps(current),
        )
        self._newest.clear(connection, [o.node for o, _ in current if o.node not in gaps])
        there = self.stored(connection, gaps)
        for row in rows:
            there.pop(row[: self._key], None)
        self._newest.drop(connection, [key for key, row in there.items() if not self._unknown(gaps, row)])
        self._newest.put(connection, rows)
        if self._series:
            self._series.put(connection, [row[:-1] for row in rows])

    def append(self, connection: sa.Connection, current: Current) -> None:
        """Adds to the series alone."""
        if self._series:
            self._series.put(connection, [row for o, some in current for row in self._rows(o.node, some, held(o.at))])


def rows_of(order: Sequence[Column], longest: int = 0) -> Callable[..., Cells]:
    """What makes a row of a node, a record and ends; the values are as the database holds them.

    Texts of more than `longest` characters are shortened; 0: none is. It is written out and compiled, as dataclasses
    do with theirs, because it is called for each of 150,000 rows.
    """
    forms: dict[type, str] = {datetime: "None if (v := record.{0}) is None else int(v.timestamp())"}
    if longest:
        forms[str] = f"v if (v := record.{{0}}) is None or len(v) <= {longest} else shorten(v, {longest})"
    values = [f"({forms.get(column.kind, 'record.{0}').format(column.name)})" for column in order]
    text = f"lambda node, record, *ends: (node, {', '.join(values)}, *ends)"
    made: Callable[..., Cells] = eval(text, {"shorten": shorten})  # noqa: S307 names of fields are Python's own
    return made
