"""Periodic tasks are those that the inventory and the probes want, whatever was there before."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from multitude import at_once
from task_rows import HOUR, MINUTE, MOMENT, begun, claimed, ended, later, named, put, row, rows, run, wanted

from nicassh import tasks
from nicassh.database import connect
from nicassh.tasks import Priority, Registration, TaskList
from nicassh.tasks.model import TASK_CLASSES


def test_new_ones_are_due_at_once_and_once(task_list: TaskList, collector: Registration) -> None:
    assert tasks.sync_periodic(task_list, wanted("nc2 nc3", "load disks")) == 4
    assert tasks.sync_periodic(task_list, wanted("nc2 nc3", "load disks")) == 0
    assert [one.next_try for one in rows(task_list)] == [MOMENT] * 4
    assert len(claimed(task_list, collector).tasks) == 4


def test_one_that_ran_is_due_at_its_next_whole_period(task_list: TaskList, collector: Registration) -> None:
    tasks.sync_periodic(task_list, wanted("nc2"))
    later(task_list, 7)
    run(task_list, collector)
    assert row(task_list).next_try == MOMENT + MINUTE
    assert tasks.claim(task_list, collector) is None
    later(task_list, MINUTE - 7)
    assert named(run(task_list, collector)) == [("nc2", "load")]


def test_periods_that_nobody_worked_in_are_left_out(task_list: TaskList, collector: Registration) -> None:
    tasks.sync_periodic(task_list, wanted("nc2"))
    later(task_list, 10 * HOUR + 5)
    run(task_list, collector)
    assert row(task_list).next_try == MOMENT + 10 * HOUR + MINUTE


def test_nodes_come_and_go(task_list: TaskList, collector: Registration) -> None:
    tasks.sync_periodic(task_list, wanted("nc2 nc3"))
    run(task_list, collector)
    assert tasks.sync_periodic(task_list, wanted("nc3 nc4")) == 2
    assert [(one.node, one.finished) for one in rows(task_list)] == [("nc3", MOMENT), ("nc4", None)]


def test_a_task_that_runs_goes_when_it_is_armed_the_next_time(task_list: TaskList, collector: Registration) -> None:
    tasks.sync_periodic(task_list, wanted("nc2", "load disks"))
    batch = begun(task_list, collector)
    tasks.sync_periodic(task_list, wanted("nc2", "load"))
    assert tasks.complete(task_list, collector, batch, ended(batch)) == 2
    tasks.sync_periodic(task_list, wanted("nc2", "load"))
    assert [one.argument for one in rows(task_list)] == ["load"]


def test_a_task_is_wanted_again_while_its_last_run_goes_on(task_list: TaskList, collector: Registration) -> None:
    tasks.sync_periodic(task_list, wanted("nc2"))
    batch = begun(task_list, collector)
    tasks.sync_periodic(task_list, [])
    tasks.sync_periodic(task_list, wanted("nc2"))
    tasks.complete(task_list, collector, batch, ended(batch))
    assert row(task_list).next_try == MOMENT + MINUTE


@pytest.mark.parametrize(("every", "due"), [(MINUTE, MINUTE), (2 * HOUR, HOUR)], ids=["shorter", "longer"])
def test_a_changed_period(every: int, due: float, task_list: TaskList, collector: Registration) -> None:
    """A shorter one counts from now on, a longer one from the next run."""
    hour = MOMENT % HOUR
    tasks.sync_periodic(task_list, wanted("nc2", every=HOUR))
    run(task_list, collector)
    assert tasks.sync_periodic(task_list, wanted("nc2", every=every)) == 1
    assert row(task_list).next_try == MOMENT + min(due, HOUR - hour)
    assert row(task_list).every == every


def test_a_changed_priority_holds_from_now_on(task_list: TaskList, collector: Registration) -> None:
    tasks.sync_periodic(task_list, wanted("nc2", priority=Priority.LOW))
    tasks.sync_periodic(task_list, wanted("nc2", priority=Priority.CRITICAL))
    assert claimed(task_list, collector).priority == Priority.CRITICAL


def test_a_deferred_task_stays_deferred(task_list: TaskList, collector: Registration) -> None:
    tasks.sync_periodic(task_list, wanted("nc2"))
    run(task_list, collector, "timeout: it hangs")
    before = row(task_list)
    tasks.sync_periodic(task_list, wanted("nc2 nc3"))
    assert row(task_list, node="nc2") == before


def test_tasks_that_are_done_once_are_left_alone(task_list: TaskList) -> None:
    put(task_list, "nc9", "disks")
    tasks.enqueue(task_list, "tidy")
    tasks.sync_periodic(task_list, wanted("nc2"))
    tasks.sync_periodic(task_list, [])
    assert [one.every for one in rows(task_list)] == [None, None]


def test_several_programs_that_arm_at_once_make_no_task_twice(database: str, task_list: TaskList) -> None:
    task_lists = [TaskList(connect(database), clock=task_list.clock) for _ in range(4)]
    nodes = " ".join(f"nc{number}" for number in range(50))
    at_once(*(lambda task_list=one: tasks.sync_periodic(task_list, wanted(nodes, "load disks")) for one in task_lists))
    assert len({(one.node, one.argument) for one in rows(task_list)}) == len(rows(task_list)) == 100
    at_once(*(lambda task_list=one: tasks.sync_periodic(task_list, wanted("nc1", "load")) for one in task_lists))
    assert len(rows(task_list)) == 1
    for one in task_lists:
        one.engine.dispose()


def test_several_programs_that_make_the_tables_at_once(database: str, task_list: TaskList) -> None:
    """Also where one was ended after it had made them, and before they were filled."""
    task_lists = [TaskList(connect(database)) for _ in range(6)]
    for _ in range(5):
        task_lists[0].write(lambda connection: connection.execute(sa.delete(TASK_CLASSES)))
        at_once(*(one.create for one in task_lists))
        count = task_lists[0].read(
            lambda connection: connection.scalar(sa.select(sa.func.count()).select_from(TASK_CLASSES))
        )
        assert count == len(Priority)
    for one in task_lists:
        one.engine.dispose()


def test_names_that_differ_by_case_or_are_long(task_list: TaskList, collector: Registration) -> None:
    nodes = ["nc2", "NC2", "n" * 255, "n" * 254 + "N"]
    goal = wanted(" ".join(nodes), f"load Load {'p' * 255}")
    assert tasks.sync_periodic(task_list, goal) == len(goal) == 12
    assert tasks.sync_periodic(task_list, goal) == 0
    assert sorted(named(run(task_list, collector))) == sorted((one.node, one.argument) for one in goal)
    assert tasks.run_now(task_list, ["NC2"], "load") == 1
    assert named(claimed(task_list, collector)) == [("NC2", "load")]
