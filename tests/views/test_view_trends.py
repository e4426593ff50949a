"""Trends: the last hour of a number as a column of a table."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest
from unit_rows import at, login, made, node, outcome

from nicassh.model.errors import UsageError
from nicassh.query import Snapshot, Table, select_columns, sort_rows
from nicassh.query.records import record_table
from nicassh.query.tables.farm import farm
from nicassh.query.trends import with_trends
from nicassh.render import Screen, csv_lines, json_text, page, records
from nicassh.store import Store

HOUR = 3600


def loads(store: Store, name: str, values: dict[int, float]) -> None:
    """The load from each of some minutes after noon on, once a minute for five minutes."""
    for begin, load1 in values.items():
        for minute in range(begin, begin + 5):
            store.write(
                [login(name, at(minute * 60)), outcome(name, "load", at(minute * 60), made("load", load1=load1))]
            )


def seen(store: Store, *columns: str, names: str = "nc2") -> Table:
    snapshot = Snapshot(store, [node(name) for name in names.split()], 900, at(HOUR))
    return select_columns(with_trends(farm(snapshot), snapshot, columns), columns)


def drawn(view: Table, name: str) -> list[str]:
    field = next(field for field in view.fields if field.name == name)
    return [field.text(row) for row in view.rows]


def test_heights_from_zero_to_the_greatest_and_blanks_for_gaps(store: Store) -> None:
    loads(store, "nc2", {5: 0.0, 10: 7.0, 15: 3.5, 30: 1.0, 50: 7.0, 55: 6.0})
    view = seen(store, "node", "load1~")
    (row,) = view.rows
    assert row.values["load1~"] == [None, 0.0, 7.0, 3.5, None, None, 1.0, None, None, None, 7.0, 6.0]
    assert drawn(view, "load1~") == [" ▁█▅  ▂   █▇"]


def test_less_than_half_is_a_gap_and_what_is_older_does_not_count(store: Store) -> None:
    loads(store, "nc2", {-60: 9.0, 50: 1.0})
    store.write([outcome("nc2", "load", at(30 * 60), made("load", load1=50.0))])
    (cells,) = (row.values["load1~"] for row in seen(store, "+load1~").rows)
    assert [cell for cell in cells if cell is not None] == [1.0]


def test_nothing_known_is_unknown_and_nothing_at_all_is_no_column(store: Store) -> None:
    loads(store, "nc2", {50: 0.0})
    view = seen(store, "+load1~", names="nc2 nc3")
    assert drawn(view, "load1~") == ["          ▁ ", "–"]
    assert [row["load1~"] for row in records(view)][1] is None
    assert "load1~" not in [field.name for field in seen(store, "+os").fields]


def test_programs_get_the_values(store: Store) -> None:
    loads(store, "nc2", {45: 1.25, 55: 2.0})
    view = seen(store, "node", "load1~")
    (row,) = json.loads(json_text(view))["rows"]
    assert row == {"node": "nc2", "load1~": [None] * 9 + [1.25, None, 2.0]}
    _, cells = csv.reader(csv_lines(view))
    assert cells[1].split(" ") == [""] * 9 + ["1.25", "", "2.0"]


def test_rows_are_sorted_by_the_newest_value_unknown_last(store: Store) -> None:
    loads(store, "nc2", {45: 9.0, 55: 1.0})
    loads(store, "nc3", {45: 1.0, 50: 3.0})
    view = sort_rows(seen(store, "+load1~", names="nc4 nc2 nc3"), ["-load1~"])
    assert [row.values["node"] for row in view.rows] == ["nc3", "nc2", "nc4"]


def test_any_number_of_one_row_a_node(store: Store) -> None:
    loads(store, "nc2", {50: 1.0})
    for minute in (40, 45, 50):
        store.write([outcome("nc2", "memory", at(minute * 60), made("memory"))])
    lines = list(page(seen(store, "node", "memory_available~", "blocked~"), Screen(80)))
    assert lines[0].split("  ") == ["node", "memory_available~", "blocked~"]
    assert lines[1] == f"nc2{11 * ' '}███{18 * ' '}▁"


def test_keys_of_a_listing(store: Store) -> None:
    for minute in (30, 35, 40, 45):
        disks = [made("disks", mount=mount, used=len(mount) * minute) for mount in ("/", "/home")]
        store.write([outcome("nc2", "disks", at(minute * 60), *disks)])
    snapshot = Snapshot(store, [node("nc2")], 900, at(HOUR))
    view = with_trends(record_table(snapshot, "disks"), snapshot, ["used~"])
    cells: dict[str, Any] = {row.values["mount"]: row.values["used~"] for row in view.rows}
    assert cells == {"/": [None] * 3 + [32.5, 42.5, None], "/home": [None] * 3 + [162.5, 212.5, None]}


@pytest.mark.parametrize(
    ("column", "what", "hint"),
    [
        ("+laod1~", "no number 'laod1' has a history", "did you mean 'load1'"),
        ("node~", "no number 'node' has a history", ""),
        ("+used~", "a number of 2 records", "disks.used"),
        ("+disks.used~", "farm has no column 'mount', and disks.used has a value for each", "nicamon show disks"),
        ("-load1~", "farm has no column 'load1~'", ""),
    ],
)
def test_what_is_no_trend(store: Store, column: str, what: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        seen(store, column)
    assert what in caught.value.what
    assert hint in caught.value.hint


def test_a_cell_that_has_just_begun_is_not_shown(store: Store) -> None:
    loads(store, "nc2", dict.fromkeys(range(0, 60, 5), 1.0))
    for second, number in ((HOUR - 1, 12), (HOUR + 30, 12), (HOUR + 89, 12), (HOUR + 90, 11)):
        snapshot = Snapshot(store, [node("nc2")], 900, at(second))
        (row,) = with_trends(farm(snapshot), snapshot, ["load1~"]).rows
        assert len(row.values["load1~"]) == 12
        assert row.values["load1~"].count(1.0) == number
