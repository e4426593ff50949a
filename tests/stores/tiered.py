"""What was written, and what must have come of it in each tier, computed here from scratch."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from unit_rows import made, outcome

from nicassh.store import Store
from nicassh.store.tiers import GRACE, RAW, TIERS, Tier

DAY = 86400
BEGIN = 20_000 * DAY - 7200
"""Two hours before midnight: a few hours of rows fall into two buckets of each tier."""
NODES = ("nc2", "nc3")
Key = tuple[str, int, str]
Bucket = tuple[int, float | None, float | None, float | None]


class Crash(Exception):
    """The program ends here: nothing that was not committed is there."""


@dataclass
class Mirror:
    """What was written and is not too late, and what must have come of it."""

    loads: dict[Key, int | None] = field(default_factory=dict)
    disks: dict[Key, int | None] = field(default_factory=dict)


def clear(store: Store) -> None:
    with store.engine.begin() as connection:
        for table in store.metadata.sorted_tables:
            connection.execute(sa.delete(table))


def write(store: Store, mirror: Mirror, node: str, at: int, value: int | None) -> None:
    """A load and two disks; what is before the horizon is not kept."""
    moment = datetime.fromtimestamp(at, UTC)
    disks = [made("disks", mount=mount, used=value) for mount in ("/", "/data")]
    store.write([
        outcome(node, "load", moment, made("load", load1=at % 7 / 4, blocked=value)),
        outcome(node, "disks", moment, *disks),
    ])  # fmt: skip
    with store.engine.connect() as connection:
        gone = store.layout.horizons(connection)[RAW.name]
    if at >= gone:
        mirror.loads[node, at, ""] = value
        mirror.disks[node, at, "/"] = mirror.disks[node, at, "/data"] = value


def stored(store: Store, name: str, tier: Tier, metric: str) -> dict[Key, Bucket]:
    series = store.layout.series[name]
    table = series.tables[tier]
    key = table.c[series.keys[0]] if series.keys else sa.literal("")
    parts = [table.c[f"{metric}_{part}"] for part in ("n", "sum", "min", "max")]
    with store.engine.connect() as connection:
        rows = connection.execute(sa.select(table.c.node, table.c.at, key, *parts)).all()
    return {(node, int(at.timestamp()), key): tuple(values) for node, at, key, *values in rows}


def computed(rows: dict[Key, Any], tier: Tier, now: float, gone: int) -> dict[Key, Bucket]:
    """The buckets of a tier, closed as far as those of the tier below."""
    closed = int(now) - GRACE
    for width in [one.width for one in TIERS if one.width <= tier.width]:
        closed -= closed % width
    found: dict[Key, list[Any]] = {}
    for (node, at, key), value in rows.items():
        if gone <= tier.start(at) < closed:
            found.setdefault((node, tier.start(at), key), []).append(value)
    return {bucket: _bucket([value for value in values if value is not None]) for bucket, values in found.items()}


def _bucket(known: list[Any]) -> Bucket:
    return (len(known), sum(known), min(known), max(known)) if known else (0, None, None, None)


def agree(store: Store, mirror: Mirror, now: float) -> None:
    """Each tier has exactly what it should, and each row is there as it came or in the tiers."""
    with store.engine.connect() as connection:
        gone = store.layout.horizons(connection)
    for tier in TIERS:
        assert stored(store, "load", tier, "blocked") == computed(mirror.loads, tier, now, gone[tier.name])
        assert stored(store, "disks", tier, "used") == computed(mirror.disks, tier, now, gone[tier.name])
    table = store.layout.series["load"].tables[RAW]
    with store.engine.connect() as connection:
        raw = {(node, int(at.timestamp())) for node, at in connection.execute(sa.select(table.c.node, table.c.at))}
    assert raw == {(node, at) for node, at, _ in mirror.loads if at >= gone[RAW.name]}


@contextmanager
def crashing(store: Store, after: int) -> Iterator[None]:
    """The program ends after so many statements, in whatever transaction they are."""
    count = itertools.count(1)

    def statement(*_: Any) -> None:
        if next(count) > after:
            raise Crash

    sa.event.listen(store.engine, "before_cursor_execute", statement)
    try:
        yield
    finally:
        sa.event.remove(store.engine, "before_cursor_execute", statement)
