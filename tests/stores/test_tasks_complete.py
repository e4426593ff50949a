"""What becomes of a task when its run ends."""

from __future__ import annotations

import pytest
from task_rows import HOUR, MINUTE, MOMENT, begun, claimed, ended, later, put, row, rows, run, wanted

from nicassh import tasks
from nicassh.tasks import Priority, Registration, TaskList, TaskResult, scheduler


def free(one: object) -> bool:
    """Whether nobody holds a task."""
    return all(getattr(one, name) is None for name in ("collector", "token", "lease_until", "started"))


def test_a_permanent_task_is_armed_again_and_one_that_is_done_once_goes(
    task_list: TaskList, collector: Registration
) -> None:
    tasks.sync_periodic(task_list, wanted("nc2"))
    tasks.enqueue(task_list, "probe", "load", node="nc2")
    assert len(run(task_list, collector).tasks) == 2
    assert row(task_list).next_try == MOMENT + MINUTE
    assert free(row(task_list))


def test_tasks_of_several_periods_end_together(task_list: TaskList, collector: Registration) -> None:
    """Also where one of them is to be done once, and was asked for again while it ran."""
    tasks.sync_periodic(task_list, [*wanted("nc2 nc3", "load"), *wanted("nc2 nc3", "disks", every=HOUR)])
    for argument in ("users", "software"):
        tasks.enqueue(task_list, "probe", argument, node="nc2")
    batch = begun(task_list, collector)
    tasks.enqueue(task_list, "probe", "users", node="nc2")
    assert tasks.complete(task_list, collector, batch, ended(batch)) == 6
    assert all(free(one) for one in rows(task_list))
    assert [one.next_try for one in rows(task_list, every=MINUTE)] == [MOMENT + MINUTE] * 2
    assert [one.next_try - one.next_try % HOUR for one in rows(task_list, every=HOUR)] == [
        one.next_try for one in rows(task_list, every=HOUR)
    ]
    assert [(one.argument, one.next_try) for one in rows(task_list, every=None)] == [("users", MOMENT)]


def test_what_was_asked_for_while_it_ran_is_due_at_once(task_list: TaskList, collector: Registration) -> None:
    """AD3: `now` and a request of its own kind mark it, however the run ends."""
    tasks.sync_periodic(task_list, wanted("nc2 nc3"))
    batch = begun(task_list, collector)
    assert tasks.run_now(task_list, ["nc2", "nc3"], "load") == 2
    runs = [TaskResult(task, "" if task.node == "nc2" else "failed: it broke") for task in batch.tasks]
    later(task_list, 5)
    tasks.complete(task_list, collector, batch, runs)
    assert [(one.next_try, one.rerun_requested) for one in rows(task_list)] == [(MOMENT + 5, False)] * 2
    run(task_list, collector)
    assert [one.next_try for one in rows(task_list)] == [MOMENT + MINUTE] * 2


def test_a_permanent_task_that_is_armed_while_it_runs_is_not_run_twice(
    task_list: TaskList, collector: Registration
) -> None:
    """AD3: the inventory is no request."""
    tasks.sync_periodic(task_list, wanted("nc2"))
    batch = begun(task_list, collector)
    assert tasks.sync_periodic(task_list, wanted("nc2")) == 0
    tasks.complete(task_list, collector, batch, ended(batch))
    assert row(task_list).next_try == MOMENT + MINUTE


def test_attempts_are_counted_at_the_start_and_forgotten_with_a_success(
    task_list: TaskList, collector: Registration
) -> None:
    tasks.sync_periodic(task_list, wanted("nc2"))
    batch = claimed(task_list, collector)
    assert (row(task_list).attempts, row(task_list).started) == (0, None)
    tasks.start(task_list, batch, batch.tasks)
    assert (row(task_list).attempts, row(task_list).started) == (1, MOMENT)
    collector.batch = None
    tasks.complete(task_list, collector, batch, ended(batch, "failed: no"))
    later(task_list, HOUR)
    batch = begun(task_list, collector)
    assert row(task_list).attempts == 2
    tasks.complete(task_list, collector, batch, ended(batch))
    assert (row(task_list).attempts, row(task_list).failures, row(task_list).error) == (0, 0, "")


def test_of_a_batch_each_task_ends_for_itself(task_list: TaskList, collector: Registration) -> None:
    tasks.sync_periodic(task_list, wanted("nc2 nc3 nc4"))
    batch = begun(task_list, collector)
    well, bad, _ = batch.tasks
    assert (
        tasks.complete(
            task_list, collector, batch, [TaskResult(well), TaskResult(bad, "timeout: ran longer than its 5 s")]
        )
        == 2
    )
    assert tasks.complete(task_list, collector, batch, []) == 0
    states = {one.node: (one.state, one.failures, one.error) for one in rows(task_list)}
    assert states == {
        "nc2": ("waiting", 0, ""), "nc3": ("waiting", 1, "timeout: ran longer than its 5 s"), "nc4": ("running", 0, ""),
    }  # fmt: skip


def test_more_tasks_than_one_statement_takes(task_list: TaskList, collector: Registration) -> None:
    tasks.sync_periodic(task_list, wanted(" ".join(f"n{number}" for number in range(1203))))
    assert len(run(task_list, collector, limit=2000).tasks) == 1203
    assert {one.next_try for one in rows(task_list)} == {MOMENT + MINUTE}


@pytest.mark.parametrize("every", [None, MINUTE], ids=["once", "periodic"])
def test_a_task_that_ran_for_too_long(every: int | None, task_list: TaskList, collector: Registration) -> None:
    """SK4: it is free, one class lower, and as if it were new. SK5 in the units has the whole table."""
    put(task_list, every=every, priority=int(Priority.HIGH))
    batch = begun(task_list, collector)
    for _ in range(11 * 3):
        later(task_list, 20)
        assert tasks.heartbeat(task_list, collector)
    tasks.stop_overdue(task_list, batch, batch.tasks)
    late = row(task_list)
    assert free(late)
    assert (late.state, late.priority, late.created, late.next_try) == ("waiting", 30, MOMENT + 660, MOMENT + 660)
    assert late.error == "stopped after 10 minutes"


def test_a_task_that_always_runs_for_too_long_fails_in_the_end(task_list: TaskList, collector: Registration) -> None:
    put(task_list, priority=int(Priority.HIGH))
    for _ in range(scheduler.MAX_LEVEL + 1):
        assert row(task_list).state == "waiting"
        batch = begun(task_list, collector)
        tasks.stop_overdue(task_list, batch, batch.tasks)
    assert row(task_list).state == "failed"
