"""Turns: one transaction at a time writes the rows of a node."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from nicassh.database import NODE, chunks, retried


class Turns:
    """The table `node_locks`: one row a node, for good. Who writes the rows of a node holds its row meanwhile.

    Without it two collections at once would leave the rows of both, and two intervals open. SQLite needs none of it:
    its writing transactions come one after another as they are.
    """

    def __init__(self, metadata: sa.MetaData) -> None:
        self.table = sa.Table("node_locks", metadata, sa.Column("node", sa.String(NODE), primary_key=True))
        self._enrolled: set[str] = set()

    def enrol(self, engine: sa.Engine, nodes: Iterable[str]) -> None:
        """Gives new nodes their rows, in a transaction of its own. Raises DatabaseError.

        Two that held some nodes while they add others would wait for each other, a second until a server notices.
        """
        new = set(nodes) - self._enrolled
        if new and engine.dialect.name != "sqlite":
            retried(engine, lambda connection: self._add(connection, sorted(new)))
            self._enrolled |= new

    def hold(self, connection: sa.Connection, nodes: Iterable[str]) -> None:
        """Waits until no other transaction holds one of these nodes, and keeps all others waiting until this one ends.

        All take the nodes in one order, so that no two wait for each other.
        """
        if connection.dialect.name == "sqlite":
            return
        for part in chunks(sorted(nodes)):
            query = sa.select(self.table.c.node).where(self.table.c.node.in_(part)).order_by(self.table.c.node)
            # Some may be missing still: another database has been restored over this one.
            if len(connection.scalars(query.with_for_update()).all()) < len(part):
                self._add(connection, part)
                connection.execute(query.with_for_update())

    def _add(self, connection: sa.Connection, nodes: list[str]) -> None:
        """Adds those that are not there."""
        for part in chunks(nodes):
            known = set(connection.scalars(sa.select(self.table.c.node).where(self.table.c.node.in_(part))))
            if new := [{"node": node} for node in part if node not in known]:
                connection.execute(_new(connection, self.table), new)


def _new(connection: sa.Connection, table: sa.Table) -> sa.Insert:
    """Adds rows, but for those that another has added meanwhile."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # a tenth of a reader's start, who needs none of it

        return postgresql.insert(table).on_conflict_do_nothing()
    return sa.insert(table).prefix_with("IGNORE")
