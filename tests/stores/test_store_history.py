"""Looking back: which tier tells what, and where a curve has a gap."""

from __future__ import annotations

from datetime import UTC, datetime

from unit_rows import made, outcome

from nicassh.config.settings import Config
from nicassh.store import Point, Store

DAY = 86400
BEGIN = 20_000 * DAY


def moment(at: int) -> datetime:
    return datetime.fromtimestamp(BEGIN + at, UTC)


def load(store: Store, at: int, load1: float, blocked: int | None = 0) -> None:
    store.write([outcome("nc2", "load", moment(at), made("load", load1=load1, blocked=blocked))])


def loads(store: Store, since: int, until: int, step: float = 0, metric: str = "load1") -> list[Point]:
    return store.history("load", metric, ["nc2", "nc3"], moment(since), moment(until), step)


def short(points: list[Point]) -> list[tuple[int, int, int, float | None]]:
    return [(int(point.at.timestamp()) - BEGIN, point.width, point.n, point.mean) for point in points]


def test_values_as_they_came(store: Store) -> None:
    for at in (0, 60, 180):
        load(store, at, at / 60, None if at == 60 else 1)
    assert short(loads(store, 0, 180)) == [(0, 0, 1, 0.0), (60, 0, 1, 1.0)]
    assert short(loads(store, 60, 600, metric="blocked")) == [(60, 0, 0, None), (180, 0, 1, 1.0)]
    assert not any(point.gap for point in loads(store, 0, 600))


def test_each_step_has_the_coarsest_tier_that_gives_it(store: Store) -> None:
    """What is not rolled up yet comes from below, and a bucket that both tell is one point."""
    for at in range(0, 3 * 3600, 60):
        load(store, at, float(at % 300))
    store.rollup(BEGIN + 2 * 3600 + 1800)
    for step, number in ((0, 180), (120, 90), (300, 36), (900, 12), (3600, 3), (4000, 3), (7200, 2)):
        points = loads(store, 0, 3 * 3600, step)
        assert len(points) == number
        assert sum(point.n for point in points) == 180
        assert sum((point.mean or 0) * point.n for point in points) == 180 * 120
    (whole,) = loads(store, 0, 3 * 3600, DAY)
    assert (whole.n, whole.mean, whole.least, whole.greatest, whole.width) == (180, 120.0, 0.0, 240.0, DAY)


def test_what_is_gone_from_a_tier_is_told_by_a_coarser_one(store: Store) -> None:
    for day in range(6):
        for at in range(0, 3600, 60):
            load(store, day * DAY + at, float(day))
    now = BEGIN + 5 * DAY + 7200
    store.rollup(now)
    store.prune(Config(keep_raw=1.0, keep_5m=2.0, keep_1h=3.0), now)
    points = loads(store, 0, 6 * DAY, 0)
    assert [point.width for point in points] == [DAY] * 2 + [3600] * 2 + [300] * 12 + [0] * 60
    assert [point.mean for point in points] == [0.0, 1.0, 2.0, 3.0] + [4.0] * 12 + [5.0] * 60
    assert sum(point.n for point in points) == 360


def test_a_gap_is_a_gap(store: Store) -> None:
    for at in (*range(0, 300, 60), 300, 360, 900, 960, 1020):
        load(store, at, 1.0)
    store.rollup(BEGIN + 7200)
    assert [(point.at, point.gap) for point in loads(store, 0, 7200, 300)] == [
        (moment(0), False),
        (moment(300), True),
        (moment(900), False),
    ]


def test_a_bucket_that_goes_on_is_no_gap(store: Store) -> None:
    for at in (*range(0, 300, 60), 300, 360):
        load(store, at, 1.0)
    assert [point.gap for point in loads(store, 0, 420, 300)] == [False, False]


def test_who_collects_less_often_than_the_probe_asks_for_has_no_gaps(store: Store) -> None:
    for at in range(0, 3600, 300):
        load(store, at, 1.0)
    assert not any(point.gap for point in loads(store, 0, 3600, 900))


def test_keys_apart(store: Store) -> None:
    for at in (0, 300):
        disks = [made("disks", mount=mount, used=at + len(mount)) for mount in ("/", "/data")]
        store.write([outcome(node, "disks", moment(at), *disks) for node in ("nc2", "nc3")])
    store.rollup(BEGIN + 7200)
    for step in (0, 300, 3600):
        points = store.history("disks", "used", ["nc2"], moment(0), moment(3600), step, mount=["/data"])
        assert {(point.node, point.key) for point in points} == {("nc2", ("/data",))}
        assert (points[0].least, points[-1].greatest) == (5, 305)
