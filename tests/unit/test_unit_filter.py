"""The filter language: precedence, units, regular expressions, and errors that quote what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nicassh.inventory import Inventory, Node
from nicassh.model.errors import InventoryError, UsageError
from nicassh.model.units import Bytes, Count, Flag, Number, Percent, Seconds, Text, Time
from nicassh.query import computed
from nicassh.query.comparison import Words
from nicassh.query.filter import matcher

COLUMNS = {
    one.name: one
    for one in (
        computed("node", str, Text, "Name."),
        computed("role", str, Text, "Role."),
        computed("load1", float, Number, "Load."),
        computed("nproc", int, Count, "Processes."),
        computed("free", int, Bytes, "Memory."),
        computed("busy", bool, Flag, "Busy."),
        computed("since", datetime, Time, "Since."),
        computed("activity", list, Text, "Users."),
        computed("cpus", int, Count, "Processors."),
        computed("state", str, Text, "State.", choices=("up", "stale", "down")),
    )
}
MEASURED = {
    one.name: one
    for one in (
        computed("rss", int, Bytes, "Memory."), computed("age", float, Seconds, "Age."),
        computed("free", float, Percent, "Free."), computed("load", float, Number, "Load."),
        computed("count", int, Count, "Number."),
    )
}  # fmt: skip
NOW = datetime(2026, 11, 21, 21, 0, tzinfo=UTC)
FARM = Inventory({
    name: Node(name, name, role=role)
    for name, role in [("nc2.jinr.ru", "batch"), ("nc3.jinr.ru", "x"), ("nc10.jinr.ru", "y")]
})  # fmt: skip
WORDS = Words(NOW, lambda: FARM)
ROW: dict[str, Any] = {
    "node": "nc2.jinr.ru",
    "role": "batch",
    "load1": 4.5,
    "nproc": None,
    "cpus": 4,
    "state": "up",
    "free": 3 * 1024**3,
    "busy": True,
    "since": NOW - timedelta(hours=1),
    "activity": [{"user": "merz", "processes": 4}, {"user": "ivanov", "processes": 1}],
}


def holds(expression: str) -> bool:
    return matcher(expression, COLUMNS, WORDS)(ROW)


@pytest.mark.parametrize(
    "expression",
    [
        "load1 > 4", "load1>4", "load1 >= 4.5", "load1 <= 4.5", "load1 = 4.5", "load1 == 4.5", "load1 != 4",
        "free > 2G", "free < 4GiB", "free = 3G", "free >= 3072M",
        "role = batch", 'role = "batch"', "role = 'batch'", "role != x", "node > nc1",
        "node ~ ^nc", "node ~ 'nc[2-4]'", "node !~ bmn", 'node ~ "jinr|bmn"',
        "busy = yes", "busy = TRUE", "busy != no",
        "since > 2026-11-21T19:59:00Z", "since < '2026-11-21 23:00:00+02:00'",
        "activity ~ merz", "activity ~ 'merz ivanov'", "not nproc > 1", "nproc ~ '^$'",
        "role = batch and load1 > 4", "role = x or load1 > 4", "not role = x", "not not role = batch",
        "role = x and load1 > 9 or free > 1", "free > 1 or role = x and load1 > 9",
        "not role = x and load1 > 4", "not (role = batch and load1 > 5)", "(role = x or role = batch) and load1 > 4",
        "((load1 > 4))", "load1 > 4 AND NOT role = x",
        "role in (x, batch)", "role not in (x, y)", "load1 in (4.5, 5)", "role in ('batch')", "activity in (merz, x)",
        "activity = merz", "activity != strmaxim", "not activity = x", "nproc is unknown", "load1 is not unknown",
        "not (nproc is not unknown)", "load1 > cpus", "cpus < load1", "load1 != cpus", "not load1 > nproc",
        "since > 2h and since > -2h", "since < '10m'", "state in (up, down)", "state != stale",
        "node > nc1.jinr.ru and node < nc10", "(role in(batch))", "node = nc2", "node in nc[2-3]",
        "node in (nc3, nc2)", "node in (nc[2,3], nc10)", "node not in nc3", "node in @batch", "node in @*!nc3",
        "node in '@batch,nc3'", "node != nc10", "node = nc2.jinr.ru", "load1>4 and role=batch",
    ],
)  # fmt: skip
def test_these_hold(expression: str) -> None:
    assert holds(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "load1 > 4.5", "load1 < 4", "free < 3G", "activity = ivan", "nproc in (1, 2)", "nproc not in (1, 2)",
        "load1 > nproc", "load1 < cpus", "role not in (x, batch)", "nproc is not unknown", "since > -10m",
        "node ~ ^jinr", "busy = no",
        "nproc > 0", "nproc = 0", "nproc < 1", "nproc != 3",
        "(free > 1 or role = batch) and load1 > 9", "not role = batch or load1 > 9", "not (role = batch or load1 > 9)",
        "since > 2026-11-21T20:00:00Z",
    ],
)  # fmt: skip
def test_these_do_not_and_unknown_is_never_a_number(expression: str) -> None:
    assert not holds(expression)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("lod1 > 4", ["no column 'lod1'", "load1"]),
        ("load1 > many", ["invalid number 'many' for load1"]),
        ("role = x or (load1 > nodes)", ["invalid number 'nodes' for load1"]),
        ("load1 > free", ["load1 (number) cannot be compared with free (bytes)"]),
        ("since > load1", ["cannot be compared with load1"]),
        ("nproc = null", ["write `nproc is unknown` or `nproc is not unknown`"]),
        ("role = batc", ["role is never 'batc'", "did you mean 'batch'?", "batch, x, y"]),
        ("role != Batch", ["did you mean 'batch'?"]),
        ("node = nc[2-3]", ["names 2 nodes: write `node in nc[2-3]`"]),
        ("state = Up", ["state is never 'Up'", "did you mean 'up'?", "up, stale, down"]),
        ("state in (up, sleeping)", ["state is never 'sleeping'", "up, stale, down"]),
        ("load1 is", ["write `load1 is unknown`"]),
        ("load1 not 4", ["`in` is missing after `load1 not`"]),
        ("role in batch", ["a list stands in parentheses: role in (a, b)"]),
        ("role in (batch", ["the list is not closed"]),
        ("role in ()", ["cannot read ')'"]),
        ("and load1 > 4", ["a column is missing before 'and'"]),
        ("Loads > 4", ["no column 'Loads'", "did you mean 'load1'?"]),
        ("free > 4Q", ["invalid bytes '4Q' for free"]),
        ("busy = maybe", ["'maybe'", "yes or no"]),
        ("since > soon", ["'soon'", "invalid time"]),
        ("node ~ '['", ["'[' is not a regular expression"]),
        ("(load1 > 4", ["a parenthesis is not closed", "'(load1 > 4'"]),
        ("load1 > 4)", ["unexpected ')'"]),
        ("load1 > 4 role = x", ["unexpected 'role'"]),
        ("load1 >", ["a value is missing at the end"]),
        ("load1", ["a comparison is missing at the end"]),
        ("load1 > 4 and", ["a column is missing at the end"]),
        ("load1 is 4", ["write `load1 is unknown`"]),
        ("load1 about 4", ["'about' is not a comparison"]),
        ("load1 ! 4", ["cannot read '! 4'"]),
        ('node = "open', ["cannot read"]),
        ("", ["a column is missing at the end"]),
    ],
)
def test_errors_quote_what_is_wrong(expression: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        matcher(expression, COLUMNS, WORDS)
    said = f"{caught.value.what} {caught.value.hint}"
    assert not [word for word in words if word not in said], said


def test_a_row_of_many_nodes_is_about_each_of_them() -> None:
    row = {"node": "nc[2-3].jinr.ru"}
    assert matcher("node = nc2", COLUMNS, WORDS)(row) and not matcher("node = nc10", COLUMNS, WORDS)(row)
    assert matcher("node in (nc10, nc3)", COLUMNS, WORDS)(row) and not matcher("node != nc3", COLUMNS, WORDS)(row)
    assert not matcher("node = nc2", COLUMNS, WORDS)({"node": None})


@pytest.mark.parametrize("expression", ["node = nc99", "node in nc[2-99]", "node in @btach", "node in nc[2"])
def test_a_node_that_does_not_exist_is_refused(expression: str) -> None:
    with pytest.raises(InventoryError):
        matcher(expression, COLUMNS, WORDS)


WORD = [*COLUMNS, "and", "or", "not", "in", "is", "unknown", "(", ")", ",", ">", "~", "=", "4G", "'x'", "[", '"', "!"]


@given(st.lists(st.sampled_from(WORD)))
def test_any_words_make_a_test_or_an_error_of_ours(words: list[str]) -> None:
    try:
        test = matcher(" ".join(words), COLUMNS, WORDS)
    except UsageError as error:
        assert error.what.startswith("filter")
    except InventoryError:
        assert "node" in words
    else:
        assert test(ROW) in (True, False)


@pytest.mark.parametrize(
    ("expression", "value", "holds"),
    [
        ("rss > 500m", 500 * 1024**2 + 1, True), ("rss > 500m", 500 * 1024**2, False), ("rss > 500M", 30_001, False),
        ("rss = 4g", 4 * 1024**3, True), ("rss = 4GiB", 4 * 1024**3, True), ("rss = 4kb", 4096, True),
        ("rss = 12b", 12, True), ("rss = 12", 12, True), ("age > 10m", 601.0, True), ("age > 10m", 599.0, False),
        ("age = 2d", 172_800.0, True), ("free = 80%", 80.0, True), ("free = 80", 80.0, True), ("load = 4", 4.0, True),
    ],
)  # fmt: skip
def test_units_are_those_of_the_column(expression: str, value: float, holds: bool) -> None:
    assert matcher(expression, MEASURED)({expression.split(maxsplit=1)[0]: value}) is holds


@pytest.mark.parametrize(
    "expression",
    ["rss > 2d", "rss > 3h", "rss > 5%", "rss > 90s", "age > 4G", "age > 4k", "age > 5%", "free > 4G", "free > 5m",
     "load > 4k", "load > 10m", "load > 5%", "count > 4k", "count > 2d"],
)  # fmt: skip
def test_a_unit_that_a_column_does_not_have_is_refused(expression: str) -> None:
    with pytest.raises(UsageError, match=f"invalid .* for {expression.split(maxsplit=1)[0]}"):
        matcher(expression, MEASURED)
