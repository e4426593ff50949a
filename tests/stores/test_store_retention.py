"""Whatever comes in whatever order, and wherever the program ends: the tiers equal those computed from scratch.

Numbers are whole or quarters, so that sums do not depend on their order.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiered import BEGIN, DAY, NODES, Crash, Mirror, agree, clear, crashing, write
from unit_rows import PROBES

from nicassh.config.settings import Config
from nicassh.store import Store

KEEPS = Config(keep_raw=1 / 8, keep_5m=1 / 4, keep_1h=2.0)
EACH = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
# Minutes from a row's time to the next one's: mostly forward, sometimes long, sometimes back (a late row, a clock).
STEPS = st.one_of(st.integers(1, 9), st.sampled_from([25, 90, 400, -3, -40, -200, -700]))
ROWS = st.tuples(st.just("row"), STEPS, st.sampled_from(NODES), st.one_of(st.none(), st.integers(-9, 99)))
DOINGS = st.tuples(st.sampled_from(["rollup", "prune"]), st.integers(-30, 600), st.just(""), st.just(None))
STORIES = st.lists(st.one_of(ROWS, ROWS, ROWS, DOINGS), min_size=1, max_size=40)


@pytest.fixture
def empty(database: str) -> Iterator[Store]:
    """A store of two series, which each example empties for itself: to make its tables takes too long."""
    store = Store(database, [probe for probe in PROBES if probe.name in ("load", "disks")])
    store.create()
    yield store
    store.engine.dispose()


def told(store: Store, story: list[tuple[str, int, str, int | None]]) -> tuple[Mirror, int]:
    """Lives through a story; what must be there, and the latest moment in it."""
    mirror, clock, latest = Mirror(), BEGIN, BEGIN
    for doing, minutes, node, value in story:
        if doing == "row":
            clock += 60 * minutes
            latest = max(latest, clock)
            write(store, mirror, node, clock, value)
        elif doing == "rollup":
            store.rollup(latest + 60 * minutes)
        else:
            store.prune(KEEPS, latest + 60 * minutes)
    return mirror, latest


@EACH
@given(story=STORIES)
def test_any_story_ends_as_if_computed_from_scratch(
    empty: Store, story: list[tuple[str, int, str, int | None]]
) -> None:
    clear(empty)
    mirror, latest = told(empty, story)
    now = latest + DAY
    assert empty.rollup(now)
    empty.prune(KEEPS, latest)
    agree(empty, mirror, now)
    empty.prune(KEEPS, now)
    empty.rollup(now)
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
    for work in (lambda: empty.rollup(now), lambda: empty.prune(KEEPS, now)):
        for after in itertools.count(every, every):
            try:
                with crashing(empty, after):
                    work()
                break
            except Crash:
                continue
    empty.rollup(now)
    empty.prune(KEEPS, now)
    agree(empty, mirror, now)
