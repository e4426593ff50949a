"""The rows of one record type: how the newest are replaced, and how their history goes on."""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from nicassh.database import BulkTable, RowTuple, Tables, row_maker, stored_form
from nicassh.model.outcome import Outcome, Unknown
from nicassh.model.records import UPTIME, Keep, Record, columns
from nicassh.store.layout import DIGEST, LONGEST, first_row_fields

Current = Sequence[tuple[Outcome, Sequence[Any]]]
"""Outcomes, one a node, each with its records of one type: objects that have the fields of that type."""
FIRST = 10
"""Rows of each node that are kept of a listing, by each of the fields that the record names."""
_LEAST = 1.0
"""A value below this, in the field's own unit, is not worth such a row: a process that sleeps."""


class CurrentRows:
    """The newest rows of one record type.

    A row begins with its key, which is the node and the record's key columns; volatile values come last of the values.
    """

    def __init__(self, shape: Tables, dialect: sa.Dialect, ends: Sequence[str]) -> None:
        """Prepare the statements; each row ends with the columns `ends`."""
        self._record, self._name = shape.record, shape.newest.name
        order = sorted(columns(shape.record), key=lambda column: (not column.key, column.volatile))
        self._names = ["node", *(column.name for column in order)]
        self._row = row_maker(order)
        self._width = 1 + sum(column.key for column in order)
        keys = self._names[1 : self._width]
        # Where there is no key, all records of a node are one.
        self._key_of = attrgetter(*keys) if keys else _one
        self._newest = BulkTable(shape.newest, [*self._names, *ends], dialect)

    def stored(self, connection: sa.Connection, nodes: Iterable[str]) -> dict[RowTuple, RowTuple]:
        """Read the newest rows of some nodes, by their keys."""
        return {row[: self._width]: row for row in self._newest.read(connection, nodes)}

    def _rows(self, node: str, records: Sequence[Any], *ends: Any) -> list[RowTuple]:
        """Make rows of a node's records, with these ends; of several records with one key the last one counts."""
        if len(records) > 1 and len(set(map(self._key_of, records))) < len(records):
            records = list({self._key_of(record): record for record in records}.values())
        row = self._row
        return [row(node, record, *ends) for record in records]

    def _gaps(self, current: Current) -> dict[str, list[Unknown]]:
        """Return the rows that these outcomes could not learn, by node."""
        found = {o.node: [gap for gap in o.unknown if gap.record is self._record] for o, _ in current if o.unknown}
        return {node: gaps for node, gaps in found.items() if gaps}

    def _stays(self, gaps: Mapping[str, list[Unknown]], row: RowTuple) -> bool:
        """Say whether a stored row stays although its node has answered: the answer could not say anything about it."""
        wanted = (gap.where for gap in gaps.get(row[0], ()))
        return any(all(row[self._names.index(name)] == stored_form(value) for name, value in where) for where in wanted)


class ReplacedRows(CurrentRows):
    """The tables of a measurement or a listing: most nodes have other rows each time, so all are written again.

    A row ends with its time and the node's uptime then.
    """

    def __init__(self, shape: Tables, dialect: sa.Dialect) -> None:
        """Prepare the statements, also those of the series where the record is kept as one."""
        super().__init__(shape, dialect, ["at", UPTIME])
        series = shape.history if shape.keep is Keep.SERIES else None
        self._series = None if series is None else BulkTable(series, [*self._names, "at"], dialect)

    def replace(self, connection: sa.Connection, current: Current) -> None:
        """Replace the newest rows of the nodes in `current`, and add to the series.

        Rows of which an outcome could not learn anything stay, with the time at which they were true.
        """
        rows = [row for o, some in current for row in self._rows(o.node, some, stored_form(o.at), o.uptime)]
        gaps = self._gaps(current)
        self._newest.delete_nodes(connection, [o.node for o, _ in current if o.node not in gaps])
        there = self.stored(connection, gaps)
        for row in rows:
            there.pop(row[: self._width], None)
        self._newest.delete(connection, [key for key, row in there.items() if not self._stays(gaps, row)])
        self._newest.upsert(connection, rows)
        if self._series:
            self._series.upsert(connection, [row[:-1] for row in rows])

    def append(self, connection: sa.Connection, current: Current) -> None:
        """Add to the series alone."""
        if self._series:
            self._series.upsert(
                connection, [row for o, some in current for row in self._rows(o.node, some, stored_form(o.at))]
            )


class IntervalRows(CurrentRows):
    """The tables of a state or an inventory: most nodes have the same rows each time, and those are not written.

    A row ends with since when it is so, and its time.
    """

    def __init__(self, shape: Tables, dialect: sa.Dialect) -> None:
        """Prepare the statements."""
        super().__init__(shape, dialect, ["since", "at"])
        assert shape.history is not None  # noqa: S101 intervals always have one
        self._steady = 1 + sum(column.key or not column.volatile for column in columns(shape.record))
        self._intervals = BulkTable(shape.history, [*self._names, "since", "until"], dialect)

    def replace(self, connection: sa.Connection, current: Current, digests: Mapping[RowTuple, str]) -> list[RowTuple]:
        """Replace the newest rows of the nodes in `current`, and continues their history.

        `digests` are those of what is stored, by node and record: where a digest is the same, only the time is set.
        Returns node, record and digest where it is another. Rows of which an outcome could not learn anything stay.
        """
        same: dict[int, list[tuple[Outcome, list[RowTuple]]]] = {}
        others: list[RowTuple] = []
        changed: list[tuple[Outcome, list[RowTuple]]] = []
        gaps = self._gaps(current)
        for outcome, records in current:
            rows = self._rows(outcome.node, records)
            # With a gap these rows are not all that is stored: the next ones are compared one by one.
            digest = "" if outcome.node in gaps else _digest(rows)
            if digest and digests.get((outcome.node, self._name)) == digest:
                same.setdefault(stored_form(outcome.at), []).append((outcome, rows))
            else:
                changed.append((outcome, rows))
                others.append((outcome.node, self._name, digest))
        for at, some in same.items():
            touched = self._newest.set_time(connection, at, [outcome.node for outcome, _ in some])
            if touched != sum(len(rows) for _, rows in some):  # somebody else has changed the table
                changed += some
        times = {outcome.node: stored_form(outcome.at) for outcome, _ in changed}
        stored = self.stored(connection, times)
        self._continue(connection, changed, stored)
        gone = [(key, row) for key, row in stored.items() if not self._stays(gaps, row)]
        self._intervals.close(connection, [(max(times[row[0]], row[-2]), *key, row[-2]) for key, row in gone])
        self._newest.delete(connection, [key for key, _ in gone])
        return others

    def update(self, connection: sa.Connection, current: Current, stored: dict[RowTuple, RowTuple]) -> None:
        """Write the rows in `current`; all other rows of its nodes stay as they are."""
        rows = [(outcome, self._rows(outcome.node, records)) for outcome, records in current]
        self._continue(connection, rows, stored)

    def _continue(
        self,
        connection: sa.Connection,
        current: Sequence[tuple[Outcome, list[RowTuple]]],
        stored: dict[RowTuple, RowTuple],
    ) -> None:
        """Close the intervals whose value changed, open new ones, and write each row with its `since`.

        Takes the rows that it writes out of `stored`.
        """
        width, steady = self._width, self._steady
        ended: list[RowTuple] = []
        opened: list[RowTuple] = []
        written: list[RowTuple] = []
        for outcome, rows in current:
            at = stored_form(outcome.at)
            for row in rows:
                old = stored.pop(row[:width], None)
                if old is not None and old[:steady] == row[:steady]:
                    written.append((*row, old[-2], at))
                    continue
                written.append((*row, at, at))
                opened.append((*row, at, None))
                if old is not None:
                    # Never before it began, though a clock that was set back says so.
                    ended.append((max(at, old[-2]), *old[:width], old[-2]))
        self._newest.upsert(connection, written)
        self._intervals.close(connection, ended)
        self._intervals.upsert(connection, opened)


class FirstRows:
    """The first rows of a listing, such as the processes that use the most CPU, of each collection.

    A record says with `top` by which of its fields.
    """

    def __init__(self, probe: str, record: type[Record], table: sa.Table, dialect: sa.Dialect) -> None:
        """Prepare the statement."""
        fields = first_row_fields(record)
        self._probe, self._record, self._row = probe, record, row_maker(fields, LONGEST)
        self._table = BulkTable(table, ["node", *(field.name for field in fields), "at"], dialect)

    def write(self, connection: sa.Connection, outcomes: Sequence[Outcome]) -> None:
        """Add the first rows of what these outcomes list."""
        self._table.upsert(connection, [
            self._row(outcome.node, one, stored_form(outcome.at))
            for outcome in outcomes
            if outcome.probe == self._probe and outcome.state.is_ok
            for one in _first(self._record, outcome.records)
        ])  # fmt: skip


def _first(record: type[Record], found: Sequence[Record]) -> list[Record]:
    """Return the first rows by each field, each once."""
    chosen: dict[int, Record] = {}
    mine = [one for one in found if type(one) is record]
    for field in record.top:
        value = attrgetter(field)
        busy = [one for one in mine if (value(one) or 0) >= _LEAST]
        if len(busy) > FIRST:
            busy = sorted(busy, key=value, reverse=True)[:FIRST]
        chosen |= {id(one): one for one in busy}
    return list(chosen.values())


def _one(_record: Any) -> None:
    """Return the key of a record that a node has only once."""


def _digest(rows: list[RowTuple]) -> str:
    """Return a digest of rows; the same rows have the same in every process."""
    # Version 2 of the format has no references: it does not depend on which texts are one object.
    return blake2b(marshal.dumps(rows, 2), digest_size=DIGEST // 2).hexdigest()
