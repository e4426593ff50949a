"""Prune: rows that are older than they are to be kept go, but none before it is in the next tier.

First one transaction moves the moments in `retention_horizon`, from then on a row before them counts as gone; then the
rows are deleted in short steps. With TimescaleDB a chunk goes as a whole once all of it is gone, and one to which
nothing is added any more is compressed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from nicassh.config.settings import Config
from nicassh.database import Sheet, Timescale, explained, retried
from nicassh.model.records import Keep
from nicassh.store.pace import Pace, never
from nicassh.store.tiers import RAW, TIERS, Tier, seconds
from nicassh.store.top import KEPT

if TYPE_CHECKING:
    from nicassh.store.store import Store

_DAY = 86400
_SIZE, _NODES = 1000, 50
"""Rows in the first step, and nodes whose old rows are counted at once."""
_QUIET = 6 * 3600
"""Seconds after the end of a chunk until it is compressed: what comes later still finds its place, but slowly."""


def prune(
    store: Store, config: Config, now: float, most: float = math.inf, halted: Callable[[], bool] = never
) -> dict[str, int]:
    """Deletes what is older at the moment `now` than the configuration keeps; rows deleted, by table.

    After `most` seconds, or when it is `halted`, it leaves the rest to the next time. Raises DatabaseError.
    """
    keeps = {RAW: config.keep_raw, TIERS[0]: config.keep_5m, TIERS[1]: config.keep_1h, TIERS[2]: config.keep_1d}
    horizons = retried(store.engine, lambda connection: _advance(connection, store, keeps, now))
    pruner = _Pruner(store, Pace(store.engine, _SIZE, most, halted))
    for series in store.tiers.series.values():
        for tier, table in series.tables.items():
            before = horizons[tier.name]
            for nodes in [None] if tier is RAW or pruner.timescale(table) else pruner.ripe(table, before):
                pruner.clear(table, table.c.at, before, nodes)
    for table in store.tops.tables.values():
        pruner.clear(table, table.c.at, int(now) - KEPT)
    for shape in (store.outcomes, *store.records.values()):
        if shape.keep is Keep.INTERVALS and shape.history is not None:
            pruner.forget(shape.history, int(now - config.keep_intervals * _DAY))
    pruner.compress(int(now) - _QUIET)
    return pruner.deleted


def _advance(connection: sa.Connection, store: Store, keeps: Mapping[Tier, float], now: float) -> dict[str, int]:
    """Moves the horizons on as far as the roll-up is, each to the start of a bucket of the next tier."""
    tiers, told = store.tiers, store.outcomes.newest
    found = tiers.horizons(connection, sa.select(tiers.kept).with_for_update())
    # Of a clock that was far ahead for a while they would take all that comes for too old, until it is so late.
    before = {name: since if since <= now + _DAY else int(now) for name, since in found.items()}
    known = sa.select(tiers.rolled.c.node)
    unmet = sa.select(told.c.node).where(told.c.node.not_in(known)).limit(1)
    done = connection.execute(sa.select(*(sa.func.min(tiers.upto(tier)) for tier in TIERS))).one()
    if done[0] is None or connection.scalar(unmet) is not None:
        return before
    after: dict[str, int] = {}
    limit = int(now)
    for (tier, above), upto in zip(pairwise((RAW, *TIERS, TIERS[-1])), (*done, limit), strict=True):
        # What the finer tier still has may yet have to be rolled up again, and needs its whole bucket here.
        limit = above.start(min(now - keeps[tier] * _DAY, upto, limit))
        after[tier.name] = max(above.start(before[tier.name]), limit)
    Sheet(tiers.kept, ["tier", "since"], connection.dialect).put(connection, list(after.items()))
    return after


class _Pruner:
    """Deletes rows at a pace, and counts them."""

    def __init__(self, store: Store, pace: Pace) -> None:
        self.deleted: dict[str, int] = {}
        self._store, self._pace = store, pace
        with explained(store.engine), store.engine.connect() as connection:
            self._timescale = Timescale.of(connection)
            self._hyper = self._timescale.hypertables(connection) if self._timescale else set()

    def timescale(self, table: sa.Table) -> Timescale | None:
        """What looks after the chunks of a table, where it has some."""
        return self._timescale if table.name in self._hyper else None

    def ripe(self, table: sa.Table, before: int) -> Iterator[list[str]]:
        """The nodes that have rows of a time before this one, as many at once as a step takes on, or one.

        Of many rows of several nodes each step would sort all to find the oldest.
        """
        rolled, count = self._store.tiers.rolled.c.node, sa.func.count()
        every = [node for (node,) in self._read(sa.select(rolled).order_by(rolled))]
        old = sa.select(table.c.node, count).where(seconds(table.c.at) < before).group_by(table.c.node)
        for index in range(0, len(every), _NODES):
            some: list[str] = []
            rows = 0
            for node, more in self._read(old.where(table.c.node.in_(every[index : index + _NODES]))):
                if some and rows + more > self._pace.size:
                    yield some
                    some, rows = [], 0
                some, rows = [*some, node], rows + more
            if some:
                yield some

    def clear(self, table: sa.Table, time: sa.Column[object], before: int, nodes: Sequence[str] | None = None) -> None:
        """Deletes the rows of a time before this one, the oldest first; of chunks those that have no others."""
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

        while not self._pace.over and (number := self._pace.step(step)):
            self._count(table, number)

    def _drop(self, timescale: Timescale, table: sa.Table, before: int) -> None:
        while not self._pace.over:
            number = self._pace.step(lambda connection, _: timescale.drop_oldest(connection, table, before))
            if number is None:
                return
            self._count(table, number)

    def compress(self, before: int) -> None:
        """Compresses the chunks that ended before this time."""
        for table in self._store.metadata.sorted_tables:
            if timescale := self.timescale(table):
                self._compress(timescale, table, before)

    def _compress(self, timescale: Timescale, table: sa.Table, before: int) -> None:
        self._pace.steps(lambda connection, _: timescale.compress_oldest(connection, table, before))

    def forget(self, table: sa.Table, before: int) -> None:
        """Deletes the intervals that ended before this time."""
        key = list(table.primary_key)
        ended = sa.select(*key).where(seconds(table.c.until) < before)
        match = sa.delete(table).where(*(column == sa.bindparam(f"_{column.name}") for column in key))
        found: list[dict[str, Any]] = []

        def step(connection: sa.Connection, _size: int) -> int:
            if found:
                connection.execute(match, found)
            return len(found)

        while not self._pace.over:
            # No index has the ends. To look for them keeps nobody waiting, as it would in the step.
            rows = self._read(ended.limit(self._pace.size))
            found[:] = [{f"_{column.name}": value for column, value in zip(key, row, strict=True)} for row in rows]
            self._count(table, self._pace.step(step))
            if not found:
                return

    def _read(self, query: sa.Select[Any]) -> Sequence[Any]:
        with explained(self._store.engine), self._store.engine.connect() as connection:
            return connection.execute(query).all()

    def _count(self, table: sa.Table, number: int) -> None:
        if number:
            self.deleted[table.name] = self.deleted.get(table.name, 0) + number
