"""Tiers: a series as it grows old. Rows as they came for some days, then buckets of five minutes, an hour, a day.

Beside `load_series` there are `load_5m`, `load_1h` and `load_1d`: one row for each key and bucket that has any
value, `at` is the bucket's start, and of each number `load1` there are `load1_n`, `load1_sum`, `load1_min` and
`load1_max`. Each number has an n of its own: what is unknown does not count. Texts and flags are left out: they
are states, have no mean, and belong into a record kept as intervals. A mean of means would be wrong, so the sum
is kept, as a float: a sum of bytes over a day is beyond 64 bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from nicassh.database import CHUNKS, NODE, Chunks, Tables
from nicassh.model.records import Keep, columns


@dataclass(frozen=True)
class Tier:
    """One of the forms of a series; `width` is the seconds of a bucket, `chunk` those of a chunk in TimescaleDB."""

    name: str
    width: int
    chunk: int

    def start(self, moment: float) -> int:
        """The start of the bucket that a moment is in; moments are seconds since 1970."""
        return int(moment) // self.width * self.width


_DAY = 86400
RAW = Tier("raw", 1, _DAY // 2)
"""Rows as they came; each has a time of its own."""
# A chunk has some hundred rows of each node and key: with fewer there is little to compress, and a chunk is
# compressed, and goes, as a whole.
TIERS = (Tier("5m", 300, 2 * _DAY), Tier("1h", 3600, 30 * _DAY), Tier("1d", _DAY, 365 * _DAY))
"""Each is made of the one before it, the first of RAW; each width is a multiple of the one before."""


@dataclass(frozen=True)
class Series:
    """A record kept as a series: its numbers, the keys within a node, and its table in each tier."""

    metrics: tuple[str, ...]
    keys: tuple[str, ...]
    tables: Mapping[Tier, sa.Table]


class Tiers:
    """The series of a store, and how far they are.

    `rollup_progress` has for each node and tier the moment before which every row is in the tier; it goes back where a
    row comes late. `retention_horizon` has for each tier the moment before which its rows are gone, or about to go.
    """

    def __init__(self, metadata: sa.MetaData, records: Mapping[str, Tables]) -> None:
        self.series = {
            name: _series(metadata, name, shape) for name, shape in records.items() if shape.keep is Keep.SERIES
        }
        self.rolled = sa.Table(
            "rollup_progress",
            metadata,
            sa.Column("node", sa.String(NODE), primary_key=True),
            *(sa.Column(f"upto_{tier.name}", sa.BigInteger, nullable=False) for tier in TIERS),
        )
        self.kept = sa.Table(
            "retention_horizon",
            metadata,
            sa.Column("tier", sa.String(8), primary_key=True),
            sa.Column("since", sa.BigInteger, nullable=False),
        )

    def upto(self, tier: Tier) -> sa.Column[int]:
        """How far a tier is, for each node."""
        return self.rolled.c[f"upto_{tier.name}"]

    def horizons(self, connection: sa.Connection, query: sa.Select[Any] | None = None) -> dict[str, int]:
        """The moments of `retention_horizon` by name of the tier, 0 where nothing is gone yet."""
        found = {row.tier: row.since for row in connection.execute(sa.select(self.kept) if query is None else query)}
        return {tier.name: found.get(tier.name, 0) for tier in (RAW, *TIERS)}


def seconds(column: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    """A column of moments as the whole numbers that it holds."""
    return sa.type_coerce(column, sa.BigInteger)


def bucket(table: sa.Table, width: int) -> sa.ColumnElement[int]:
    """The start of the bucket that a row is in."""
    at = seconds(table.c.at)
    # The width stands in the text: a parameter in GROUP BY is to PostgreSQL another one than that in SELECT.
    return at - at % sa.literal_column(str(width), sa.BigInteger)


def summary(table: sa.Table, metric: str, tier: Tier) -> list[sa.ColumnElement[Any]]:
    """n, sum, min and max of a number over rows of a tier."""
    if tier is RAW:
        value = table.c[metric]
        return [sa.func.count(value), sa.func.sum(sa.cast(value, sa.Double)), sa.func.min(value), sa.func.max(value)]
    n, total, low, high = (table.c[f"{metric}_{part}"] for part in ("n", "sum", "min", "max"))
    # A bucket from before its probe had the number has no n.
    return [sa.func.coalesce(sa.func.sum(n), 0), sa.func.sum(total), sa.func.min(low), sa.func.max(high)]


def _series(metadata: sa.MetaData, name: str, shape: Tables) -> Series:
    history = shape.history
    assert history is not None  # noqa: S101 a series always has one
    metrics = tuple(column.name for column in columns(shape.record) if not column.key and column.kind in (int, float))
    keys = tuple(column.name for column in columns(shape.record) if column.key)
    made = {tier: _table(metadata, f"{name}_{tier.name}", history, keys, metrics) for tier in TIERS if metrics}
    every = {RAW: history, **made}
    for tier, table in every.items():
        table.info[CHUNKS] = Chunks(tier.chunk, ("node", *keys))
    return Series(metrics, keys, every)


def _table(
    metadata: sa.MetaData, name: str, history: sa.Table, keys: tuple[str, ...], metrics: tuple[str, ...]
) -> sa.Table:
    # The node comes first: a plot reads one node over a long time. Rows as they came are in the order of time.
    identity = [
        sa.Column(column.name, column.type, primary_key=True, autoincrement=False, comment=column.comment, quote=True)
        for column in (history.c.node, history.c.at, *(history.c[key] for key in keys))
    ]
    values = [column for metric in metrics for column in _four(history.c[metric])]
    return sa.Table(name, metadata, *identity, *values, sqlite_with_rowid=False, quote=True)


def _four(metric: sa.Column[Any]) -> list[sa.Column[Any]]:
    kinds: dict[str, Any] = {"n": sa.Integer(), "sum": sa.Double(), "min": metric.type, "max": metric.type}
    words = {"n": "How many values.", "sum": "Their sum.", "min": "The least.", "max": "The greatest."}
    return [
        sa.Column(f"{metric.name}_{part}", kind, comment=f"{words[part]} {metric.comment}", quote=True)
        for part, kind in kinds.items()
    ]
