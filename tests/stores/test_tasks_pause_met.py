"""Several collectors that meet a node that is out of reach: one task of it tries again, always."""

from __future__ import annotations

import pytest
from multitude import at_once
from pausing import AWAY, BACK, PAUSED, armed, away, only, states
from task_rows import begun, ended, later, named, run

from nicassh import tasks
from nicassh.database import connect
from nicassh.tasks import Registration, TaskList, TaskResult


@pytest.fixture(autouse=True)
def farm(task_list: TaskList) -> None:
    armed(task_list)


def test_two_collectors_that_meet_it_at_once_leave_one_that_tries(database: str, task_list: TaskList) -> None:
    """Whoever comes first."""
    pair = [TaskList(connect(database), clock=task_list.clock) for _ in range(2)]
    collectors = [tasks.register(one) for one in pair]
    for _ in range(8):
        tasks.run_now(task_list, ["nc2"])
        batches = [only(pair[0], collectors[0], "software"), only(pair[1], collectors[1], "load")]
        met = zip(pair, batches, strict=True)
        at_once(*(lambda q=q, b=b: tasks.pause_nodes(q, b, AWAY) for q, b in met))
        assert sorted(states(task_list).values()) == ["paused"] * 3 + ["waiting"]
    for one in pair:
        one.engine.dispose()


def test_a_task_that_another_collector_runs_meanwhile(task_list: TaskList, collector: Registration) -> None:
    """It is left alone, and when it has ended there is still a task that tries the node and wakes the others."""
    tasks.run_now(task_list)
    slow = tasks.enqueue_claimed(task_list, collector, [("nc2", "users")])
    other = tasks.register(task_list)
    batch = begun(task_list, other)
    assert named(batch) == [("nc2", "load"), ("nc3", "load")]
    tasks.pause_nodes(task_list, slow, AWAY)
    assert states(task_list)["load"] == "running"
    assert sorted(states(task_list).values()) == ["paused", "paused", "running", "waiting"]
    tasks.complete(task_list, other, batch, ended(batch))
    later(task_list, 111)
    tasks.complete(task_list, other, last := begun(task_list, other), ended(last))
    for _ in range(3):
        if batch := tasks.claim(task_list, other, 9, 9):
            tasks.complete(task_list, other, batch, ended(batch))
            other.batch = None
    assert "paused" not in states(task_list).values()


def test_tasks_that_fail_on_a_paused_node_wait_with_the_others(task_list: TaskList, collector: Registration) -> None:
    slow = only(task_list, tasks.register(task_list), "software")
    tasks.pause_nodes(task_list, only(task_list, collector, "load"), AWAY)
    assert states(task_list) == {**PAUSED, "software": "running"}
    tasks.complete(task_list, collector, slow, ended(slow, "truncated: cut"))
    tasks.pause_with_node(task_list, slow.tasks)
    assert states(task_list) == PAUSED


def test_tasks_that_fail_on_a_node_that_is_not_paused_do_not(task_list: TaskList, collector: Registration) -> None:
    batch = run(task_list, collector, "truncated: cut")
    tasks.pause_with_node(task_list, batch.tasks)
    assert states(task_list) == BACK


def test_the_task_that_tries_it_never_pauses_itself(task_list: TaskList, collector: Registration) -> None:
    """A node that breaks off in the middle of each answer is tried again all the same."""
    away(task_list, collector)
    for _ in range(3):
        later(task_list, task_list.ceiling)
        batch = begun(task_list, collector)
        failed = [TaskResult(task, "truncated: cut") for task in batch.tasks if task.node == "nc2"]
        assert [run.task.argument for run in failed] == ["load"]
        tasks.complete(
            task_list, collector, batch, [*failed, *(TaskResult(task) for task in batch.tasks if task.node != "nc2")]
        )
        tasks.pause_with_node(task_list, [run.task for run in failed])
        assert states(task_list) == PAUSED
