"""How many workers a machine can bear."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit_queue import CASES, classes, each

from nicassh.tasks.machine import Machine, fastlane, load_of, memory_of, read, worker_limit

MEMINFO = "MemTotal:        7989356 kB\nMemFree:          301244 kB\nMemAvailable:    5120000 kB\nBuffers: 1 kB\n"


@pytest.mark.parametrize(
    "case", CASES["worker_limit"]["cases"], ids=lambda case: f"{case['load']}-{case['max_load']}-{case['exponent']}"
)
def test_worker_limit(case: dict[str, Any]) -> None:
    limit = worker_limit(case["load"], case["max_load"], case["exponent"], case["max_workers"])
    assert limit == case["limit"]


@given(st.integers(0, 100), st.integers(1, 100))
def test_limit_is_exact_where_floats_are_not(load: int, max_load: int) -> None:
    assert worker_limit(load, max_load, 1, max_load) == max(0, max_load - load)


@pytest.mark.parametrize("case", each(CASES["fastlane"]))
def test_fastlane(case: dict[str, Any]) -> None:
    limit = fastlane(case["active"], case["limit"], classes(case["waiting"]), case["claimed"])
    assert limit == case["expect_limit"]


def test_nothing_that_waits_opens_no_lane() -> None:
    assert fastlane(4, 4, [], [40]) == 4


def test_the_higher_load_counts() -> None:
    assert load_of("0.20 0.18 0.12 1/80 11206\n") == 0.20
    assert load_of("0.20 7.18 0.12 1/80 11206\n") == 7.18


@pytest.mark.parametrize("text", ["", "\n", "0.20", "none here"])
def test_a_load_that_is_not_told_is_unknown(text: str) -> None:
    assert load_of(text) is None


def test_memory_is_what_programs_may_still_take() -> None:
    assert memory_of(MEMINFO) == 5_120_000 * 1024


@pytest.mark.parametrize("text", ["", "MemTotal: 7989356 kB\nMemFree: 301244 kB\n", "MemAvailable: ? kB\n"])
def test_memory_that_is_not_told_is_unknown(text: str) -> None:
    assert memory_of(text) is None


def test_a_machine_is_read_from_its_files(tmp_path: Path) -> None:
    assert read(tmp_path) == Machine(None, None)
    (tmp_path / "loadavg").write_text("1.50 2.25 0.12 1/80 11206\n", encoding="ascii")
    (tmp_path / "meminfo").write_text(MEMINFO, encoding="ascii")
    assert read(tmp_path) == Machine(2.25, 5_120_000 * 1024)


def test_this_machine_can_be_read() -> None:
    machine = read()
    assert machine.load is not None
    assert machine.memory is not None
