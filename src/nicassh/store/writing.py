"""Writing records: the newest rows of a node replaced where they differ, and its history continued."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from nicassh.db import Cells, Sheet, Tables, chunks, held
from nicassh.probe import Outcome
from nicassh.record import Column, Keep, Record, Untold, columns

Row = Mapping[str, Any] | sa.RowMapping
Current = Sequence[tuple[Outcome, Sequence[Record]]]
"""Outcomes, each with its records of one type."""


def hold(connection: sa.Connection, turns: sa.Table, nodes: Iterable[str]) -> None:
    """Waits until no other transaction writes rows of these nodes, and keeps all others waiting until this one ends.

    Without it two collections at once would leave the rows of both, and two intervals open. All take the
    nodes in one order, so that no two wait for each other.
    """
    if connection.dialect.name == "sqlite":
        return  # its writing transactions come one after another as they are
    for part in chunks(sorted(nodes)):
        query = sa.select(turns.c.node).where(turns.c.node.in_(part)).order_by(turns.c.node).with_for_update()
        known = set(connection.scalars(query))
        if new := [{"node": node} for node in part if node not in known]:
            connection.execute(_new(connection, turns), new)
            connection.execute(query)


def _new(connection: sa.Connection, table: sa.Table) -> sa.Insert:
    """Adds rows, but for those that another has added meanwhile."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # a tenth of a reader's start, who needs none of it

        return postgresql.insert(table).on_conflict_do_nothing()
    return sa.insert(table).prefix_with("IGNORE")


class Shelf:
    """The tables of one record type as collections write them.

    A row begins with its key (the node, the record's key columns); the values that make an interval follow, then the
    volatile ones, and at the end its time. Before that an interval has its `since`.
    """

    def __init__(self, shape: Tables, dialect: sa.Dialect) -> None:
        self._record, self._keep = shape.record, shape.keep
        order = sorted(columns(shape.record), key=lambda column: (not column.key, column.volatile))
        self._names = ["node", *(column.name for column in order)]
        self._cells = _cells(order)
        self._key = 1 + sum(column.key for column in order)
        self._steady = 1 + sum(column.key or not column.volatile for column in order)
        self._all = len(self._names)
        since = ["since"] if shape.keep is Keep.INTERVALS else []
        self._newest = Sheet(shape.newest, [*self._names, *since, "at"], dialect)
        if shape.history is not None:
            self._history = Sheet(shape.history, [*self._names, *(["since", "until"] if since else ["at"])], dialect)

    def stored(self, connection: sa.Connection, nodes: Iterable[str]) -> dict[Cells, Cells]:
        """The newest rows of some nodes by their keys."""
        return {row[: self._key]: row for row in self._newest.read(connection, nodes)}

    def replace(
        self, connection: sa.Connection, current: Current, stored: dict[Cells, Cells], *, whole: bool = True
    ) -> None:
        """Makes the newest rows of the nodes in `current` what it says, and adds to the history.

        `stored` are the rows there are, and is used up. Rows that an outcome leaves untold stay as they are, with the
        time at which they were true; where `current` is not the `whole` of a node, so do all that it does not name.
        """
        rows = self._rows(current)
        gaps = {o.node: [gap for gap in o.untold if gap.record is self._record] for o, _ in current}
        confirmed: dict[int, set[str]] = {}
        changed: list[tuple[Cells, Cells | None]] = []
        for key, row in rows.items():
            old = stored.pop(key, None)
            if old is not None and whole and old[: self._all] == row[:-1] and not gaps[row[0]]:
                confirmed.setdefault(row[-1], set()).add(row[0])
            else:
                changed.append((row, old))
        gone = [row for row in stored.values() if whole and not any(self._in(gap, row) for gap in gaps[row[0]])]
        self._newest.drop(connection, [row[: self._key] for row in gone])
        if self._keep is Keep.INTERVALS:
            changed_rows = self._turn(connection, changed, gone, {o.node: held(o.at) for o, _ in current})
        else:
            changed_rows = [row for row, _ in changed]
        self._newest.put(connection, changed_rows)
        for at, nodes in confirmed.items():
            self._newest.change_all(connection, "at", at, nodes)
        if self._keep is Keep.SERIES:
            self._history.put(connection, list(rows.values()))

    def append(self, connection: sa.Connection, current: Current) -> None:
        """Adds to a series alone. Two collections of a node within one second leave the later one's row."""
        if self._keep is Keep.SERIES:
            self._history.put(connection, list(self._rows(current).values()))

    def _turn(
        self,
        connection: sa.Connection,
        changed: Sequence[tuple[Cells, Cells | None]],
        gone: Sequence[Cells],
        times: Mapping[str, int],
    ) -> list[Cells]:
        """Closes the intervals whose value ended or changed and opens the new ones; the rows with their `since`."""
        ended = [(times[row[0]], *row[: self._key], row[-2]) for row in gone]
        opened, rows = [], []
        for row, old in changed:
            *values, at = row
            if old is None or old[: self._steady] != row[: self._steady]:
                opened.append((*values, at, None))
                ended += [(at, *old[: self._key], old[-2])] if old else []
            since = old[-2] if old and old[: self._steady] == row[: self._steady] else at
            rows.append((*values, since, at))
        self._history.change(connection, "until", ended)
        self._history.put(connection, opened)
        return rows

    def _rows(self, current: Current) -> dict[Cells, Cells]:
        """The records as rows by their keys; a probe that repeats a key has its last word."""
        rows: dict[Cells, Cells] = {}
        cells, width = self._cells, self._key
        for outcome, records in current:
            node, at = outcome.node, held(outcome.at)
            for record in records:
                row = (node, *cells(record), at)
                rows[row[:width]] = row
        return rows

    def _in(self, gap: Untold, row: Cells) -> bool:
        return all(row[self._names.index(name)] == held(value) for name, value in gap.where)


def _cells(order: Sequence[Column]) -> Callable[[Record], Cells]:
    """What gives the values of a record as the database holds them."""
    take = attrgetter(*(column.name for column in order))
    if len(order) == 1:
        return lambda record: (held(take(record)),)
    times = [place for place, column in enumerate(order) if column.kind is datetime]
    if not times:
        return take

    def cells(record: Record) -> Cells:
        values = list(take(record))
        for place in times:
            values[place] = held(values[place])
        return tuple(values)

    return cells
