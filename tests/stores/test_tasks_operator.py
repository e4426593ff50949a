"""What an operator does to tasks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from task_rows import HOUR, MINUTE, MOMENT, begun, ended, later, put, row, rows, run

from nicassh import tasks
from nicassh.tasks import Registration, TaskList

LATER = MOMENT + 500


@pytest.fixture
def mixed(task_list: TaskList) -> Iterator[TaskList]:
    """One task in each state there is, on two nodes."""
    put(task_list, "nc2", "due", every=MINUTE, next_try=MOMENT - 90)
    put(task_list, "nc2", "scheduled", every=MINUTE, next_try=LATER)
    put(task_list, "nc2", "deferred", every=MINUTE, next_try=LATER, failures=4, attempts=4, error="failed: no")
    put(task_list, "nc3", "paused", every=MINUTE, next_try=LATER, state="paused")
    put(task_list, "nc3", "held", every=MINUTE, state="running", collector="w", lease_until=LATER)
    put(task_list, "nc3", "once", next_try=MOMENT)
    put(
        task_list,
        "nc3",
        "given up",
        state="failed",
        failures=15,
        attempts=16,
        created=MOMENT - 10**6,
        error="failed: no",
    )
    return task_list


def due(task_list: TaskList) -> set[str]:
    """The tasks that would be run now."""
    return {one.argument for one in rows(task_list, state="waiting") if one.next_try <= task_list.now()}


def test_retry(mixed: TaskList) -> None:
    """What is in trouble has a fresh start, nothing else is touched."""
    assert tasks.retry(mixed) == 3
    assert due(mixed) == {"due", "once", "deferred", "paused", "given up"}
    for name in ("deferred", "given up"):
        one = row(mixed, argument=name)
        assert (one.failures, one.attempts, one.created) == (0, 0, MOMENT)
    assert tasks.retry(mixed) == 0


def test_now(mixed: TaskList) -> None:
    """All periodic tasks are due; the one that runs, once more when it ends."""
    assert tasks.run_now(mixed) == 5
    assert due(mixed) == {"due", "scheduled", "deferred", "paused", "once"}
    assert row(mixed, argument="held").rerun_requested
    assert row(mixed, argument="given up").state == "failed"


def test_cancel(mixed: TaskList) -> None:
    """Due ones wait for their next time, those that are done once go, what runs goes on."""
    assert tasks.cancel(mixed) == 3
    assert due(mixed) == set()
    assert {one.argument for one in rows(mixed)} == {"due", "scheduled", "deferred", "paused", "held"}
    assert row(mixed, argument="due").next_try == MOMENT + MINUTE
    assert row(mixed, argument="scheduled").next_try == LATER
    assert row(mixed, argument="held").collector == "w"


@pytest.mark.parametrize(
    ("nodes", "probe", "number"),
    [
        (["nc2"], "", 3),
        (["nc2", "nc3"], "due", 1),
        (None, "paused", 1),
        ([], "", 0),
        (["NC2"], "", 0),
    ],
)
def test_only_some(nodes: list[str] | None, probe: str, number: int, mixed: TaskList) -> None:
    before = {one.id: one for one in rows(mixed)}
    assert tasks.run_now(mixed, nodes, probe) == number
    assert sum(before[one.id] != one for one in rows(mixed)) == number


def test_more_nodes_than_one_statement_takes(task_list: TaskList) -> None:
    for number in (0, 700, 1200):
        put(task_list, f"n{number}", every=HOUR, next_try=LATER)
    assert tasks.run_now(task_list, [f"n{number}" for number in range(1300)]) == 3


def test_tasks_of_several_periods_are_put_off_each_to_its_own(task_list: TaskList) -> None:
    put(task_list, "nc2", every=MINUTE)
    put(task_list, "nc3", every=7)
    later(task_list, 3)
    assert tasks.cancel(task_list) == 2
    assert [one.next_try % one.every for one in rows(task_list)] == [0, 0]
    assert all(task_list.now() < one.next_try <= task_list.now() + one.every for one in rows(task_list))


def test_cancelling_what_runs_once_more(task_list: TaskList, collector: Registration) -> None:
    """A task that is done once and runs is not removed under its collector's hands."""
    tasks.enqueue(task_list, "prune")
    batch = begun(task_list, collector)
    assert tasks.cancel(task_list) == 0
    assert tasks.complete(task_list, collector, batch, ended(batch)) == 1


def test_a_permanent_task_that_failed_starts_again_from_the_first_level(
    task_list: TaskList, collector: Registration
) -> None:
    put(task_list, every=MINUTE, failures=9, next_try=LATER)
    tasks.retry(task_list)
    run(task_list, collector, "failed: no")
    assert row(task_list).failures == 1
