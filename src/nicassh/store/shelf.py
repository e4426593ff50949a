"""Shelves: the tables of one record type as collections write them."""

from __future__ import annotations

import marshal
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from nicassh.db import Cells, Sheet, Tables, held
from nicassh.probe import Outcome
from nicassh.record import Column, Keep, Record, Untold, columns

DIGEST = 32
"""Characters of a digest."""
Current = Sequence[tuple[Outcome, Sequence[Any]]]
"""Outcomes, each with its records of one type: what has their fields."""


class Shelf:
    """The tables of a measurement or a listing, in which most rows are others each time: they are written anew.

    A row begins with its key: the node, and the record's key columns. It ends with its time.
    """

    def __init__(self, shape: Tables, dialect: sa.Dialect, ends: Sequence[str] = ("at",)) -> None:
        self.record, self._name = shape.record, shape.newest.name
        order = sorted(columns(shape.record), key=lambda column: (not column.key, column.volatile))
        self._names = ["node", *(column.name for column in order)]
        self._cells = _cells(order)
        self._key = 1 + sum(column.key for column in order)
        # Where there is no key one row is as good as another.
        self._tell = attrgetter(*(self._names[1 : self._key] or ["__class__"]))
        self._newest = Sheet(shape.newest, [*self._names, *ends], dialect)
        self._series = (
            Sheet(shape.history, [*self._names, "at"], dialect)
            if shape.history is not None and shape.keep is Keep.SERIES
            else None
        )

    def replace(self, connection: sa.Connection, current: Current) -> None:
        """Makes the newest rows of the nodes in `current` what it says, and adds to the history.

        Rows that an outcome leaves untold stay as they are, with the time at which they were true.
        """
        rows = self._timed(current)
        gaps = self._gaps(current)
        self._newest.clear(connection, [o.node for o, _ in current if o.node not in gaps])
        if gaps:
            told = {row[: self._key] for row in rows}
            there = [row for row in self._newest.read(connection, gaps) if row[: self._key] not in told]
            self._newest.drop(connection, [row[: self._key] for row in there if not self._untold(gaps, row)])
        self._newest.put(connection, rows)
        if self._series:
            self._series.put(connection, rows)

    def append(self, connection: sa.Connection, current: Current) -> None:
        """Adds to a series alone. Two collections of a node within one second leave the later one's row."""
        if self._series:
            self._series.put(connection, self._timed(current))

    def _timed(self, current: Current) -> list[Cells]:
        """The records of all nodes as rows."""
        times = ((outcome, records, held(outcome.at)) for outcome, records in current)
        return [(*row, at) for outcome, records, at in times for row in self._rows(outcome.node, records)]

    def _rows(self, node: str, records: Sequence[Any]) -> list[Cells]:
        """The records of a node as rows without a time; a probe that repeats a key has its last word."""
        if len(records) > 1 and len(set(map(self._tell, records))) < len(records):
            records = list({self._tell(record): record for record in records}.values())
        cells = self._cells
        return [(node, *cells(record)) for record in records]

    def _gaps(self, current: Current) -> dict[str, list[Untold]]:
        """What is left untold, by node."""
        found = {o.node: [gap for gap in o.untold if gap.record is self.record] for o, _ in current if o.untold}
        return {node: gaps for node, gaps in found.items() if gaps}

    def _untold(self, gaps: dict[str, list[Untold]], row: Cells) -> bool:
        """Whether a stored row is to stay although its node has answered."""
        return any(
            all(row[self._names.index(name)] == held(value) for name, value in gap.where)
            for gap in gaps.get(row[0], ())
        )


class Lasting(Shelf):
    """The tables of a state or an inventory, in which most rows are the same each time: those are left alone.

    In a row the volatile values come last, and after them since when it is so, and its time.
    """

    def __init__(self, shape: Tables, dialect: sa.Dialect) -> None:
        super().__init__(shape, dialect, ("since", "at"))
        assert shape.history is not None  # noqa: S101 intervals always have one
        self._steady = 1 + sum(column.key or not column.volatile for column in columns(shape.record))
        self._intervals = Sheet(shape.history, [*self._names, "since", "until"], dialect)

    def renew(self, connection: sa.Connection, current: Current, digests: Mapping[Cells, str]) -> list[Cells]:
        """Makes the newest rows of the nodes in `current` what it says, and continues the history.

        `digests` are those of what is stored, by node and record. A node whose rows have the same is not looked at
        further; gives the digests that are others now.
        """
        same: dict[int, list[str]] = {}
        others: list[Cells] = []
        changed: list[tuple[Outcome, Sequence[Cells]]] = []
        gaps = self._gaps(current)
        for outcome, records in current:
            rows = self._rows(outcome.node, records)
            # Where something is untold the rows are not what is stored: the next ones are compared with care.
            digest = "" if outcome.node in gaps else _digest(rows)
            if digest and digests.get((outcome.node, self._name)) == digest:
                same.setdefault(held(outcome.at), []).append(outcome.node)
            else:
                changed.append((outcome, rows))
                others.append((outcome.node, self._name, digest))
        for at, nodes in same.items():
            self._newest.touch(connection, at, nodes)
        self._turn(connection, changed, self.stored(connection, [outcome.node for outcome, _ in changed]), gaps)
        return others

    def stored(self, connection: sa.Connection, nodes: Iterable[str]) -> dict[Cells, Cells]:
        """The newest rows of some nodes by their keys."""
        return {row[: self._key]: row for row in self._newest.read(connection, nodes)}

    def update(self, connection: sa.Connection, current: Current, stored: dict[Cells, Cells]) -> None:
        """Writes what `current` names, and leaves all other rows of its nodes as they are."""
        gaps = {o.node: [Untold(self.record)] for o, _ in current}
        self._turn(connection, [(o, self._rows(o.node, records)) for o, records in current], stored, gaps)

    def _turn(
        self,
        connection: sa.Connection,
        current: Sequence[tuple[Outcome, Sequence[Cells]]],
        stored: dict[Cells, Cells],
        gaps: dict[str, list[Untold]],
    ) -> None:
        """Closes the intervals whose value ended or changed, opens the new ones, and puts each row with its `since`."""
        width, steady = self._key, self._steady
        ended, opened, put = [], [], []
        for outcome, rows in current:
            at = held(outcome.at)
            for row in rows:
                old = stored.pop(row[:width], None)
                if old is not None and old[:steady] == row[:steady]:
                    put.append((*row, old[-2], at))
                    continue
                put.append((*row, at, at))
                opened.append((*row, at, None))
                if old is not None:
                    ended.append((at, *old[:width], old[-2]))
        times = {outcome.node: held(outcome.at) for outcome, _ in current}
        gone = [row for row in stored.values() if not self._untold(gaps, row)]
        ended += [(times[row[0]], *row[:width], row[-2]) for row in gone]
        self._newest.drop(connection, [row[:width] for row in gone])
        self._newest.put(connection, put)
        self._intervals.end(connection, ended)
        self._intervals.put(connection, opened)


def _cells(order: Sequence[Column]) -> Callable[[Any], Sequence[Any]]:
    """What gives the values of a record as the database holds them."""
    take = attrgetter(*(column.name for column in order))
    if len(order) == 1:
        return lambda record: (held(take(record)),)
    times = [place for place, column in enumerate(order) if column.kind is datetime]
    if not times:
        return take

    def cells(record: Record) -> Sequence[Any]:
        values = list(take(record))
        for place in times:
            if values[place] is not None:
                values[place] = int(values[place].timestamp())
        return values

    return cells


def _digest(rows: Sequence[Cells]) -> str:
    """A digest of rows; the same rows have the same in every process."""
    # Version 2 of the format has no references: it does not depend on which texts are one object.
    return blake2b(marshal.dumps(list(rows), 2), digest_size=DIGEST // 2).hexdigest()
