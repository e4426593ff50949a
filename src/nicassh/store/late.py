"""Rows that come late: for a time that is rolled up already, or gone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from nicassh.database import chunks
from nicassh.model.outcome import Outcome
from nicassh.store.tiers import RAW, TIERS, seconds

if TYPE_CHECKING:
    from nicassh.store.store import Store


def mark(connection: sa.Connection, store: Store, outcomes: Sequence[Outcome]) -> None:
    """Has what these outcomes wrote into series rolled up, also where its bucket has been; the last step of a write.

    The tiers of such a node go back to that bucket. A row for a time whose rows are gone is taken out again: what
    is left of its bucket would be taken for the whole.
    """
    measuring = {probe for probe, names in store.probes.items() if not store.tiers.series.keys().isdisjoint(names)}
    times: dict[str, list[int]] = {}
    for outcome in outcomes:
        if outcome.probe in measuring and outcome.state.is_ok:
            times.setdefault(outcome.node, []).append(int(outcome.at.timestamp()))
    upto = _upto(connection, store, times)
    late = {node: moments for node, moments in times.items() if min(moments) < upto.get(node, min(moments) + 1)}
    if not late:
        return
    # Held until the end of the write, so that no prune moves on meanwhile.
    raw = sa.select(store.tiers.kept).where(store.tiers.kept.c.tier == RAW.name).with_for_update(read=True)
    horizon = store.tiers.horizons(connection, raw)[RAW.name]
    if gone := [node for node, moments in late.items() if min(moments) < horizon]:
        _take_out(connection, store, gone, horizon)
    back = {node: min((at for at in late[node] if at >= horizon), default=None) for node in late if node in upto}
    _set_back(connection, store, [(node, at) for node, at in back.items() if at is not None])


def _upto(connection: sa.Connection, store: Store, nodes: dict[str, Any]) -> dict[str, int]:
    """How far each node is rolled up; a node that no roll-up has met is missing."""
    rolled, first = store.tiers.rolled, store.tiers.upto(TIERS[0])
    found: dict[str, int] = {}
    for part in chunks(nodes):
        query = sa.select(rolled.c.node, first).where(rolled.c.node.in_(part))
        found |= {row.node: row[1] for row in connection.execute(query)}
    return found


def _take_out(connection: sa.Connection, store: Store, nodes: Sequence[str], horizon: int) -> None:
    for series in store.tiers.series.values():
        table = series.tables[RAW]
        for part in chunks(nodes):
            connection.execute(sa.delete(table).where(table.c.node.in_(part), seconds(table.c.at) < horizon))


def _set_back(connection: sa.Connection, store: Store, moments: Sequence[tuple[str, int]]) -> None:
    if not moments:
        return
    rolled = store.tiers.rolled
    least = {}
    for tier in TIERS:
        column, bucket = store.tiers.upto(tier), sa.bindparam(f"to_{tier.name}", type_=sa.BigInteger)
        least[column.name] = sa.case((column > bucket, bucket), else_=column)
    update = sa.update(rolled).where(rolled.c.node == sa.bindparam("this")).values(least)
    buckets = [{"this": node, **{f"to_{tier.name}": tier.start(at) for tier in TIERS}} for node, at in moments]
    connection.execute(update, buckets)
