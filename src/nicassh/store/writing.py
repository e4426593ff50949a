"""Writing records: the newest rows of a node replaced where they differ, and its history continued."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from nicassh.db import chunks
from nicassh.probe import Outcome
from nicassh.record import Record

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
        return postgresql.insert(table).on_conflict_do_nothing()
    return sa.insert(table).prefix_with("IGNORE")
