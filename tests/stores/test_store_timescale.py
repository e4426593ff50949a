"""TimescaleDB: tables in chunks, the older compressed, and nobody who writes or reads is to notice."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from servers import Server
from test_store_retention import KEEPS, STORIES, told
from tiered import BEGIN, DAY, Mirror, agree, clear, write
from unit_rows import PROBES, made, outcome

from nicassh.config import Config
from nicassh.db import CHUNKS, Chunks, Timescale
from nicassh.db.backup import backup
from nicassh.db.checking import check
from nicassh.db.copying import copy
from nicassh.jobs import Queue
from nicassh.jobs.table import METADATA
from nicassh.store import Point, Store, prune, rollup, sizes
from nicassh.store.tiers import RAW, seconds

SERIES = [probe for probe in PROBES if probe.name in ("load", "disks")]
EACH = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def store(timescale: str) -> Iterator[Store]:
    store = Store(timescale, PROBES)
    store.create()
    yield store
    store.engine.dispose()


@pytest.fixture
def small(timescale: str) -> Iterator[Store]:
    """A store of two series in chunks of an hour and more, so that a story of a day has many."""
    store = Store(timescale, SERIES)
    for series in store.tiers.series.values():
        for tier, table in series.tables.items():
            table.info[CHUNKS] = Chunks(max(3600, 24 * tier.width), ("node", *series.keys))
    store.create()
    yield store
    store.engine.dispose()


def chunks(store: Store, table: str) -> list[tuple[int, int, bool]]:
    """Begin and end of each chunk, and whether it is compressed."""
    query = "SELECT range_start_integer, range_end_integer, is_compressed FROM timescaledb_information.chunks"
    with store.engine.connect() as connection:
        found = connection.execute(sa.text(f"{query} WHERE hypertable_name = :table ORDER BY 1"), {"table": table})
        return [(row[0], row[1], row[2]) for row in found]


def hypertables(store: Store) -> set[str]:
    with store.engine.connect() as connection:
        timescale = Timescale.of(connection)
        assert timescale is not None
        return timescale.hypertables(connection)


def growing(store: Store) -> set[str]:
    return {table.name for table in store.metadata.sorted_tables if CHUNKS in table.info}


def count(store: Store, table: str) -> int:
    with store.engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(sa.table(table))).scalar_one()


def trim(store: Store) -> None:
    """Deletes what prune has left in chunks of which a part is to be kept; what it should have deleted it has."""
    with store.engine.begin() as connection:
        gone = store.tiers.horizons(connection)
        for series in store.tiers.series.values():
            for tier, table in series.tables.items():
                ended = [end for _, end, _ in chunks(store, table.name) if end <= gone[tier.name]]
                assert ended == []
                connection.execute(sa.delete(table).where(seconds(table.c.at) < gone[tier.name]))


def test_tables_that_grow_are_hypertables_and_no_others(store: Store) -> None:
    assert {"load_series", "disks_5m", "load_1h", "load_1d", "processes_top"} <= hypertables(store)
    assert hypertables(store) == growing(store)
    assert store.create() == []
    with store.engine.connect() as connection:
        indexes = sa.inspect(connection).get_indexes("load_series")
    assert indexes == []


def test_without_the_extension_all_is_as_ever(timescale_server: Server) -> None:
    """On a server that has it, in a database that has not."""
    with timescale_server.fresh() as url:
        store = Store(url, PROBES)
        store.create()
        with store.engine.connect() as connection:
            assert Timescale.of(connection) is None
        write(store, Mirror(), "nc2", BEGIN, 1)
        rollup(store, BEGIN + DAY)
        assert prune(store, Config(), BEGIN + 10 * DAY) == {"load_series": 1, "disks_series": 2}
        store.engine.dispose()


def test_rows_from_before_the_extension_move_when_somebody_asks(timescale_server: Server) -> None:
    """To move them takes long, so no collection does it by itself; what has no rows yet does not wait."""
    with timescale_server.fresh() as url:
        store, mirror = Store(url, SERIES), Mirror()
        store.create()
        for hour in range(30):
            write(store, mirror, "nc2", BEGIN + hour * 3600, hour)
        timescale_server.run("CREATE EXTENSION timescaledb", database=url.rpartition("/")[2])
        assert store.create() == []
        assert hypertables(store) == growing(store) - {"load_series", "disks_series"}
        store.create(by_hand=True)
        assert hypertables(store) == growing(store)
        assert len(chunks(store, "load_series")) == 4
        rollup(store, BEGIN + 2 * DAY)
        agree(store, mirror, BEGIN + 2 * DAY)
        store.engine.dispose()


def test_prune_compresses_what_is_quiet_and_it_is_read_as_before(store: Store) -> None:
    for minute in range(0, 36 * 60, 5):
        store.write([outcome("nc2", "load", moment(60 * minute), made("load", load1=minute % 7 / 4, blocked=None))])
    rollup(store, BEGIN + 36 * 3600)
    before = [loads(store, step) for step in (0, 300, 3600)]
    assert prune(store, Config(), BEGIN + 36 * 3600) == {}
    assert [compressed for _, _, compressed in chunks(store, "load_series")] == [True, True, True, False]
    assert [loads(store, step) for step in (0, 300, 3600)] == before
    assert (len(before[0]), count(store, "load_series")) == (432, 432)


def test_late_rows_find_their_place_among_compressed_ones(store: Store) -> None:
    mirror, now = Mirror(), BEGIN + 60 * 3600
    for hour in range(48):
        write(store, mirror, "nc2", BEGIN + hour * 3600, hour)
    rollup(store, now)
    prune(store, Config(), now)
    assert chunks(store, "load_series")[0][2]
    write(store, mirror, "nc2", BEGIN + 60, 70)
    write(store, mirror, "nc2", BEGIN, 71)
    rollup(store, now)
    agree(store, mirror, now)


def test_a_chunk_goes_when_all_of_it_is_rolled_up_and_old(store: Store) -> None:
    mirror = Mirror()
    for hour in range(0, 5 * 24, 2):
        write(store, mirror, "nc2", BEGIN + hour * 3600, hour)
    now = BEGIN + 5 * DAY
    prune(store, Config(), now)
    assert count(store, "load_series") == 60
    rollup(store, now)
    deleted = prune(store, Config(), now)
    with store.engine.connect() as connection:
        gone = store.tiers.horizons(connection)[RAW.name]
    first = chunks(store, "load_series")[0]
    assert first[0] <= gone < first[1]
    assert deleted["load_series"] == 60 - count(store, "load_series")
    assert deleted["disks_series"] == 2 * deleted["load_series"]
    trim(store)
    agree(store, mirror, now)


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
    assert rollup(small, now)
    prune(small, KEEPS, latest)
    trim(small)
    agree(small, mirror, now)
    prune(small, KEEPS, now)
    rollup(small, now)
    trim(small)
    agree(small, mirror, now)


def test_bytes_are_those_of_all_chunks(store: Store) -> None:
    nodes = [f"nc{number}" for number in range(50)]
    for minute in range(0, 24 * 60, 10):
        store.write([outcome(node, "load", moment(60 * minute), made("load")) for node in nodes])
    whole = {size.table: size for size in sizes(store.engine, store.metadata)}["load_series"]
    rollup(store, BEGIN + DAY)
    prune(store, Config(), BEGIN + DAY + 12 * 3600)
    packed = {size.table: size for size in sizes(store.engine, store.metadata)}["load_series"]
    assert whole.rows == packed.rows == 144 * 50
    assert whole.bytes is not None
    assert packed.bytes is not None
    assert whole.rows * 60 < whole.bytes
    assert packed.bytes < whole.bytes / 2


def test_checked_saved_and_copied_there_and_back(store: Store, timescale_server: Server, tmp_path: Path) -> None:
    mirror = Mirror()
    for hour in range(48):
        write(store, mirror, "nc2", BEGIN + hour * 3600, hour)
    Queue(store.engine).create()
    rollup(store, BEGIN + 3 * DAY)
    prune(store, Config(), BEGIN + 3 * DAY)
    assert [one for one in check(store.engine, ["nc2"]) if one.fault or one.strangers] == []
    declared = [store.metadata, METADATA]
    backup(store.engine, tmp_path / "saved.db", declared)
    back = Store(f"sqlite:///{tmp_path / 'saved.db'}", PROBES)
    agree(back, mirror, BEGIN + 3 * DAY)
    done = copy(back.engine, store.engine, declared)
    assert {one.table: one.rows for one in done}["disks_series"] == 96
    agree(store, mirror, BEGIN + 3 * DAY)
    back.engine.dispose()


def moment(at: int) -> datetime:
    return datetime.fromtimestamp(BEGIN + at, UTC)


def loads(store: Store, step: float) -> list[Point]:
    return store.history("load", "load1", ["nc2"], moment(0), moment(0) + timedelta(days=2), step)
