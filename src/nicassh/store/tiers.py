"""Tiers: a series as it grows old. Rows as they came for some days, then buckets of five minutes, an hour, a day.

Beside `load_series` there are `load_5m`, `load_1h` and `load_1d`: one row for each key and bucket that has any
value, `at` is the bucket's start, and of each number `load1` there are `load1_n`, `load1_sum`, `load1_min` and
`load1_max`. Each number has an n of its own: what is unknown does not count. Texts and flags are left out: they
are states, have no mean, and belong into a record kept as intervals. A mean of means would be wrong, so the sum
is kept, as a float: a sum of bytes over a day is beyond 64 bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa


@dataclass(frozen=True)
class Tier:
    """One of the forms of a series; `width` is the seconds of a bucket, `chunk` those of a chunk in TimescaleDB."""

    name: str
    width: int
    chunk: int

    def start(self, moment: float) -> int:
        """Return the start of the bucket that a moment is in; moments are seconds since 1970."""
        return int(moment) // self.width * self.width


_DAY = 86400
RAW = Tier("raw", 1, _DAY // 2)
"""Rows as they came; each has a time of its own."""
# A chunk has some hundred rows of each node and key: with fewer there is little to compress, and a chunk is
# compressed, and deleted, as a whole.
TIERS = (Tier("5m", 300, 2 * _DAY), Tier("1h", 3600, 30 * _DAY), Tier("1d", _DAY, 365 * _DAY))
"""Each is made of the one before it, the first of RAW; each width is a multiple of the one before."""
GRACE = 600
"""Seconds after the end of a bucket until it is rolled up: a row that comes later has it rolled up again."""


def seconds(column: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    """Return a column of moments as the whole numbers that it holds."""
    return sa.type_coerce(column, sa.BigInteger)


def bucket(table: sa.Table, width: int) -> sa.ColumnElement[int]:
    """Return the start of the bucket that a row is in."""
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
