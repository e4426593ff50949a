"""The roll-up of series: what is in a bucket, when it is closed, what comes late, and two that roll up at once."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from tiered import BEGIN, DAY, NODES, Mirror, agree, stored, write
from unit_rows import PROBES, made, outcome

from nicassh.model.errors import DatabaseError
from nicassh.store import Store
from nicassh.store.tiers import GRACE, TIERS


def load(store: Store, node: str, at: int, load1: float, blocked: int | None = None) -> None:
    store.write([outcome(node, "load", moment(at), made("load", load1=load1, blocked=blocked))])


def disk(store: Store, node: str, at: int, mount: str, used: int | None) -> None:
    store.write([outcome(node, "disks", moment(at), made("disks", mount=mount, used=used))])


def moment(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def test_a_bucket_has_number_sum_least_and_greatest(store: Store) -> None:
    for at, load1 in ((0, 1.5), (60, 4.0), (240, 0.5), (300, 9.0)):
        load(store, "nc2", BEGIN + at, load1)
    assert store.rollup(BEGIN + 600 + GRACE)
    assert stored(store, "load", TIERS[0], "load1") == {
        ("nc2", BEGIN, ""): (3, 6.0, 0.5, 4.0),
        ("nc2", BEGIN + 300, ""): (1, 9.0, 9.0, 9.0),
    }
    assert stored(store, "load", TIERS[1], "load1") == {}
    assert store.rollup(BEGIN + 3 * DAY)
    assert stored(store, "load", TIERS[2], "load1") == {("nc2", BEGIN + 7200 - DAY, ""): (4, 15.0, 0.5, 9.0)}


def test_unknown_is_not_zero(store: Store) -> None:
    for at, blocked in ((0, None), (60, 4), (300, None)):
        load(store, "nc2", BEGIN + at, 1.0, blocked)
    store.rollup(BEGIN + 2 * 3600)
    assert stored(store, "load", TIERS[0], "blocked") == {
        ("nc2", BEGIN, ""): (1, 4.0, 4, 4),
        ("nc2", BEGIN + 300, ""): (0, None, None, None),
    }


def test_an_open_bucket_waits_for_its_end_and_for_late_rows(store: Store) -> None:
    load(store, "nc2", BEGIN, 1.0)
    store.rollup(BEGIN + 300 + GRACE - 1)
    assert stored(store, "load", TIERS[0], "load1") == {}
    store.rollup(BEGIN + 300 + GRACE)
    assert len(stored(store, "load", TIERS[0], "load1")) == 1


def test_texts_and_flags_are_not_rolled_up(store: Store) -> None:
    names = {column.name for column in store.layout.series["disks"].tables[TIERS[0]].c}
    assert {"node", "at", "mount", "used_sum", "free_percent_max"} <= names
    assert not {name for name in names if name.startswith(("device", "type", "read_only"))}


def test_sums_beyond_64_bits(store: Store) -> None:
    for at in (0, 60):
        disk(store, "nc2", BEGIN + at, "/eos", 2**63 - 1)
    store.rollup(BEGIN + DAY)
    assert stored(store, "disks", TIERS[0], "used")["nc2", BEGIN, "/eos"] == (2, 2.0**64, 2**63 - 1, 2**63 - 1)


def test_rows_from_before_there_were_tiers_are_rolled_up_too(store: Store) -> None:
    """A node that no roll-up has met begins at the oldest row."""
    for node in NODES:
        for hour in range(5):
            load(store, node, BEGIN + hour * 3600, float(hour))
    store.rollup(BEGIN + 8 * 3600)
    assert len(stored(store, "load", TIERS[1], "load1")) == 10


def test_nothing_to_do_is_done_at_once(store: Store) -> None:
    assert store.rollup(BEGIN)
    store.write([outcome("nc2", "software", moment(BEGIN), made("software"))])
    assert store.rollup(BEGIN + DAY)


def test_a_roll_up_that_has_no_time_goes_on_the_next_time(store: Store) -> None:
    load(store, "nc2", BEGIN, 1.0)
    assert not store.rollup(BEGIN + DAY, most=0.0)
    assert store.rollup(BEGIN + DAY)
    assert len(stored(store, "load", TIERS[0], "load1")) == 1


def test_a_roll_up_that_is_halted_goes_on_the_next_time(store: Store) -> None:
    mirror, now = Mirror(), BEGIN + 3 * DAY
    for at in range(0, 2 * DAY, 3600):
        write(store, mirror, "nc2", BEGIN + at, 1)
    for steps in range(3):
        left = iter([False] * steps)
        assert not store.rollup(now, halted=lambda left=left: next(left, True))
    assert store.rollup(now)
    agree(store, mirror, now)


def test_a_late_row_has_its_bucket_rolled_up_again_in_all_tiers(store: Store) -> None:
    mirror, now = Mirror(), BEGIN + 3 * DAY
    for at in (0, 60, 3600, DAY):
        write(store, mirror, "nc2", BEGIN + at, 10)
    store.rollup(now)
    agree(store, mirror, now)
    write(store, mirror, "nc2", BEGIN + 120, 50)
    store.rollup(now)
    agree(store, mirror, now)
    assert stored(store, "load", TIERS[0], "blocked")["nc2", BEGIN, ""] == (3, 70.0, 10, 50)


def test_who_does_not_know_a_series_leaves_the_roll_up_to_others(store: Store, database: str) -> None:
    """`rolled` is of all series of a node: it would move on beyond rows that are in no tier, and they would go."""
    other = Store(database, [probe for probe in PROBES if probe.name != "disks"])
    for second in (0, 300):
        disk(store, "nc2", BEGIN + second, "/", 1)
    with pytest.raises(DatabaseError, match="disks_series is written by another program"):
        other.rollup(BEGIN + 1800)
    assert store.rollup(BEGIN + 1800)
    assert len(stored(store, "disks", TIERS[0], "used")) == 2
    # Taken out for good: an hour later nobody waits for it.
    assert other.rollup(BEGIN + DAY)
    other.engine.dispose()


@pytest.mark.parametrize("seed", range(3))
def test_two_roll_up_and_others_write_meanwhile(database: str, seed: int) -> None:
    """Two monitoring hosts roll up, two others write rows of the same nodes, many of them late: nothing is missed."""
    stores = [Store(database, PROBES) for _ in range(4)]
    stores[0].create()
    mirrors = [Mirror(), Mirror()]
    gate, done = threading.Barrier(4), threading.Event()
    now = BEGIN + 2 * DAY

    def collect(which: int) -> None:
        chance = random.Random(10 * seed + which)
        gate.wait()
        for _ in range(40):
            # Seconds of its own: no two write one row.
            at = BEGIN + 60 * chance.randrange(600) + which
            write(stores[which], mirrors[which], chance.choice(NODES), at, chance.randrange(99))

    def roll(which: int) -> None:
        gate.wait()
        while not done.is_set():
            assert stores[which].rollup(now)

    with ThreadPoolExecutor(4) as pool:
        rolling = [pool.submit(roll, which) for which in (2, 3)]
        for collecting in [pool.submit(collect, which) for which in (0, 1)]:
            collecting.result()
        done.set()
        for one in rolling:
            one.result()
    stores[0].rollup(now)
    agree(stores[0], Mirror(mirrors[0].loads | mirrors[1].loads, mirrors[0].disks | mirrors[1].disks), now)
    for store in stores:
        store.engine.dispose()
