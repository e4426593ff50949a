"""History: a number of a series over a stretch of time, from the tiers that still have it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from nicassh.database import chunks, translate_errors
from nicassh.store.layout import Layout, Series
from nicassh.store.reader import Reader
from nicassh.store.tiers import RAW, TIERS, Tier, bucket, seconds, summary

_LEVELS = (RAW, *TIERS)
_Parts = tuple[int, float | None, float | None, float | None]
"""n, sum, least and greatest of a bucket."""


@dataclass(frozen=True, slots=True)
class Point:
    """A number of one node and key in one bucket, which begins `at` and is `width` seconds long.

    A value as it came has the width 0 and is mean, least and greatest alike. Where nothing at all came there is no
    point; where every value was unknown, n is 0. `gap` says that less than half came of what should have: a curve
    that goes through would tell what nobody saw.
    """

    node: str
    key: tuple[Any, ...]
    at: datetime
    width: int
    n: int
    mean: float | None
    least: float | None
    greatest: float | None
    gap: bool


@dataclass(frozen=True)
class _Stretch:
    """A part of the time that one tier tells, in buckets of `width` seconds."""

    tier: Tier
    begin: int
    end: int
    width: int


def history(
    engine: sa.Engine, layout: Layout, reader: Reader, name: str, metric: str, nodes: Sequence[str], begin: int,
    end: int, step: float, where: Mapping[str, Sequence[Any]],
) -> list[Point]:  # fmt: skip
    """Read the points of a number in the order of time, see Store.history."""
    series = layout.series[name]
    parts: dict[tuple[str, tuple[Any, ...], int, int], _Parts] = {}
    with translate_errors(engine), engine.connect() as connection:
        if not reader.has(connection, layout.rollup_progress):
            return []
        for stretch in _stretches(connection, layout, nodes, begin, end, step):
            for node, at, *rest in _rows(connection, series, metric, stretch, nodes, where):
                *key, n, total, least, greatest = rest
                place, found = (node, tuple(key), at, stretch.width), (int(n), total, least, greatest)
                parts[place] = _joined(parts[place], found) if place in parts else found
    return _points(parts, layout.records[name].every, begin, end)


def _stretches(
    connection: sa.Connection, layout: Layout, nodes: Sequence[str], begin: int, end: int, step: float
) -> Iterator[_Stretch]:
    """Return which tier tells which part: the coarsest within `step`.

    Before its rows a coarser, after them a finer one.
    """
    best = max(index for index, tier in enumerate(_LEVELS) if tier is RAW or tier.width <= step)
    wide = int(step) // _LEVELS[best].width * _LEVELS[best].width
    kept, ready = layout.horizons(connection), _ready(connection, layout, nodes)
    for index in range(len(_LEVELS) - 1, -1, -1):
        tier = _LEVELS[index]
        # A coarser tier than wanted tells what is gone from the one below it.
        stop = min(end, kept[_LEVELS[index - 1].name] if index > best else ready.get(tier, end))
        if begin < stop:
            # A bucket that `begin` lies in is told whole.
            yield _Stretch(tier, tier.start(begin), stop, wide if index <= best else tier.width)
            begin = stop


def _ready(connection: sa.Connection, layout: Layout, nodes: Sequence[str]) -> dict[Tier, int]:
    """Return how far each tier is for all of these nodes; nothing where a tier has no node yet."""
    least = {tier: [0] for tier in TIERS}
    query = sa.select(*(sa.func.min(layout.upto(tier)) for tier in TIERS))
    for part in chunks(nodes):
        row = connection.execute(query.where(layout.rollup_progress.c.node.in_(part))).one()
        for tier, upto in zip(TIERS, row, strict=True):
            least[tier] += [] if upto is None else [upto]
    return {tier: min(some[1:], default=0) for tier, some in least.items()}


def _rows(
    connection: sa.Connection, series: Series, metric: str, stretch: _Stretch, nodes: Iterable[str],
    where: Mapping[str, Sequence[Any]],
) -> Iterator[Any]:  # fmt: skip
    """Yield node, start of the bucket, keys, n, sum, least and greatest."""
    table, at = series.tables[stretch.tier], seconds(series.tables[stretch.tier].c.at)
    identity = [table.c.node, bucket(table, stretch.width or 1), *(table.c[key] for key in series.keys)]
    query = sa.select(*identity, *summary(table, metric, stretch.tier)).group_by(*identity)
    query = query.where(at >= stretch.begin, at < stretch.end)
    for name, values in where.items():
        query = query.where(table.c[name].in_(values))
    for part in chunks(nodes):
        yield from connection.execute(query.where(table.c.node.in_(part)))


def _joined(one: _Parts, other: _Parts) -> _Parts:
    """Return two parts of one bucket as one, of which a finer tier tells the end."""
    known: list[list[Any]] = [[part[index] for part in (one, other) if part[index] is not None] for index in (1, 2, 3)]
    sums, lows, highs = known
    total = sum(sums) if sums else None
    return one[0] + other[0], total, min(lows, default=None), max(highs, default=None)


def _points(parts: Mapping[Any, _Parts], every: int, begin: int, end: int) -> list[Point]:
    most: dict[int, int] = {}
    for (_, _, _, width), (n, *_rest) in parts.items():
        most[width] = max(most.get(width, 0), n)
    points = []
    for (node, key, at, width), (n, total, low, high) in parts.items():
        # Where `collect` runs less often than the probe asks for, no bucket has as many as it says.
        seen = min(at + width, end) - max(at, begin)
        gap = width > 0 and n < min(seen / every, most[width]) / 2
        mean = None if total is None else total / n
        points.append(Point(node, key, datetime.fromtimestamp(at, UTC), width, n, mean, low, high, gap))
    return sorted(points, key=lambda point: point.at)
