"""The page of the filters: each of its examples is a filter, and its rows say what they say."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from typing import Any

import pytest
import reading

from nicassh.inventory import Inventory, Node
from nicassh.probes import loader
from nicassh.query import table_specs
from nicassh.query.comparison import Words
from nicassh.query.filter import matcher
from nicassh.query.records import record_specs

PAGE = reading.TOP / "docs" / "filters.md"
FORMS = [row[1].strip("`").replace("\\|", "|") for row in reading.cells(PAGE, "form")]
COMMANDS = [line for block in reading.blocks(PAGE) for line in block.text.splitlines() if "--filter" in line]
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ROLES = {"interactive": range(2, 6), "storage": range(6, 10), "batch": range(10, 16)}
FARM = Inventory({
    name: Node(name, name, role=role)
    for role, some in ROLES.items()
    for name in (f"nc{number}.jinr.ru" for number in some)
})  # fmt: skip
WORDS = Words(NOW, lambda: FARM)
NC2: dict[str, Any] = {
    "node": "nc2.jinr.ru", "role": "interactive", "state": "up", "load1": 9.0, "ncpu": 4, "nproc": 300, "reason": None,
    "cpu": "AMD EPYC 7302", "os": "AlmaLinux 9.4", "memory_available": 2**28, "disk_free": 2**30, "age": 400.0,
    "since": datetime(2026, 11, 21, 11, tzinfo=UTC), "updated": datetime(2026, 11, 19, tzinfo=UTC),
    "activity": [{"user": "merz", "processes": 3}],
}  # fmt: skip
FALSE = {
    "role = batch", "state != up", "state in (down, stale)", "role not in (storage, interactive)", "not state = up",
    "load1 > 4 and role = batch", "load1 > 20 or state = down", "(load1 > 20 or nproc > 500) and not role = storage",
    "node in @batch!nc13", "ncpu > 4 and disk_free < 10G", "since < 2026-11-20T08:00",
}  # fmt: skip
"""The examples that do not hold for nc2."""


@pytest.mark.parametrize("example", FORMS)
def test_a_form_means_what_the_page_says(example: str) -> None:
    columns = {field.name: field.column for field in table_specs()["farm"].fields}
    assert matcher(example, columns, WORDS)(NC2) is (example not in FALSE)


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_has_a_filter_for_its_table(line: str) -> None:
    words = shlex.split(line)[1:]
    name = {"show": words[1], "tasks": "tasks"}.get(words[0], words[0])
    spec = {**record_specs(loader.load_all(), {}), **table_specs()}[name]
    matcher(words[words.index("--filter") + 1], {field.name: field.column for field in spec.fields}, WORDS)


def test_the_page_has_examples() -> None:
    assert len(FORMS) > 20 and len(COMMANDS) > 4 and set(FORMS) >= FALSE
