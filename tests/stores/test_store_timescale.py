"""TimescaleDB: tables in chunks, the older compressed, and nobody who writes or reads is to notice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scaled import chunks, count, growing, hypertables, trim
from servers import Server
from test_store_retention import KEEPS, STORIES, told
from tiered import BEGIN, DAY, Mirror, agree, clear, write
from unit_rows import PROBES, made, outcome

from nicassh.config.settings import Config
from nicassh.database import CHUNK_SPEC, Chunks, dialect_of
from nicassh.store import Point, Store, sizes
from nicassh.store.tiers import RAW

SERIES = [probe for probe in PROBES if probe.name in ("load", "disks")]
EACH = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def small(timescale: str) -> Iterator[Store]:
    """A store of two series in chunks of an hour and more, so that a story of a day has many."""
    store = Store(timescale, SERIES)
    for series in store.layout.series.values():
        for tier, table in series.tables.items():
            table.info[CHUNK_SPEC] = Chunks(max(3600, 24 * tier.width), ("node", *series.keys))
    store.create()
    yield store
    store.engine.dispose()


def test_tables_that_grow_are_hypertables_and_no_others(scaled: Store) -> None:
    assert {"load_series", "disks_5m", "load_1h", "load_1d", "processes_top"} <= hypertables(scaled)
    assert hypertables(scaled) == growing(scaled)
    assert scaled.create() == []
    with scaled.engine.connect() as connection:
        indexes = sa.inspect(connection).get_indexes("load_series")
    assert indexes == []


def test_without_the_extension_all_is_as_ever(timescale_server: Server) -> None:
    """On a server that has it, in a database that has not."""
    with timescale_server.fresh() as url:
        store = Store(url, PROBES)
        store.create()
        with store.engine.connect() as connection:
            assert dialect_of(connection).timescale(connection) is None
        write(store, Mirror(), "nc2", BEGIN, 1)
        store.rollup(BEGIN + DAY)
        assert store.prune(Config(), BEGIN + 10 * DAY) == {"load_series": 1, "disks_series": 2}
        store.engine.dispose()


def test_prune_compresses_what_is_quiet_and_it_is_read_as_before(scaled: Store) -> None:
    for minute in range(0, 36 * 60, 5):
        scaled.write([outcome("nc2", "load", moment(60 * minute), made("load", load1=minute % 7 / 4, blocked=None))])
    scaled.rollup(BEGIN + 36 * 3600)
    before = [loads(scaled, step) for step in (0, 300, 3600)]
    assert scaled.prune(Config(), BEGIN + 36 * 3600) == {}
    assert [compressed for _, _, compressed in chunks(scaled, "load_series")] == [True, True, True, False]
    assert [loads(scaled, step) for step in (0, 300, 3600)] == before
    assert (len(before[0]), count(scaled, "load_series")) == (432, 432)


def test_late_rows_find_their_place_among_compressed_ones(scaled: Store) -> None:
    mirror, now = Mirror(), BEGIN + 60 * 3600
    for hour in range(48):
        write(scaled, mirror, "nc2", BEGIN + hour * 3600, hour)
    scaled.rollup(now)
    scaled.prune(Config(), now)
    assert chunks(scaled, "load_series")[0][2]
    write(scaled, mirror, "nc2", BEGIN + 60, 70)
    write(scaled, mirror, "nc2", BEGIN, 71)
    scaled.rollup(now)
    agree(scaled, mirror, now)


def test_a_chunk_goes_when_all_of_it_is_rolled_up_and_old(scaled: Store) -> None:
    mirror = Mirror()
    for hour in range(0, 5 * 24, 2):
        write(scaled, mirror, "nc2", BEGIN + hour * 3600, hour)
    now = BEGIN + 5 * DAY
    scaled.prune(Config(), now)
    assert count(scaled, "load_series") == 60
    scaled.rollup(now)
    deleted = scaled.prune(Config(), now)
    with scaled.engine.connect() as connection:
        gone = scaled.layout.horizons(connection)[RAW.name]
    first = chunks(scaled, "load_series")[0]
    assert first[0] <= gone < first[1]
    assert deleted["load_series"] == 60 - count(scaled, "load_series")
    assert deleted["disks_series"] == 2 * deleted["load_series"]
    trim(scaled)
    agree(scaled, mirror, now)


@EACH
@given(story=STORIES, anew=st.booleans())
def test_any_story_ends_as_if_computed_from_scratch(
    small: Store, story: list[tuple[str, int, str, int | None]], anew: bool
) -> None:
    """Anew, or into the compressed chunks of the story before."""
    if anew:
        with small.engine.begin() as connection:
            for table in growing(small):
                connection.exec_driver_sql(f"TRUNCATE {table}")
    clear(small)
    mirror, latest = told(small, story)
    now = latest + DAY
    assert small.rollup(now)
    small.prune(KEEPS, latest)
    trim(small)
    agree(small, mirror, now)
    small.prune(KEEPS, now)
    small.rollup(now)
    trim(small)
    agree(small, mirror, now)


def test_bytes_are_those_of_all_chunks(scaled: Store) -> None:
    nodes = [f"nc{number}" for number in range(50)]
    for minute in range(0, 24 * 60, 10):
        scaled.write([outcome(node, "load", moment(60 * minute), made("load")) for node in nodes])
    whole = {size.table: size for size in sizes(scaled.engine, scaled.metadata)}["load_series"]
    scaled.prune(Config(), BEGIN + DAY + 12 * 3600)
    packed = {size.table: size for size in sizes(scaled.engine, scaled.metadata)}["load_series"]
    assert whole.rows == packed.rows == 144 * 50
    assert whole.bytes is not None
    assert packed.bytes is not None
    assert whole.rows * 60 < whole.bytes
    assert packed.bytes < whole.bytes / 2


def moment(at: int) -> datetime:
    return datetime.fromtimestamp(BEGIN + at, UTC)


def loads(scaled: Store, step: float) -> list[Point]:
    return scaled.history("load", "load1", ["nc2"], moment(0), moment(0) + timedelta(days=2), step)
