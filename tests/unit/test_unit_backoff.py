"""When failed tasks are tried again, and in which class."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit_tasks import CASES, classes, each

from nicassh.tasks.scheduler import (
    MAX_LEVEL,
    TIME_LIMITS,
    lower_priority,
    next_due,
    next_level,
    periodic_retry_delay,
    priority_after_timeout,
    retry_delay,
)

BACKOFF = CASES["backoff"]
STALE = {case["id"]: case for case in CASES["stale"]}


class Fixed(Random):
    """A jitter that always falls on the same number."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def randint(self, a: int, b: int) -> int:
        assert a <= self.number <= b
        return self.number


@pytest.mark.parametrize("case", BACKOFF["levels"], ids=lambda case: f"level-{case['level']}")
def test_levels(case: dict[str, Any]) -> None:
    level = case["level"]
    assert (retry_delay(level, Fixed(1)), retry_delay(level, Fixed(30))) == (case["delay_min"], case["delay_max"])
    for number, sum_of in ((1, "cumulative_min"), (30, "cumulative_max")):
        assert sum(retry_delay(one, Fixed(number)) for one in range(1, level + 1)) == case[sum_of]


def test_totals() -> None:
    totals, ladder = BACKOFF["totals"], range(1, MAX_LEVEL + 1)
    assert (BACKOFF["max_level"], totals["deferrals"]) == (MAX_LEVEL, len(ladder))
    assert sum(retry_delay(level, Fixed(1)) for level in ladder) == totals["min_total_seconds"]
    assert sum(retry_delay(level, Fixed(30)) for level in ladder) == totals["max_total_seconds"]


def test_a_task_that_always_fails_at_once_runs_sixteen_times() -> None:
    level, runs, age = 0, 0, 0.0
    while level <= MAX_LEVEL:
        age += retry_delay(level, Fixed(1)) if level else 0
        runs, level = runs + 1, next_level(level, age)
    assert runs == BACKOFF["totals"]["executions"]


@pytest.mark.parametrize("case", BACKOFF["demotion"]["sequences"], ids=lambda case: f"from-{case['start']}")
def test_demotion(case: dict[str, Any]) -> None:
    levels = range(1, MAX_LEVEL + 1)
    assert list(accumulate(levels, lower_priority, initial=case["start"]))[1:] == case["priority_after_deferral"]


def test_a_skip_of_levels_demotes_by_one_step() -> None:
    case = BACKOFF["demotion"]["jump_case"]
    assert lower_priority(case["start"], case["level_jump_to"]) == case["priority_becomes"]


@pytest.mark.parametrize(
    "case", BACKOFF["level_skipping"]["cases"], ids=lambda case: f"{case['old_level']}-after-{case['age_seconds']}"
)
def test_level_skipping(case: dict[str, Any]) -> None:
    level = next_level(case["old_level"], case["age_seconds"])
    assert level == case["new_level"]
    assert (level > MAX_LEVEL) is case["gives_up"]


def test_a_level_is_skipped_once_its_delays_are_over() -> None:
    assert next_level(0, 81 + 256 + 625) == 1
    assert next_level(0, 81 + 256 + 625 + 0.5) == 2


@pytest.mark.parametrize("case", each([STALE["SK4"]]))
def test_run_time_of_each_class(case: dict[str, Any]) -> None:
    assert {one: minutes * 60 for one, minutes in classes(case["max_runtime_minutes"]).items()} == TIME_LIMITS


@pytest.mark.parametrize("case", each([STALE["SK5"]]))
def test_class_of_a_task_that_ran_for_too_long(case: dict[str, Any]) -> None:
    assert {one: priority_after_timeout(one) for one in classes(case["demotion"])} == classes(case["demotion"])


@given(st.integers(1, 1000), st.integers(1, 86400), st.integers(1, 3600), st.integers())
def test_periodic_tasks_come_back_by_the_ceiling_or_their_own_period(
    level: int, every: int, ceiling: int, seed: int
) -> None:
    """BO6: an interval of 60 s, a base retry_delay of 4,096 s and a ceiling of 900 s are among these."""
    seconds, limit = periodic_retry_delay(level, every, ceiling, Random(seed)), max(every, ceiling)
    assert min(retry_delay(level, Fixed(1)), limit / 2) <= seconds <= min(retry_delay(level, Fixed(30)), limit)


@pytest.mark.parametrize("level", [pytest.param(level, id=f"BO7-{level}") for level in range(1, MAX_LEVEL + 1)])
def test_retries_of_nodes_that_died_together_are_spread(level: int) -> None:
    jitter = Random(level)
    moments = [periodic_retry_delay(level, 60, 900, jitter) for _ in range(1000)]
    windows = (Counter((moment + shift) // 2 for moment in moments) for shift in (0, 1))
    assert max(moments) - min(moments) >= 29 * level
    assert max(max(window.values()) for window in windows) <= 150


@given(st.integers(0, 2**33), st.floats(0, 0.999), st.integers(1, 86400 * 7))
def test_due_is_the_next_whole_period(second: int, part: float, every: int) -> None:
    moment = next_due(second + part, every)
    assert moment % every == 0
    assert moment - every <= second + part < moment


def test_periods_that_were_missed_are_left_out() -> None:
    assert next_due(1_790_000_100.2, 60) == 1_790_000_160
    assert next_due(1_790_000_160.0, 60) == 1_790_000_220
    assert next_due(1_790_009_000.0, 60) == 1_790_009_040
