"""Forgetting: nodes that are not in the inventory any more leave the newest tables, and stay in history."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from nicassh.database import chunks, retried
from nicassh.model.records import Keep
from nicassh.store.rollup import GRACE
from nicassh.store.tiers import TIERS, seconds

if TYPE_CHECKING:
    from nicassh.store.store import Store

_DONE = 2**53
"""How far the roll-up is of a node of which nothing more comes; a row of it that comes all the same sets it back."""


def forget_nodes(store: Store, known: Collection[str], before: float, now: float) -> list[str]:
    """Takes nodes that are not `known` and were not asked since a moment out of the newest tables; which those are.

    Their intervals end with their last answer. The roll-up is done with them once all of their rows are rolled up.
    Raises DatabaseError.
    """

    def work(connection: sa.Connection) -> list[str]:
        told = store.outcomes.newest
        last = sa.func.max(seconds(told.c.at))
        query = sa.select(told.c.node).group_by(told.c.node).having(last < int(before))
        gone = [node for node in connection.scalars(query).all() if node not in known]
        store.turns.hold(connection, gone)
        for part in chunks(gone):
            _take_out(connection, store, part)
        _leave_alone(connection, store, now)
        return sorted(gone)

    return retried(store.engine, work)


def _take_out(connection: sa.Connection, store: Store, nodes: list[str]) -> None:
    for shape in (*store.records.values(), store.outcomes):
        newest = shape.newest
        if shape.keep is Keep.INTERVALS and shape.history is not None:
            _end(connection, shape.history, newest, nodes)
        connection.execute(sa.delete(newest).where(newest.c.node.in_(nodes)))
    digests = store.metadata.tables["content_hash"]
    connection.execute(sa.delete(digests).where(digests.c.node.in_(nodes)))


def _end(connection: sa.Connection, history: sa.Table, newest: sa.Table, nodes: list[str]) -> None:
    """Ends the intervals that last, with the time of the row that they belong to."""
    names = [column.name for column in history.primary_key if column.name != "since"]
    same = sa.and_(*(newest.c[name] == history.c[name] for name in names))
    last: Any = sa.select(seconds(newest.c.at)).where(same).scalar_subquery()
    lasting = sa.and_(history.c.node.in_(nodes), history.c.until.is_(None))
    connection.execute(sa.update(history).where(lasting).values(until=sa.type_coerce(last, sa.BigInteger)))


def _leave_alone(connection: sa.Connection, store: Store, now: float) -> None:
    """Has the roll-up leave alone the nodes that have no newest row any more, once it is through with them."""
    rolled, told = store.tiers.rolled, store.outcomes.newest
    last = TIERS[-1]
    through = sa.and_(*(store.tiers.upto(tier) >= last.start(now - GRACE) for tier in TIERS))
    gone = rolled.c.node.not_in(sa.select(told.c.node))
    update = sa.update(rolled).where(gone, through, store.tiers.upto(last) < _DONE)
    connection.execute(update.values({store.tiers.upto(tier).name: _DONE for tier in TIERS}))
