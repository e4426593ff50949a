"""Whatever comes in whatever order, and wherever the program ends: the tiers equal those computed here from scratch.

Numbers are whole or quarters, so that sums do not depend on their order.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit_rows import PROBES, made, outcome

from nicassh.config import Config
from nicassh.store import Store, prune, rollup
from nicassh.store.rollup import GRACE
from nicassh.store.tiers import RAW, TIERS, Tier

DAY = 86400
BEGIN = 20_000 * DAY - 7200
"""Two hours before midnight: a few hours of rows fall into two buckets of each tier."""
NODES = ("nc2", "nc3")
KEEPS = Config(keep_raw=1 / 8, keep_5m=1 / 4, keep_1h=2.0)
EACH = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
Key = tuple[str, int, str]
Bucket = tuple[int, float | None, float | None, float | None]

# Minutes from a row's time to the next one's: mostly forward, sometimes long, sometimes back (a late row, a clock).
STEPS = st.one_of(st.integers(1, 9), st.sampled_from([25, 90, 400, -3, -40, -200, -700]))
ROWS = st.tuples(st.just("row"), STEPS, st.sampled_from(NODES), st.one_of(st.none(), st.integers(-9, 99)))
DOINGS = st.tuples(st.sampled_from(["rollup", "prune"]), st.integers(-30, 600), st.just(""), st.just(None))
STORIES = st.lists(st.one_of(ROWS, ROWS, ROWS, DOINGS), min_size=1, max_size=40)


class Crash(Exception):
    """The program ends here: nothing that was not committed is there."""


@dataclass
class Mirror:
    """What was written and is not too late, and what must have come of it."""

    loads: dict[Key, int | None] = field(default_factory=dict)
    disks: dict[Key, int | None] = field(default_factory=dict)


@pytest.fixture
def empty(database: str) -> Iterator[Store]:
    """A store that each example empties for itself: to make its tables takes too long."""
    store = Store(database, PROBES)
    store.create()
    yield store
    store.engine.dispose()


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
        gone = store.tiers.horizons(connection)[RAW.name]
    if at >= gone:
        mirror.loads[node, at, ""] = value
        mirror.disks[node, at, "/"] = mirror.disks[node, at, "/data"] = value


def stored(store: Store, name: str, tier: Tier, metric: str) -> dict[Key, Bucket]:
    series = store.tiers.series[name]
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
        gone = store.tiers.horizons(connection)
    for tier in TIERS:
        assert stored(store, "load", tier, "blocked") == computed(mirror.loads, tier, now, gone[tier.name])
        assert stored(store, "disks", tier, "used") == computed(mirror.disks, tier, now, gone[tier.name])
    table = store.tiers.series["load"].tables[RAW]
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


def told(store: Store, story: list[tuple[str, int, str, int | None]]) -> tuple[Mirror, int]:
    """Lives through a story; what must be there, and the latest moment in it."""
    mirror, clock, latest = Mirror(), BEGIN, BEGIN
    for doing, minutes, node, value in story:
        if doing == "row":
            clock += 60 * minutes
            latest = max(latest, clock)
            write(store, mirror, node, clock, value)
        elif doing == "rollup":
            rollup(store, latest + 60 * minutes)
        else:
            prune(store, KEEPS, latest + 60 * minutes)
    return mirror, latest


@EACH
@given(story=STORIES)
def test_any_story_ends_as_if_computed_from_scratch(
    empty: Store, story: list[tuple[str, int, str, int | None]]
) -> None:
    clear(empty)
    mirror, latest = told(empty, story)
    now = latest + DAY
    assert rollup(empty, now)
    prune(empty, KEEPS, latest)
    agree(empty, mirror, now)
    prune(empty, KEEPS, now)
    rollup(empty, now)
    agree(empty, mirror, now)


@EACH
@given(story=STORIES, every=st.integers(1, 60))
def test_a_crash_between_any_two_statements(
    empty: Store, story: list[tuple[str, int, str, int | None]], every: int
) -> None:
    """It crashes again and again, each time a few statements later, and goes on until it gets through."""
    clear(empty)
    mirror, latest = told(empty, story)
    now = latest + DAY
    for work in (lambda: rollup(empty, now), lambda: prune(empty, KEEPS, now)):
        for after in itertools.count(every, every):
            try:
                with crashing(empty, after):
                    work()
                break
            except Crash:
                continue
    rollup(empty, now)
    prune(empty, KEEPS, now)
    agree(empty, mirror, now)
