"""Which class of tasks is served next: the cases, shares of time, and what holds in any case."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit_tasks import CASES, SHARING, classes, each, simulate

from nicassh.probes.loader import PRIORITIES
from nicassh.tasks.model import Priority
from nicassh.tasks.scheduler import LEAST_COST, Choice, charge, checked_priority, choose, class_limits, updated_mean

ALL = tuple(map(int, Priority))
sets = st.sets(st.sampled_from(ALL))
tables = st.dictionaries(st.sampled_from(ALL), st.integers(0, 20))
balances = st.dictionaries(st.sampled_from(SHARING), st.floats(0, 1000))


def test_classes_have_the_names_of_probes_and_the_numbers_of_the_cases() -> None:
    assert tuple(priority.word for priority in Priority) == PRIORITIES
    assert {priority.word: priority.value for priority in Priority} == CASES["meta"]["priorities"]
    assert [Priority.of(word) for word in PRIORITIES] == list(Priority)
    with pytest.raises(ValueError, match="'urgent' is not one of critical, high"):
        Priority.of("urgent")


@pytest.mark.parametrize(("number", "stored"), [(10, 10), (50, 50), (25, 30), (0, 30), (-1, 30), (60, 30)])
def test_other_numbers_are_medium(number: int, stored: int) -> None:
    assert checked_priority(number) is Priority(stored)


@pytest.mark.parametrize("case", CASES["class_limits"], ids=lambda case: f"{case['active']}-of-{case['classes']}")
def test_class_limits(case: dict[str, Any]) -> None:
    assert class_limits(case["active"], case["classes"]) == case["limits"]


@pytest.mark.parametrize("case", each(CASES["next_priority"]))
def test_next_priority(case: dict[str, Any]) -> None:
    running = classes(case["running"])
    if "running_row_order" in case:
        running = {one: running[one] for one in case["running_row_order"]}
    choice = choose(classes(case["waiting"]), running, case["active"], virtual_times={}, reserved=0)
    assert (choice and choice.priority) == case["expect"]


@pytest.mark.parametrize("case", each(CASES["steady_state"]))
def test_steady_state(case: dict[str, Any]) -> None:
    means = classes(case["mean_duration"])
    draw = Random(case["id"]).expovariate
    task_list = dict.fromkeys(case["saturated"], math.inf)
    trace = simulate(case["collectors"], task_list, lambda one: draw(1 / means[one]), case["min_duration_units"])
    for one, share in classes(case["expected_collector_time_share"]).items():
        assert trace.share(one) == pytest.approx(share, abs=case["tolerance"])


@pytest.mark.parametrize("case", each(CASES["starvation"]))
def test_starvation(case: dict[str, Any]) -> None:
    extended = case["expect_extended"]
    trace = simulate(case["collectors"], dict.fromkeys(case["saturated"], math.inf), lambda _: case["duration"], 3000)
    for one, share in classes(extended["share"]).items():
        assert trace.share(one) == pytest.approx(share, abs=extended["tolerance"])
    for one, gap in classes(extended["max_gap_between_starts"]).items():
        assert trace.gap(one) <= gap + extended["gap_tolerance"]


@pytest.mark.parametrize("case", each(CASES["burst"]))
def test_burst(case: dict[str, Any]) -> None:
    expect = case["expect"]
    trace = simulate(case["collectors"], classes(case["tasks"]), lambda _: case["duration"])
    assert {one: starts[0] for one, starts in trace.starts.items()} == classes(expect["first_start"])
    for one, finish in classes(expect["last_finish"]).items():
        assert trace.finish[one] == pytest.approx(finish, rel=expect["finish_tolerance_rel"])
    assert max(trace.finish.values()) == pytest.approx(expect["makespan"], abs=expect["makespan_tolerance"])


@pytest.mark.parametrize(
    ("waiting", "busy", "active", "reserved", "chosen"),
    [
        ({10, 40}, 8, 10, 1, 10),
        ({10, 40}, 9, 10, 1, 40),
        ({10, 40}, 9, 10, 0, 10),
        ({10, 40}, 7, 10, 3, 40),
        ({10}, 9, 10, 1, 10),
        ({10, 40}, 0, 1, 1, 10),
        ({10, 40}, 1, 1, 1, 10),
        ({10, 40}, 1, 2, 1, 40),
        ({10, 40}, 0, 2, 5, 10),
        ({10, 40}, 1, 2, 5, 40),
    ],
)
def test_critical_leaves_reserved_collectors_to_others_that_wait(
    waiting: set[int], busy: int, active: int, reserved: int, chosen: int
) -> None:
    choice = choose(waiting, {10: busy}, active, virtual_times={}, reserved=reserved)
    assert choice is not None
    assert choice.priority == chosen


def test_only_turns_are_said_to_be_turns() -> None:
    assert choose({20, 40}, {}, 1, virtual_times={}, reserved=1) == Choice(20, by_turn=True)
    assert choose({20, 40}, {}, 2, virtual_times={}, reserved=1) == Choice(20)
    assert choose({20, 40}, {30: 1}, 2, virtual_times={20: 0.1}, reserved=1) == Choice(40, by_turn=True)
    assert choose({10, 20, 40}, {}, 1, virtual_times={}, reserved=1) == Choice(10)
    assert choose({40}, {}, 1, virtual_times={40: 9.0}, reserved=1) == Choice(40)
    # As many collectors as hold tasks, whatever else is known of them.
    assert choose({20, 30}, {20: 3, 30: 2}, 1, virtual_times={}, reserved=1) == Choice(20)


def test_turns_share_time_and_not_tasks() -> None:
    trace = simulate(1, {20: math.inf, 50: math.inf}, lambda one: {20: 1, 50: 20}[one], 10_000)
    assert trace.share(20) == pytest.approx(0.8, abs=0.01)


def test_classes_that_were_idle_have_saved_no_turns_up() -> None:
    virtual_times: dict[int, float] = {}
    for _ in range(1000):
        virtual_times = charge(virtual_times, {20, 50}, chosen(virtual_times, {20, 50}))
    turns = []
    for _ in range(60):
        turns.append(chosen(virtual_times, {20, 30, 40, 50}))
        virtual_times = charge(virtual_times, {20, 30, 40, 50}, turns[-1])
    assert {one: turns.count(one) for one in SHARING} == pytest.approx({20: 32, 30: 18, 40: 8, 50: 2}, abs=2)


def test_a_turn_costs_its_seconds_over_the_weight_among_those_that_wait() -> None:
    assert charge({}, {20, 40, 50}, 20, cost=18.0) == {20: 2.0}
    assert charge({20: 2.0, 50: 0.5}, {20, 40, 50}, 40, cost=18.0) == {20: 2.0, 40: 4.5, 50: 0.5}
    assert charge({20: 2.0, 30: 0.25, 40: 4.5, 50: 0.5}, {10, 20, 40, 50}, 50) == {20: 1.5, 30: 0.0, 40: 4.0, 50: 1.0}
    assert charge({}, {20, 40}, 40, cost=0.0) == {40: LEAST_COST}


def test_the_mean_cost_follows_what_batches_take() -> None:
    mean = None
    for seconds in (4.0, *[12.0] * 40):
        mean = updated_mean(mean, seconds)
    assert updated_mean(None, 4.0) == 4.0
    assert updated_mean(4.0, 12.0) == 5.0
    assert mean == pytest.approx(12.0, abs=0.1)


@given(sets, tables, st.integers(0, 30), balances, st.integers(0, 3))
def test_a_class_that_waits_is_chosen_whenever_one_does(
    waiting: set[int], running: dict[int, int], active: int, virtual_times: dict[int, float], reserved: int
) -> None:
    choice = choose(waiting, running, active, virtual_times=virtual_times, reserved=reserved)
    assert choice is None if not waiting else choice is not None and choice.priority in waiting


@given(sets, tables, st.integers(0, 30), balances, st.randoms())
def test_the_order_of_rows_changes_nothing(
    waiting: set[int], running: dict[int, int], active: int, virtual_times: dict[int, float], shuffle: Any
) -> None:
    def mixed(rows: Any) -> list[Any]:
        return shuffle.sample(list(rows), len(rows))

    other = choose(
        mixed(waiting),
        dict(mixed(running.items())),
        active,
        virtual_times=dict(mixed(virtual_times.items())),
        reserved=1,
    )
    assert other == choose(waiting, running, active, virtual_times=virtual_times, reserved=1)


@settings(max_examples=40)
@given(
    st.integers(1, 8),
    st.fixed_dictionaries({one: st.sampled_from([0, 1, 7, 40, math.inf]) for one in SHARING}),
    st.fixed_dictionaries({one: st.integers(1, 5) for one in SHARING}),
)
def test_who_waits_is_served_in_time(collectors: int, task_list: dict[int, float], seconds: dict[int, int]) -> None:
    trace = simulate(collectors, task_list, seconds.__getitem__, 400)
    # All the others' shares of the longest task for one share of one's own, and those that had begun before.
    bound = (16 + 9 + 4 + 1 + 4) * max(seconds.values())
    for one, number in task_list.items():
        assert not number or trace.gap(one) <= bound


@settings(max_examples=40)
@given(st.lists(st.sets(st.sampled_from(SHARING)), min_size=40, max_size=80), st.sampled_from(SHARING))
def test_who_keeps_waiting_gets_turns_however_others_come_and_go(others: list[set[int]], one: int) -> None:
    virtual_times: dict[int, float] = {}
    served = []
    for waiting in others:
        choice = choose({one, *waiting}, {}, 1, virtual_times=virtual_times, reserved=1)
        assert choice is not None
        virtual_times = charge(virtual_times, {one, *waiting}, choice.priority) if choice.by_turn else virtual_times
        served.append(choice.priority)
    assert one in served[:34]
    assert one in served[-34:]


def chosen(virtual_times: dict[int, float], waiting: set[int]) -> int:
    """Whose turn it is with one collector."""
    choice = choose(waiting, {}, 1, virtual_times=virtual_times, reserved=1)
    assert choice is not None
    return choice.priority
