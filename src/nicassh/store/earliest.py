"""The first row of a series from a moment on, for each node and key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from nicassh.database import chunks, explained
from nicassh.store.tiers import RAW, TIERS, Series, seconds

if TYPE_CHECKING:
    from nicassh.store.store import Row, Store

_FINEST = TIERS[0]


def earliest(store: Store, name: str, nodes: Sequence[str], after: datetime) -> list[Row]:
    """The rows, with node, at, keys and numbers: means of the first bucket, in the middle of its time.

    What is not rolled up yet is looked for among the rows as they came.
    """
    series, begin = store.tiers.series[name], int(after.timestamp())
    found: dict[tuple[Any, ...], Row] = {}
    with explained(store.engine), store.engine.connect() as connection:
        if not sa.inspect(connection).has_table(store.tiers.rolled.name):
            return []
        for part in chunks(nodes):
            upto = sa.select(sa.func.min(store.tiers.upto(_FINEST))).where(store.tiers.rolled.c.node.in_(part))
            fresh = connection.execute(
                _first(series, series.tables[RAW], max(begin, connection.scalar(upto) or 0), part)
            )
            rows: list[Row] = [dict(row) for row in fresh.mappings()]
            buckets = connection.execute(_first(series, series.tables[_FINEST], begin, part)).mappings()
            rows += [_mean(series, row) for row in buckets]
            found |= {(row["node"], *(row[key] for key in series.keys)): row for row in rows}
    return list(found.values())


def _first(series: Series, table: sa.Table, begin: int, nodes: Sequence[str]) -> sa.Select[Any]:
    """The first row of each key in one table."""
    keys = [table.c.node, *(table.c[key] for key in series.keys)]
    least = sa.select(*keys, sa.func.min(table.c.at).label("at"))
    ours = least.where(table.c.node.in_(nodes), seconds(table.c.at) >= begin).group_by(*keys).subquery()
    same = sa.and_(*(ours.c[key.name] == key for key in keys), ours.c.at == table.c.at)
    return sa.select(table).join(ours, same)


def _mean(series: Series, bucket: Row) -> Row:
    values = {
        metric: bucket[f"{metric}_sum"] / bucket[f"{metric}_n"] if bucket[f"{metric}_n"] else None
        for metric in series.metrics
    }
    middle = bucket["at"] + timedelta(seconds=_FINEST.width / 2)
    return {"node": bucket["node"], "at": middle, **{key: bucket[key] for key in series.keys}, **values}
