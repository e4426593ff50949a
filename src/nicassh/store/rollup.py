"""Roll-up: each tier made of the one below, bucket by bucket, for some nodes at a time.

A bucket is closed, and rolled up, when it ended longer ago than GRACE. A step takes the nodes that are furthest
behind, holds them as a writer does, replaces their buckets and says in `rollup_progress` that it has, all in one
transaction: a crash undoes the step, and a step done twice changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from nicassh.database import chunks, translate_errors
from nicassh.model.errors import DatabaseError
from nicassh.store.batcher import Batcher, never
from nicassh.store.layout import Layout, Series
from nicassh.store.tiers import GRACE, RAW, TIERS, Tier, bucket, seconds, summary
from nicassh.store.writer import NodeLocks

_GONE = 3600
"""Seconds after which nobody writes a series any more."""
_SIZE, _NODES = 100, 200
"""Buckets of a node in the first step, and nodes in a step at the most."""
_Replace = tuple[sa.Delete, sa.Insert]


def rollup(
    engine: sa.Engine, layout: Layout, now: float, most: float = math.inf, halted: Callable[[], bool] = never
) -> bool:
    """Roll up what is closed at the moment `now`; whether all of it.

    After `most` seconds, or when it is `halted`, it leaves the rest to the next time. Raises DatabaseError, also
    where others write a series that this program does not know.
    """
    _refuse_unknown_series(engine, layout, now)
    batcher = Batcher(engine, _SIZE, most, halted)
    return batcher.steps(lambda connection, _: _register(connection, layout, now)) and all(
        batcher.steps(_Level(layout, source, target, now).step) for source, target in pairwise((RAW, *TIERS))
    )


def _refuse_unknown_series(engine: sa.Engine, layout: Layout, now: float) -> None:
    """Raise DatabaseError for a series of another program's probe: its rows would be deleted without a roll-up."""
    known = {one.tables[RAW].name for one in layout.series.values()}
    with translate_errors(engine), engine.connect() as connection:
        look = sa.inspect(connection)
        names = {name for name in look.get_table_names() if name.endswith("_series")} - known
        for name in sorted(names):
            if "at" in {column["name"] for column in look.get_columns(name)}:
                newest: sa.Select[Any] = sa.select(sa.func.max(sa.column("at"))).select_from(sa.table(name))
                if (connection.scalar(newest) or 0) > now - _GONE:
                    hint = "give all that use the database the same probes; of one that was taken out wait for an hour"
                    raise DatabaseError(f"{name} is written by another program, whose probe is not known here", hint)


def _register(connection: sa.Connection, layout: Layout, now: float) -> bool:
    """Add nodes that are not in `rollup_progress`, from the oldest row of any on; False where there are none."""
    progress, told = layout.rollup_progress, layout.outcomes.newest
    known = sa.select(progress.c.node)
    fresh = connection.scalars(sa.select(told.c.node).distinct().where(told.c.node.not_in(known)).limit(_NODES)).all()
    if not fresh:
        return False
    NodeLocks(layout.node_locks).lock(connection, fresh)
    oldest = [
        connection.scalar(sa.select(sa.func.min(seconds(one.tables[RAW].c.at)))) for one in layout.series.values()
    ]
    begin = max(
        layout.horizons(connection)[RAW.name], min((at for at in oldest if at is not None), default=int(now - GRACE))
    )
    present = set(connection.scalars(known.where(progress.c.node.in_(fresh))))
    row = {f"upto_{tier.name}": tier.start(begin) for tier in TIERS}
    if rows := [{"node": node, **row} for node in fresh if node not in present]:
        connection.execute(sa.insert(progress), rows)
    return True


class _Level:
    """One tier made of the one below it."""

    def __init__(self, layout: Layout, source: Tier, target: Tier, now: float) -> None:
        self._layout, self._width, self._upto = layout, target.width, layout.upto(target)
        below = sa.literal(target.start(now - GRACE)) if source is RAW else layout.upto(source)
        self._ready: sa.ColumnElement[Any] = below
        every = layout.series.values()
        self._replaces = [_replace(series, source, target) for series in every if target in series.tables]

    def step(self, connection: sa.Connection, size: int) -> bool:
        """Replace some closed buckets of the nodes furthest behind; False where none is behind."""
        progress = self._layout.rollup_progress
        behind = self._ready >= self._upto + self._width
        begin = connection.scalar(sa.select(sa.func.min(self._upto)).where(behind))
        if begin is None:
            return False
        here = sa.and_(behind, self._upto == begin)
        nodes = connection.scalars(sa.select(progress.c.node).where(here).limit(min(size, _NODES))).all()
        NodeLocks(self._layout.node_locks).lock(connection, nodes)
        # Whoever held them before may have rolled them up, or set them back.
        still = connection.execute(
            sa.select(progress.c.node, self._ready).where(here, progress.c.node.in_(nodes))
        ).all()
        if still:
            ready = min(row[1] for row in still)
            end = min(begin + max(1, size // len(still)) * self._width, ready // self._width * self._width)
            self._roll(connection, [row[0] for row in still], begin, end)
        return True

    def _roll(self, connection: sa.Connection, nodes: list[str], begin: int, end: int) -> None:
        progress = self._layout.rollup_progress
        values = {"nodes": nodes, "begin": begin, "end": end}
        for delete, insert in self._replaces:
            connection.execute(delete, values)
            connection.execute(insert, values)
        for part in chunks(nodes):
            connection.execute(sa.update(progress).where(progress.c.node.in_(part)).values({self._upto.name: end}))


def _replace(series: Series, source: Tier, target: Tier) -> _Replace:
    """Delete and inserts the buckets of `nodes` from `begin` to `end`."""
    old, new = series.tables[source], series.tables[target]
    identity = [old.c.node, bucket(old, target.width), *(old.c[key] for key in series.keys)]
    values = [part for metric in series.metrics for part in summary(old, metric, source)]
    query = sa.select(*identity, *values).where(*_range(old)).group_by(*identity)
    return sa.delete(new).where(*_range(new)), sa.insert(new).from_select([column.name for column in new.c], query)


def _range(table: sa.Table) -> list[sa.ColumnElement[bool]]:
    begin, end = sa.bindparam("begin", type_=sa.BigInteger), sa.bindparam("end", type_=sa.BigInteger)
    at = seconds(table.c.at)
    return [table.c.node.in_(sa.bindparam("nodes", expanding=True)), at >= begin, at < end]
