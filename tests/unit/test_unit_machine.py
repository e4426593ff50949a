"""How many collectors a machine can bear."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit_tasks import CASES, classes, each

from nicassh.collector.capacity import (
    MachineState,
    collector_limit,
    limit_with_urgent,
    load_in,
    machine_state,
    memory_in,
)

MEMINFO = "MemTotal:        7989356 kB\nMemFree:          301244 kB\nMemAvailable:    5120000 kB\nBuffers: 1 kB\n"


@pytest.mark.parametrize(
    "case", CASES["collector_limit"]["cases"], ids=lambda case: f"{case['load']}-{case['max_load']}-{case['exponent']}"
)
def test_collector_limit(case: dict[str, Any]) -> None:
    limit = collector_limit(case["load"], case["max_load"], case["exponent"], case["max_collectors"])
    assert limit == case["limit"]


@given(st.integers(0, 100), st.integers(1, 100))
def test_limit_is_exact_where_floats_are_not(load: int, max_load: int) -> None:
    assert collector_limit(load, max_load, 1, max_load) == max(0, max_load - load)


@pytest.mark.parametrize("case", each(CASES["limit_with_urgent"]))
def test_one_more_for_an_urgent_task(case: dict[str, Any]) -> None:
    limit = limit_with_urgent(case["active"], case["limit"], classes(case["waiting"]), case["claimed"])
    assert limit == case["expect_limit"]


def test_the_limit_stays_where_nothing_waits() -> None:
    assert limit_with_urgent(4, 4, [], [40]) == 4


def test_the_higher_load_counts() -> None:
    assert load_in("0.20 0.18 0.12 1/80 11206\n") == 0.20
    assert load_in("0.20 7.18 0.12 1/80 11206\n") == 7.18


@pytest.mark.parametrize("text", ["", "\n", "0.20", "none here"])
def test_a_load_that_is_not_told_is_unknown(text: str) -> None:
    assert load_in(text) is None


def test_memory_is_what_programs_may_still_take() -> None:
    assert memory_in(MEMINFO) == 5_120_000 * 1024


@pytest.mark.parametrize("text", ["", "MemTotal: 7989356 kB\nMemFree: 301244 kB\n", "MemAvailable: ? kB\n"])
def test_memory_that_is_not_told_is_unknown(text: str) -> None:
    assert memory_in(text) is None


def test_a_machine_is_read_from_its_files(tmp_path: Path) -> None:
    assert machine_state(tmp_path) == MachineState(None, None)
    (tmp_path / "loadavg").write_text("1.50 2.25 0.12 1/80 11206\n", encoding="ascii")
    (tmp_path / "meminfo").write_text(MEMINFO, encoding="ascii")
    assert machine_state(tmp_path) == MachineState(2.25, 5_120_000 * 1024)


def test_this_machine_can_be_read() -> None:
    machine = machine_state()
    assert machine.load is not None
    assert machine.memory is not None
