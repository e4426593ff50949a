"""Views: choosing, filtering and ordering their fields and rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from nicassh.model.errors import UsageError
from nicassh.model.units import Count, Number, Text, Time
from nicassh.query import Field, Row, Table, computed, filter_rows, select_columns, sort_rows
from nicassh.query.answer import Arrangement
from nicassh.query.arrange import limit_rows

FIELDS = (
    Field(computed("node", str, Text, "Name."), 100),
    Field(computed("load1", float, Number, "Load."), 90),
    Field(computed("nproc", int, Count, "Processes."), 0),
    Field(computed("activity", list, Text, "Users."), 50),
    Field(computed("updated", datetime, Time, "When."), 50),
)


def view(*rows: tuple[Any, ...]) -> Table:
    return Table("farm", FIELDS, tuple(Row(dict(zip([one.name for one in FIELDS], row, strict=True))) for row in rows))


def at(minute: int) -> datetime:
    return datetime(2026, 11, 21, 20, minute, tzinfo=UTC)


FARM = view(
    ("nc10", 1.0, 5, ["a"], at(3)),
    ("nc2", None, 5, None, None),
    ("nc1", 3.0, None, ["a", "b", "c"], at(1)),
    ("nc9", 2.0, 7, [], at(2)),
)


def nodes(found: Table) -> list[str]:
    return [row.values["node"] for row in found.rows]


@pytest.mark.parametrize(
    ("keys", "order"),
    [
        ([], ["nc10", "nc2", "nc1", "nc9"]),
        (["node"], ["nc1", "nc2", "nc9", "nc10"]),
        (["-node"], ["nc10", "nc9", "nc2", "nc1"]),
        (["load1"], ["nc10", "nc9", "nc1", "nc2"]),
        (["-load1"], ["nc1", "nc9", "nc10", "nc2"]),
        (["+load1"], ["nc10", "nc9", "nc1", "nc2"]),
        (["nproc", "-node"], ["nc10", "nc2", "nc9", "nc1"]),
        (["nproc", "node"], ["nc2", "nc10", "nc9", "nc1"]),
        (["-activity"], ["nc1", "nc10", "nc9", "nc2"]),
        (["updated"], ["nc1", "nc9", "nc10", "nc2"]),
        (["-updated"], ["nc10", "nc9", "nc1", "nc2"]),
    ],
)
def test_order_with_the_unknown_last(keys: list[str], order: list[str]) -> None:
    assert nodes(sort_rows(FARM, keys)) == order


def shown(found: Table) -> list[str]:
    return list(found.selected) or [one.name for one in found.fields if one.priority]


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        ([], ["node", "load1", "activity", "updated"]),
        (["updated", "node"], ["updated", "node"]),
        (["node", "node"], ["node"]),
        (["+nproc"], ["node", "load1", "nproc", "activity", "updated"]),
        (["-load1", "-updated"], ["node", "activity"]),
        (["+nproc", "-load1"], ["node", "nproc", "activity", "updated"]),
    ],
)
def test_choosing(columns: list[str], names: list[str]) -> None:
    assert sorted(shown(select_columns(FARM, columns))) == sorted(names)
    if columns and columns[0][0] not in "+-":
        assert shown(select_columns(FARM, columns)) == names


def test_filtering() -> None:
    assert nodes(filter_rows(FARM, "load1 > 1 or node = nc2")) == ["nc2", "nc1", "nc9"]
    assert nodes(filter_rows(FARM, "")) == nodes(FARM)


@pytest.mark.parametrize(
    "change", [lambda: sort_rows(FARM, ["-laod1"]), lambda: select_columns(FARM, ["node", "laod1"])]
)
def test_an_unknown_column_is_quoted_with_the_nearest(change: Any) -> None:
    with pytest.raises(UsageError, match="farm has no column 'laod1'") as caught:
        change()
    assert caught.value.hint == "did you mean 'load1'?"


def test_the_known_columns_are_listed() -> None:
    with pytest.raises(UsageError) as caught:
        sort_rows(FARM, ["zzzz"])
    assert caught.value.hint == "columns: node, load1, nproc, activity, updated"


@pytest.mark.parametrize("columns", [["load1", "-cpu"], ["+load1", "cpu"], ["--cpu"]])
def test_signs_are_for_all_columns_or_none(columns: list[str]) -> None:
    with pytest.raises(UsageError):
        select_columns(FARM, columns)


def test_an_arrangement_is_read_from_texts() -> None:
    read = Arrangement.read("", "-load1,node", "node, load1", None, "5")
    assert (read.sort, read.columns, read.limit) == (("-load1", "node"), ("node", "load1"), 5)
    with pytest.raises(UsageError, match="no number of rows"):
        Arrangement.read("", None, None, None, "five")


def test_a_limit_says_how_many_rows_it_leaves_out() -> None:
    rest = len(FARM.rows) - 1
    assert limit_rows(FARM, 1).notes[-1].startswith(f"{rest} more row")
    assert len(limit_rows(FARM, 1).rows) == 1
