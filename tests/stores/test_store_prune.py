"""What goes, when it goes, and what never goes."""

from __future__ import annotations

import sqlalchemy as sa
from tiered import BEGIN, DAY, Mirror, agree, write
from unit_rows import at, made, outcome

from nicassh.config.settings import Config
from nicassh.store import Store
from nicassh.store.retention import FIRST_ROWS_KEPT as KEPT
from nicassh.store.tiers import RAW, TIERS, Tier

NOON = int(at(0).timestamp())


def count(store: Store, table: sa.Table) -> int:
    with store.engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def loads(store: Store, tier: Tier) -> int:
    return count(store, store.layout.series["load"].tables[tier])


def test_each_tier_goes_in_its_time(store: Store) -> None:
    mirror = Mirror()
    for second in range(0, 7200, 300):
        write(store, mirror, "nc2", BEGIN + second, 1)
    keeps = Config(keep_raw=1.0, keep_5m=2.0, keep_1h=4.0, keep_1d=6.0)
    found = []
    for day in range(9):
        now = BEGIN + day * DAY + 7200
        store.rollup(now)
        store.prune(keeps, now)
        found.append([loads(store, tier) for tier in (RAW, *TIERS)])
    assert found[:4] == [[24, 22, 1, 0], [0, 24, 2, 1], [0, 0, 2, 1], [0, 0, 2, 1]]
    assert found[4:] == [[0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_what_is_not_rolled_up_stays_however_old(store: Store) -> None:
    mirror = Mirror()
    for second in (0, 300, 3600):
        write(store, mirror, "nc2", BEGIN + second, 1)
    assert store.prune(Config(), BEGIN + 1000 * DAY) == {}
    store.rollup(BEGIN + 400 + 600)
    assert store.prune(Config(), BEGIN + 1000 * DAY) == {"load_series": 1, "disks_series": 2}
    assert loads(store, RAW) == 2


def test_a_node_that_no_roll_up_has_met_keeps_all(store: Store) -> None:
    mirror = Mirror()
    write(store, mirror, "nc2", BEGIN, 1)
    store.rollup(BEGIN + DAY)
    write(store, mirror, "nc3", BEGIN, 1)
    assert store.prune(Config(), BEGIN + 10 * DAY) == {}


def test_a_row_for_a_time_that_is_gone_is_not_kept(store: Store) -> None:
    """What is left of its bucket would be taken for the whole. The newest rows, and other nodes, are as ever."""
    mirror, now = Mirror(), BEGIN + 10 * DAY
    for node in ("nc2", "nc3"):
        for second in (0, 60, 6 * DAY, 9 * DAY):
            write(store, mirror, node, BEGIN + second, 5)
    store.rollup(now)
    store.prune(Config(), now)
    agree(store, mirror, now)
    write(store, mirror, "nc2", BEGIN + 120, 7)
    write(store, mirror, "nc4", BEGIN + 120, 7)
    assert [row["blocked"] for row in store.newest("load", ["nc2", "nc4"])] == [5, 7]
    store.rollup(now)
    agree(store, mirror, now)
    assert loads(store, RAW) == 2


def test_a_clock_that_was_far_ahead_costs_what_was_there_and_nothing_that_comes(store: Store) -> None:
    mirror, ahead = Mirror(), BEGIN + 400 * DAY
    write(store, mirror, "nc2", BEGIN, 1)
    store.rollup(ahead)
    store.prune(Config(), ahead)
    assert store.prune(Config(), BEGIN + 3600) == {}
    for second in (3600, 3660, 7200):
        write(store, mirror, "nc2", BEGIN + second, 1)
    assert store.prune(Config(), BEGIN + 7300) == {}
    assert loads(store, RAW) == 3
    store.rollup(BEGIN + DAY)
    assert loads(store, TIERS[0]) == 2


def test_intervals_go_when_they_ended_long_ago(store: Store) -> None:
    for second, version in ((0, "apr13"), (60, "may18"), (2 * DAY, "jun19")):
        store.write([outcome("nc2", "software", at(second), made("software", version=version))])
    keeps = Config(keep_intervals=1.0)
    assert store.prune(keeps, NOON + DAY) == {}
    assert store.prune(keeps, NOON + DAY + 61) == {"software_intervals": 1}
    assert store.prune(keeps, NOON + 1000 * DAY) == {"software_intervals": 1}
    assert [row["version"] for row in store.spans("software", ["nc2"], at(0))] == ["jun19"]


def test_the_top_processes_of_each_collection_are_kept_for_two_days(store: Store) -> None:
    busy = [made("processes", pid=pid, cpu_percent=float(pid), memory_percent=0.1) for pid in range(1, 30)]
    fat = [made("processes", pid=100 + pid, cpu_percent=0.0, memory_percent=float(pid)) for pid in range(3)]
    long = made("processes", pid=200, cpu_percent=99.0, memory_percent=50.0, command="x" * 4000)
    store.write([outcome("nc2", "processes", at(0), *busy, *fat, long)])
    table = store.layout.first_rows["processes"]
    with store.engine.connect() as connection:
        rows = {row.pid: row for row in connection.execute(sa.select(table))}
    assert set(rows) == {200, *range(21, 30), 101, 102}
    assert {(row.node, row.at) for row in rows.values()} == {("nc2", at(0))}
    assert len(rows[200].command) == 160
    assert store.prune(Config(), NOON + KEPT) == {}
    assert store.prune(Config(), NOON + KEPT + 1) == {"processes_top": 12}
