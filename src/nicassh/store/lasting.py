"""The tables of what is kept as intervals."""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from hashlib import blake2b

import sqlalchemy as sa

from nicassh.database import Cells, Sheet, Tables, held
from nicassh.model.outcome import Outcome
from nicassh.model.records import columns
from nicassh.store.shelf import Current, Shelf

DIGEST = 32
"""Characters of a digest."""


class Lasting(Shelf):
    """The tables of a state or an inventory, in which most nodes have the same rows each time: those are left alone.

    A row ends with since when it is so, and its time.
    """

    def __init__(self, shape: Tables, dialect: sa.Dialect) -> None:
        super().__init__(shape, dialect, ["since", "at"])
        assert shape.history is not None  # noqa: S101 intervals always have one
        self._steady = 1 + sum(column.key or not column.volatile for column in columns(shape.record))
        self._intervals = Sheet(shape.history, [*self._names, "since", "until"], dialect)

    def replace(self, connection: sa.Connection, current: Current, digests: Mapping[Cells, str]) -> list[Cells]:
        """Makes the newest rows of the nodes in `current` what it says, and continues their history.

        `digests` are those of what is stored, by node and record: where they are the same, only the time is set. Gives
        node, record and digest where they are not. Rows that an outcome leaves unknown stay as they are.
        """
        same: dict[int, list[tuple[Outcome, list[Cells]]]] = {}
        others: list[Cells] = []
        changed: list[tuple[Outcome, list[Cells]]] = []
        gaps = self._gaps(current)
        for outcome, records in current:
            rows = self._rows(outcome.node, records)
            # Where something is unknown these rows are not all that is stored: the next are compared one by one.
            digest = "" if outcome.node in gaps else _digest(rows)
            if digest and digests.get((outcome.node, self._name)) == digest:
                same.setdefault(held(outcome.at), []).append((outcome, rows))
            else:
                changed.append((outcome, rows))
                others.append((outcome.node, self._name, digest))
        for at, some in same.items():
            touched = self._newest.touch(connection, at, [outcome.node for outcome, _ in some])
            if touched != sum(len(rows) for _, rows in some):  # somebody else has had a hand in the table
                changed += some
        times = {outcome.node: held(outcome.at) for outcome, _ in changed}
        stored = self.stored(connection, times)
        self._turn(connection, changed, stored)
        gone = [(key, row) for key, row in stored.items() if not self._unknown(gaps, row)]
        self._intervals.end(connection, [(max(times[row[0]], row[-2]), *key, row[-2]) for key, row in gone])
        self._newest.drop(connection, [key for key, _ in gone])
        return others

    def update(self, connection: sa.Connection, current: Current, stored: dict[Cells, Cells]) -> None:
        """Writes what `current` names, and leaves all other rows of its nodes as they are."""
        self._turn(connection, [(outcome, self._rows(outcome.node, records)) for outcome, records in current], stored)

    def _turn(
        self,
        connection: sa.Connection,
        current: Sequence[tuple[Outcome, list[Cells]]],
        stored: dict[Cells, Cells],
    ) -> None:
        """Closes the intervals whose value changed, opens the new ones, and puts each row with its `since`.

        Of what is `stored` it leaves the rows that are not named.
        """
        width, steady = self._key, self._steady
        ended: list[Cells] = []
        opened: list[Cells] = []
        put: list[Cells] = []
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
                    # Never before it began, though a clock that was set back says so.
                    ended.append((max(at, old[-2]), *old[:width], old[-2]))
        self._newest.put(connection, put)
        self._intervals.end(connection, ended)
        self._intervals.put(connection, opened)


def _digest(rows: list[Cells]) -> str:
    """A digest of rows; the same rows have the same in every process."""
    # Version 2 of the format has no references: it does not depend on which texts are one object.
    return blake2b(marshal.dumps(rows, 2), digest_size=DIGEST // 2).hexdigest()
