"""Writing records: the newest rows of a node replaced, and its history continued."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from nicassh.db import Tables
from nicassh.probe import Outcome
from nicassh.record import Keep, Record, columns, keys, plain
from nicassh.store.result import Result

Row = Mapping[str, Any] | sa.RowMapping
Current = Sequence[tuple[Outcome, Sequence[Record]]]
"""Outcomes, each with its records of one type."""
_CHUNK = 500
"""Nodes in one IN (…): SQLite's default limit is 999 variables on old systems."""


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
        return postgresql.insert(table).on_conflict_do_nothing()
    return sa.insert(table).prefix_with("IGNORE")


def replace(connection: sa.Connection, shape: Tables, current: Current) -> None:
    """Replaces the newest rows of the nodes in `current` and adds to the history.

    Rows that an outcome leaves untold stay as they are, with the time at which they were true.
    """
    if not current:
        return
    rows = _rows(shape, current)
    kept = _untold(connection, shape, rows, current)
    if shape.keep is Keep.INTERVALS:
        _turn(connection, shape, rows, kept, current)
    _delete(connection, shape, current)
    if rows or kept:
        connection.execute(sa.insert(shape.newest), rows + kept)
    if rows and shape.keep is Keep.SERIES:
        append(connection, shape, current)


def append(connection: sa.Connection, shape: Tables, current: Current) -> None:
    """Adds to a series. Two collections of a node within one second leave the later one's row."""
    history, rows = shape.history, _rows(shape, current)
    if history is None or not rows:
        return
    nodes: dict[Any, list[str]] = {}
    for row in rows:
        nodes.setdefault(row["at"], []).append(row["node"])
    for at, names in nodes.items():
        for part in chunks(names):
            connection.execute(sa.delete(history).where(history.c.node.in_(part), history.c.at == at))
    connection.execute(sa.insert(history), rows)


def chunks(nodes: Iterable[str]) -> Iterable[list[str]]:
    """The names, each once, in parts that fit into one query."""
    names = list(dict.fromkeys(nodes))
    return (names[index : index + _CHUNK] for index in range(0, len(names), _CHUNK))


def _rows(shape: Tables, current: Current) -> list[dict[str, Any]]:
    """The records as rows; a probe that repeats a key has its last word."""
    rows = ({"node": o.node, "at": o.at, **plain(record)} for o, records in current for record in records)
    return list({_key(shape, row): row for row in rows}.values())


def _untold(
    connection: sa.Connection, shape: Tables, rows: list[dict[str, Any]], current: Current
) -> list[dict[str, Any]]:
    """The stored rows that are to stay although their node has answered."""
    gaps = {o.node: [gap for gap in o.untold if gap.record is shape.record] for o, _ in current}
    silent = [item for item in current if gaps[item[0].node]]
    if not silent:
        return []
    told = {_key(shape, row) for row in rows}
    stored = [dict(row) for row in _stored(connection, shape, silent)]
    return [row for row in stored if _key(shape, row) not in told and any(row in gap for gap in gaps[row["node"]])]


def _turn(
    connection: sa.Connection, shape: Tables, rows: list[dict[str, Any]], kept: list[dict[str, Any]], current: Current
) -> None:
    """Closes the intervals whose value ended or changed, opens the new ones, and gives each row its `since`."""
    assert shape.history is not None  # noqa: S101 intervals always have one
    old = {_key(shape, row): row for row in _stored(connection, shape, current)}
    opened: list[dict[str, Any]] = []
    ended = dict(old)
    for row in kept:
        del ended[_key(shape, row)]
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
    match = [shape.history.c[name] == sa.bindparam(f"_{name}") for name in names]
    if ended:
        update = sa.update(shape.history).where(*match).values(until=sa.bindparam("_until"))
        parameters = [
            {**{f"_{name}": row[name] for name in names}, "_until": times[row["node"]]} for row in ended.values()
        ]
        connection.execute(update, parameters)
    if opened:
        connection.execute(sa.delete(shape.history).where(*match), [{f"_{n}": row[n] for n in names} for row in opened])
        connection.execute(sa.insert(shape.history), opened)


def _stored(connection: sa.Connection, shape: Tables, current: Current) -> list[Row]:
    """The newest rows that these outcomes will replace."""
    rows: list[Row] = []
    for part in chunks(outcome.node for outcome, _ in current):
        rows += connection.execute(sa.select(shape.newest).where(shape.newest.c.node.in_(part))).mappings().all()
    if shape.record is Result:
        asked = {(outcome.node, outcome.probe) for outcome, _ in current}
        rows = [row for row in rows if (row["node"], row["probe"]) in asked]
    return rows


def _delete(connection: sa.Connection, shape: Tables, current: Current) -> None:
    table = shape.newest
    if shape.record is not Result:
        for part in chunks(outcome.node for outcome, _ in current):
            connection.execute(sa.delete(table).where(table.c.node.in_(part)))
        return
    nodes: dict[str, list[str]] = {}
    for outcome, _ in current:
        nodes.setdefault(outcome.probe, []).append(outcome.node)
    for probe, names in nodes.items():
        for part in chunks(names):
            connection.execute(sa.delete(table).where(table.c.node.in_(part), table.c.probe == probe))


def _key(shape: Tables, row: Row) -> tuple[Any, ...]:
    return (row["node"], *(row[column.name] for column in keys(shape.record)))


def _value(shape: Tables, row: Row) -> tuple[Any, ...]:
    """What makes an interval: its key and the values that are not volatile."""
    return (row["node"], *(row[column.name] for column in columns(shape.record) if not column.volatile))
