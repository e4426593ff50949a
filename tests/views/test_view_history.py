"""The history of a number: its names, its steps, and where it has gaps."""

from __future__ import annotations

from typing import Any

import pytest
from unit_rows import at, made, outcome, summary

from nicassh.model.errors import UsageError
from nicassh.query.history import History, Window, history, window
from nicassh.query.metrics import find_metric, metric_names
from nicassh.store import Store

MINUTE, HOUR, DAY = 60, 3600, 86400


def loads(store: Store, node: str, values: dict[int, float]) -> None:
    """One load for each of some minutes after noon."""
    for minute, load1 in values.items():
        store.write([outcome(node, "load", at(minute * MINUTE), made("load", load1=load1))])


def seen(store: Store, nodes: str, minutes: float, step: float = 0, over: str = "", name: str = "load1") -> History:
    time = Window(at(0), at(minutes * MINUTE), step)
    return history(store, find_metric(store, name), nodes.split(), time, {}, over)


def told(view: History) -> list[tuple[Any, ...]]:
    """Minute, length in minutes, value of each row."""
    rows = [row.values for row in view.rows]
    return [((row["at"] - at(0)).seconds // 60, row["seconds"] / 60, row["value"]) for row in rows]


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("load1", "load.load1"),
        ("load.load1", "load.load1"),
        ("memory_available", "memory.available"),
        ("disks.used", "disks.used"),
        ("mounts_space_free", "mounts_space.free"),
        ("free_percent", "disks.free_percent"),
    ],
)
def test_names_of_metrics(store: Store, name: str, whole: str) -> None:
    assert find_metric(store, name).name == whole


def test_the_record_at_hand_comes_first(store: Store) -> None:
    assert find_metric(store, "used", "disks").name == "disks.used"
    assert find_metric(store, "load1", "disks").name == "load.load1"


@pytest.mark.parametrize(
    ("name", "what", "hint"),
    [
        ("used", "a number of 2 records", "disks.used, mounts_space.used"),
        ("laod1", "no number 'laod1'", "did you mean 'load1'"),
        ("disks.usd", "no number", "disks.used"),
        ("zzz", "no number", "memory.swap_used"),
        ("disks.mount", "no number", ""),
    ],
)
def test_what_is_no_metric(store: Store, name: str, what: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_metric(store, name)
    assert what in caught.value.what
    assert hint in caught.value.hint


def test_completion_has_short_names_where_they_are_enough(store: Store) -> None:
    assert metric_names(store, "load") == [
        "load.blocked", "load.load1", "load.load15", "load.load5", "load.processes", "load.running",
        "load1", "load15", "load5",
    ]  # fmt: skip
    assert metric_names(store, "use") == []


def test_keys_are_chosen_by_name_and_value(store: Store) -> None:
    used = find_metric(store, "disks.used")
    assert used.chosen(["mount=/home", "mount=/a=b"]) == {"mount": ["/home", "/a=b"]}
    for wrong in ("mount", "device=/dev/sda", "=", ""):
        with pytest.raises(UsageError, match="expected KEY=VALUE"):
            used.chosen([wrong])
    with pytest.raises(UsageError) as caught:
        find_metric(store, "load1").chosen(["mount=/"])
    assert caught.value.hint == "load.load1 has one line for each node"


@pytest.mark.parametrize(
    ("seconds", "columns", "together", "step"),
    [
        (HOUR, 70, False, 0),
        (2 * HOUR, 70, False, 120),
        (DAY, 70, False, 1800),
        (DAY, 190, False, 600),
        (30 * DAY, 190, False, 4 * HOUR + 2 * HOUR),
        (400 * DAY, 70, False, 7 * DAY),
        (4000 * DAY, 70, False, 58 * DAY),
        (HOUR, 70, True, 120),
        (DAY, 70, True, 1800),
    ],
)
def test_steps_fit_the_width(store: Store, seconds: int, columns: int, together: bool, step: int) -> None:
    found = window(at(-seconds), at(0), columns, find_metric(store, "load1"), together)
    assert found.step == step
    assert not step or seconds / step <= columns


def test_values_as_they_came_and_a_gap_between(store: Store) -> None:
    loads(store, "nc2", {0: 1.0, 1: 2.0, 3: 3.0, 20: 4.0, 21: 0.0})
    view = seen(store, "nc2", 22)
    assert told(view) == [(0, 0, 1.0), (1, 0, 2.0), (3, 0, 3.0), (3, 17, None), (20, 0, 4.0), (21, 0, 0.0)]
    assert [row.values["gap"] for row in view.rows] == [False, False, False, True, False, False]
    assert summary(view) == "5 values, 1 gap"


def test_gaps_at_both_ends(store: Store) -> None:
    loads(store, "nc2", {30: 1.0, 31: 2.0})
    assert told(seen(store, "nc2", 60)) == [(0, 30, None), (30, 0, 1.0), (31, 0, 2.0), (31, 29, None)]


def test_who_collects_every_ten_minutes_has_no_gaps(store: Store) -> None:
    loads(store, "nc2", dict.fromkeys((*range(0, 120, 10), *range(180, 240, 10)), 1.0))
    for step in (0, 300, 600):
        assert [row[2] for row in told(seen(store, "nc2", 240, step))].count(None) == 1


def test_buckets_with_a_gap_and_with_too_few_values(store: Store) -> None:
    loads(store, "nc2", dict.fromkeys((*range(5), 5, *range(20, 25)), 2.0))
    view = seen(store, "nc2", 25, 300)
    assert told(view) == [(0, 5, 2.0), (5, 15, None), (20, 5, 2.0)]
    assert [row.values["n"] for row in view.rows] == [5, 1, 5]


def test_nothing_known(store: Store) -> None:
    view = seen(store, "nc2", 60)
    assert view.rows == ()
    assert summary(view) == "no data for this period"


def test_an_unknown_value_is_not_zero(store: Store) -> None:
    for minute, blocked in ((0, 0), (1, None), (2, 4)):
        store.write([outcome("nc2", "load", at(minute * MINUTE), made("load", blocked=blocked))])
    assert told(seen(store, "nc2", 3, name="blocked")) == [(0, 0, 0.0), (1, 0, None), (2, 0, 4.0)]


def test_keys_are_lines_of_their_own(store: Store) -> None:
    for minute in (0, 5):
        disks = [made("disks", mount=mount, used=len(mount)) for mount in ("/", "/home")]
        store.write([outcome("nc2", "disks", at(minute * MINUTE), *disks)])
    view = seen(store, "nc2", 10, name="disks.used")
    assert {name: [row.values["value"] for row in rows] for name, rows in view.lines().items()} == {
        "nc2 /": [1, 1],
        "nc2 /home": [5, 5],
    }


def test_sum_and_mean_over_nodes(store: Store) -> None:
    for node, load1 in (("nc2", 1.0), ("nc3", 2.0), ("nc10", 6.0)):
        loads(store, node, dict.fromkeys(range(10), load1))
    (row, _) = seen(store, "nc2 nc3 nc10", 10, 300, "mean").rows
    assert [row.values[name] for name in ("node", "value", "min", "max", "nodes", "n")] == [
        "nc[2-3,10]", 3.0, 1.0, 6.0, 3, 15,
    ]  # fmt: skip
    (row, _) = seen(store, "nc2 nc3 nc10", 10, 300, "sum").rows
    assert [row.values[name] for name in ("value", "min", "max")] == [9.0, 9.0, 9.0]


def test_fewer_than_half_of_the_nodes_are_a_gap(store: Store) -> None:
    for number in range(4):
        loads(store, f"nc{number}", dict.fromkeys(range(5 * (number + 1)), 1.0))
    view = seen(store, "nc0 nc1 nc2 nc3 unknown", 20, 300, "sum")
    assert told(view) == [(0, 5, 4.0), (5, 5, 3.0), (10, 5, 2.0), (15, 5, None)]
    assert [row.values["nodes"] for row in view.rows] == [4, 3, 2, 1]


def test_whole_numbers_have_means_with_decimals_and_bytes_stay_bytes(store: Store) -> None:
    assert [find_metric(store, "load.processes").mean.draw(value) for value in (3.0, 3.25, None)] == ["3", "3.25", "–"]
    assert find_metric(store, "memory_available").mean.draw(3.5 * 1024**3) == "3.5 G"
