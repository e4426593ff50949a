"""The roll-up of series: whatever comes, and in whatever order, it equals the one computed here from scratch."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from unit_rows import made, outcome

from nicassh.store import Store, rollup
from nicassh.store.tiers import TIERS, Tier

DAY = 86400
BEGIN = 20_000 * DAY - 7200
"""Two hours before a midnight, so that a few hours of rows fall into two buckets of each tier."""
GRACE = 600
NODES = ("nc2", "nc3")
Key = tuple[str, int, str]
Bucket = tuple[int, float | None, float | None, float | None]


def load(store: Store, node: str, at: int, load1: float, blocked: int | None = None) -> None:
    store.write([outcome(node, "load", moment(at), made("load", load1=load1, blocked=blocked))])


def disk(store: Store, node: str, at: int, mount: str, used: int | None) -> None:
    store.write([outcome(node, "disks", moment(at), made("disks", mount=mount, used=used))])


def moment(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def stored(store: Store, name: str, tier: Tier, metric: str) -> dict[Key, Bucket]:
    """What a tier has of a number."""
    series = store.tiers.series[name]
    table = series.tables[tier]
    key = table.c[series.keys[0]] if series.keys else sa.literal("")
    parts = [table.c[f"{metric}_{part}"] for part in ("n", "sum", "min", "max")]
    with store.engine.connect() as connection:
        rows = connection.execute(sa.select(table.c.node, table.c.at, key, *parts)).all()
    return {(node, int(at.timestamp()), key): tuple(values) for node, at, key, *values in rows}


def computed(rows: dict[Key, float | None], tier: Tier, closed: int) -> dict[Key, Bucket]:
    """The same from the rows; each tier is closed as far as the one below it."""
    for width in [one.width for one in TIERS if one.width <= tier.width]:
        closed -= closed % width
    found: dict[Key, list[float | None]] = {}
    for (node, at, key), value in rows.items():
        if tier.start(at) + tier.width <= closed:
            found.setdefault((node, tier.start(at), key), []).append(value)
    return {bucket: _bucket([value for value in values if value is not None]) for bucket, values in found.items()}


def _bucket(known: list[float]) -> Bucket:
    return (len(known), sum(known), min(known), max(known)) if known else (0, None, None, None)


def agree(store: Store, loads: dict[Key, float | None], disks: dict[Key, float | None], now: int) -> None:
    for tier in TIERS:
        assert stored(store, "load", tier, "blocked") == computed(loads, tier, now - GRACE)
        assert stored(store, "disks", tier, "used") == computed(disks, tier, now - GRACE)


def test_a_bucket_has_number_sum_least_and_greatest(store: Store) -> None:
    for at, load1 in ((0, 1.5), (60, 4.0), (240, 0.5), (300, 9.0)):
        load(store, "nc2", BEGIN + at, load1)
    assert rollup(store, BEGIN + 600 + GRACE)
    assert stored(store, "load", TIERS[0], "load1") == {
        ("nc2", BEGIN, ""): (3, 6.0, 0.5, 4.0),
        ("nc2", BEGIN + 300, ""): (1, 9.0, 9.0, 9.0),
    }
    assert stored(store, "load", TIERS[1], "load1") == {}
    assert rollup(store, BEGIN + 3 * DAY)
    assert stored(store, "load", TIERS[2], "load1") == {("nc2", BEGIN + 7200 - DAY, ""): (4, 15.0, 0.5, 9.0)}


def test_unknown_is_not_zero(store: Store) -> None:
    for at, blocked in ((0, None), (60, 4), (300, None)):
        load(store, "nc2", BEGIN + at, 1.0, blocked)
    rollup(store, BEGIN + 2 * 3600)
    assert stored(store, "load", TIERS[0], "blocked") == {
        ("nc2", BEGIN, ""): (1, 4.0, 4, 4),
        ("nc2", BEGIN + 300, ""): (0, None, None, None),
    }


def test_an_open_bucket_waits_for_its_end_and_for_late_rows(store: Store) -> None:
    load(store, "nc2", BEGIN, 1.0)
    rollup(store, BEGIN + 300 + GRACE - 1)
    assert stored(store, "load", TIERS[0], "load1") == {}
    rollup(store, BEGIN + 300 + GRACE)
    assert len(stored(store, "load", TIERS[0], "load1")) == 1


def test_texts_and_flags_are_not_rolled_up(store: Store) -> None:
    names = {column.name for column in store.tiers.series["disks"].tables[TIERS[0]].c}
    assert {"node", "at", "mount", "used_sum", "free_percent_max"} <= names
    assert not {name for name in names if name.startswith(("device", "type", "read_only"))}


def test_sums_beyond_64_bits(store: Store) -> None:
    for at in (0, 60):
        disk(store, "nc2", BEGIN + at, "/eos", 2**63 - 1)
    rollup(store, BEGIN + DAY)
    assert stored(store, "disks", TIERS[0], "used")["nc2", BEGIN, "/eos"] == (2, 2.0**64, 2**63 - 1, 2**63 - 1)


def test_rows_from_before_there_were_tiers_are_rolled_up_too(store: Store) -> None:
    """A node that no roll-up has met begins at the oldest row."""
    for node in NODES:
        for hour in range(5):
            load(store, node, BEGIN + hour * 3600, float(hour))
    rollup(store, BEGIN + 8 * 3600)
    assert len(stored(store, "load", TIERS[1], "load1")) == 10


def test_nothing_to_do_is_done_at_once(store: Store) -> None:
    assert rollup(store, BEGIN)
    store.write([outcome("nc2", "software", moment(BEGIN), made("software"))])
    assert rollup(store, BEGIN + DAY)


def test_a_roll_up_that_has_no_time_goes_on_the_next_time(store: Store) -> None:
    load(store, "nc2", BEGIN, 1.0)
    assert not rollup(store, BEGIN + DAY, most=0.0)
    assert rollup(store, BEGIN + DAY)
    assert len(stored(store, "load", TIERS[0], "load1")) == 1
