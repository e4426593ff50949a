"""Retention: what is older than it is to be kept is deleted, but nothing before it is in the next tier.

First one transaction moves the moments in `retention_horizon`, from then on a row before them counts as deleted; then
the rows are deleted in short steps. With TimescaleDB a chunk is dropped as a whole once all of it is too old, and one
to which nothing is added any more is compressed. A node that is not in the inventory any more leaves the newest tables.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from nicassh.config.settings import Config
from nicassh.database import BulkTable, Timescale, chunks, dialect_of, translate_errors, with_retry
from nicassh.model.records import Keep
from nicassh.store.batcher import Batcher, never
from nicassh.store.layout import Layout
from nicassh.store.tiers import GRACE, RAW, TIERS, Tier, seconds
from nicassh.store.writer import NodeLocks

_DAY = 86400
_SIZE, _NODES = 1000, 50
"""Rows in the first step, and nodes whose old rows are counted at once."""
FIRST_ROWS_KEPT = 48 * 3600
"""Seconds for which the first rows of listings are kept."""
_DONE = 2**53
"""How far the roll-up is of a node of which nothing more comes; a row of it that comes all the same sets it back."""
_QUIET = 6 * 3600
"""Seconds after the end of a chunk until it is compressed: what comes later still finds its place, but slowly."""


def prune(
    engine: sa.Engine, layout: Layout, config: Config, now: float, most: float = math.inf,
    halted: Callable[[], bool] = never,
) -> dict[str, int]:  # fmt: skip
    """Delete what is older at the moment `now` than the configuration keeps; rows deleted, by table.

    After `most` seconds, or when it is `halted`, it leaves the rest to the next time. Raises DatabaseError.
    """
    keeps = {RAW: config.keep_raw, TIERS[0]: config.keep_5m, TIERS[1]: config.keep_1h, TIERS[2]: config.keep_1d}
    horizons = with_retry(engine, lambda connection: _advance(connection, layout, keeps, now))
    pruner = _Pruner(engine, layout, Batcher(engine, _SIZE, most, halted))
    for series in layout.series.values():
        for tier, table in series.tables.items():
            before = horizons[tier.name]
            if tier is RAW or pruner.timescale(table):
                pruner.clear(table, table.c.at, before)
                continue
            for nodes in pruner.ripe(table, before):
                pruner.clear(table, table.c.at, before, nodes)
    for table in layout.first_rows.values():
        pruner.clear(table, table.c.at, int(now) - FIRST_ROWS_KEPT)
    for shape in layout.shapes():
        if shape.keep is Keep.INTERVALS and shape.history is not None:
            pruner.forget(shape.history, int(now - config.keep_intervals * _DAY))
    pruner.compress(int(now) - _QUIET)
    return pruner.deleted


def _advance(connection: sa.Connection, layout: Layout, keeps: Mapping[Tier, float], now: float) -> dict[str, int]:
    """Move the horizons on as far as the roll-up is, each to the start of a bucket of the next tier."""
    progress, told = layout.rollup_progress, layout.outcomes.newest
    found = layout.horizons(connection, sa.select(layout.retention_horizon).with_for_update())
    # Of a clock that was far ahead for a while they would take all that comes for too old, until it is so late.
    before = {name: since if since <= now + _DAY else int(now) for name, since in found.items()}
    known = sa.select(progress.c.node)
    unmet = sa.select(told.c.node).where(told.c.node.not_in(known)).limit(1)
    done = connection.execute(sa.select(*(sa.func.min(layout.upto(tier)) for tier in TIERS))).one()
    if done[0] is None or connection.scalar(unmet) is not None:
        return before
    after: dict[str, int] = {}
    limit = int(now)
    for (tier, above), upto in zip(pairwise((RAW, *TIERS, TIERS[-1])), (*done, limit), strict=True):
        # What the finer tier still has may yet have to be rolled up again, and needs its whole bucket here.
        limit = above.start(min(now - keeps[tier] * _DAY, upto, limit))
        after[tier.name] = max(above.start(before[tier.name]), limit)
    BulkTable(layout.retention_horizon, ["tier", "since"], connection.dialect).upsert(connection, list(after.items()))
    return after


class _Pruner:
    """Deletes rows batch by batch, and counts them."""

    def __init__(self, engine: sa.Engine, layout: Layout, batcher: Batcher) -> None:
        self.deleted: dict[str, int] = {}
        self._engine, self._layout, self._batcher = engine, layout, batcher
        with translate_errors(engine), engine.connect() as connection:
            self._timescale = dialect_of(engine).timescale(connection)
            self._hyper = self._timescale.hypertables(connection) if self._timescale else set()

    def timescale(self, table: sa.Table) -> Timescale | None:
        """Return what looks after the chunks of a table, where it has some."""
        return self._timescale if table.name in self._hyper else None

    def ripe(self, table: sa.Table, before: int) -> Iterator[list[str]]:
        """Return the nodes that have rows of a time before this one, as many at once as a step takes on, or one.

        Of many rows of several nodes each step would sort all to find the oldest.
        """
        known, count = self._layout.rollup_progress.c.node, sa.func.count()
        every = [node for (node,) in self._read(sa.select(known).order_by(known))]
        old = sa.select(table.c.node, count).where(seconds(table.c.at) < before).group_by(table.c.node)
        for index in range(0, len(every), _NODES):
            some: list[str] = []
            rows = 0
            for node, more in self._read(old.where(table.c.node.in_(every[index : index + _NODES]))):
                if some and rows + more > self._batcher.size:
                    yield some
                    some, rows = [], 0
                some, rows = [*some, node], rows + more
            if some:
                yield some

    def clear(self, table: sa.Table, time: sa.Column[object], before: int, nodes: Sequence[str] | None = None) -> None:
        """Delete the rows of a time before this one, the oldest first; of chunks those that have no others."""
        if timescale := self.timescale(table):
            self._drop(timescale, table, before)
            return
        ripe = seconds(time) < before
        if nodes is not None:
            ripe = sa.and_(table.c.node.in_(nodes), ripe)

        def step(connection: sa.Connection, size: int) -> int:
            last = connection.scalar(sa.select(seconds(time)).where(ripe).order_by(time).limit(1).offset(size))
            some = ripe if last is None else sa.and_(ripe, seconds(time) <= last)
            return connection.execute(sa.delete(table).where(some)).rowcount

        while not self._batcher.over and (number := self._batcher.step(step)):
            self._count(table, number)

    def _drop(self, timescale: Timescale, table: sa.Table, before: int) -> None:
        while not self._batcher.over:
            number = self._batcher.step(lambda connection, _: timescale.drop_oldest(connection, table, before))
            if number is None:
                return
            self._count(table, number)

    def compress(self, before: int) -> None:
        """Compress the chunks that ended before this time."""
        for table in self._layout.metadata.sorted_tables:
            if timescale := self.timescale(table):
                self._compress(timescale, table, before)

    def _compress(self, timescale: Timescale, table: sa.Table, before: int) -> None:
        self._batcher.steps(lambda connection, _: timescale.compress_oldest(connection, table, before))

    def forget(self, table: sa.Table, before: int) -> None:
        """Delete the intervals that ended before this time."""
        key = list(table.primary_key)
        ended = sa.select(*key).where(seconds(table.c.until) < before)
        match = sa.delete(table).where(*(column == sa.bindparam(f"_{column.name}") for column in key))
        found: list[dict[str, Any]] = []

        def step(connection: sa.Connection, _size: int) -> int:
            if found:
                connection.execute(match, found)
            return len(found)

        while not self._batcher.over:
            # No index has the ends. To look for them keeps nobody waiting, as it would in the step.
            rows = self._read(ended.limit(self._batcher.size))
            found[:] = [{f"_{column.name}": value for column, value in zip(key, row, strict=True)} for row in rows]
            self._count(table, self._batcher.step(step))
            if not found:
                return

    def _read(self, query: sa.Select[Any]) -> Sequence[Any]:
        with translate_errors(self._engine), self._engine.connect() as connection:
            return connection.execute(query).all()

    def _count(self, table: sa.Table, number: int) -> None:
        if number:
            self.deleted[table.name] = self.deleted.get(table.name, 0) + number


def forget_nodes(engine: sa.Engine, layout: Layout, known: Collection[str], before: float, now: float) -> list[str]:
    """Take nodes that are not `known` and were not asked since `before` out of the newest tables, and return them.

    Their intervals end with their last answer. The roll-up is done with them once all of their rows are rolled up.
    Raises DatabaseError.
    """

    def work(connection: sa.Connection) -> list[str]:
        told = layout.outcomes.newest
        last = sa.func.max(seconds(told.c.at))
        query = sa.select(told.c.node).group_by(told.c.node).having(last < int(before))
        gone = [node for node in connection.scalars(query).all() if node not in known]
        NodeLocks(layout.node_locks).lock(connection, gone)
        for part in chunks(gone):
            _take_out(connection, layout, part)
        _finish_rollup(connection, layout, now)
        return sorted(gone)

    return with_retry(engine, work)


def _take_out(connection: sa.Connection, layout: Layout, nodes: list[str]) -> None:
    for shape in layout.shapes():
        newest = shape.newest
        if shape.keep is Keep.INTERVALS and shape.history is not None:
            _end(connection, shape.history, newest, nodes)
        connection.execute(sa.delete(newest).where(newest.c.node.in_(nodes)))
    digests = layout.content_hash
    connection.execute(sa.delete(digests).where(digests.c.node.in_(nodes)))


def _end(connection: sa.Connection, history: sa.Table, newest: sa.Table, nodes: list[str]) -> None:
    """End the intervals that last, with the time of the row that they belong to."""
    names = [column.name for column in history.primary_key if column.name != "since"]
    same = sa.and_(*(newest.c[name] == history.c[name] for name in names))
    last: Any = sa.select(seconds(newest.c.at)).where(same).scalar_subquery()
    open_intervals = sa.and_(history.c.node.in_(nodes), history.c.until.is_(None))
    connection.execute(sa.update(history).where(open_intervals).values(until=sa.type_coerce(last, sa.BigInteger)))


def _finish_rollup(connection: sa.Connection, layout: Layout, now: float) -> None:
    """Mark the nodes that have no newest row any more as rolled up for good, once all of their rows are."""
    progress, told = layout.rollup_progress, layout.outcomes.newest
    last = TIERS[-1]
    through = sa.and_(*(layout.upto(tier) >= last.start(now - GRACE) for tier in TIERS))
    gone = progress.c.node.not_in(sa.select(told.c.node))
    update = sa.update(progress).where(gone, through, layout.upto(last) < _DONE)
    connection.execute(update.values({layout.upto(tier).name: _DONE for tier in TIERS}))
