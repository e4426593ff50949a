"""The tables of the task list: what a person reads of tasks in every state."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nicassh import tasks
from nicassh.database import connect
from nicassh.query.tables.collectors import collectors
from nicassh.query.tables.task_classes import task_classes
from nicassh.query.tables.tasks import tasks as task_table
from nicassh.tasks import PROBE, PeriodicTask, Priority, TaskList, TaskResult

WORDS = {"load": "failed: no such file", "car": "there is no housekeeping task 'wash'"}


@pytest.fixture
def task_list(database: str) -> Iterator[TaskList]:
    """Tasks: nc2 is out of reach, load failed on nc3, disks went well there, a housekeeping task failed for good."""
    task_list = TaskList(connect(database))
    task_list.create()
    wanted = [("load", Priority.CRITICAL, 60), ("disks", Priority.MEDIUM, 300), ("software", Priority.LOW, 3600)]
    tasks.sync_periodic(
        task_list, [PeriodicTask(PROBE, node, name, *rest) for node in ("nc2", "nc3") for name, *rest in wanted]
    )
    tasks.enqueue(task_list, "wash", "car")
    collector = tasks.register(task_list)
    for _ in range(2):
        batch = tasks.claim(task_list, collector, 10)
        assert batch is not None
        tasks.start(task_list, batch, batch.tasks)
        ends = [
            TaskResult(task, WORDS.get(task.argument, ""), hopeless=not task.node)
            for task in batch.tasks
            if task.node != "nc2"
        ]
        tasks.complete(task_list, collector, batch, ends)
        tasks.pause_nodes(
            task_list, batch, {task.node: "no route to the host" for task in batch.tasks if task.node == "nc2"}
        )
        collector.batch = None
    yield task_list
    task_list.engine.dispose()


def test_each_class_has_its_tasks_by_state(task_list: TaskList) -> None:
    rows = {row.values["priority"]: row.values for row in task_classes(task_list).rows}
    assert list(rows) == ["critical", "high", "medium", "low", "background"]
    numbers = {name: [row[name] for row in rows.values()] for name in ("waiting", "deferred", "paused", "failed")}
    assert numbers == {
        "waiting": [0, 0, 0, 1, 0],
        "deferred": [2, 0, 0, 0, 0],
        "paused": [0, 0, 1, 1, 0],
        "failed": [0, 0, 1, 0, 0],
    }
    assert rows["medium"]["scheduled"] == 1
    assert rows["low"]["oldest_wait"] >= 0
    assert rows["critical"]["oldest_wait"] is None


def test_only_what_comes_due_by_itself_says_when(task_list: TaskList) -> None:
    rows = {(row.values["node"], row.values["argument"]): row for row in task_table(task_list).rows}
    states = {key: row.values["state"] for key, row in rows.items()}
    assert states == {
        ("nc2", "load"): "deferred",
        ("nc2", "disks"): "paused",
        ("nc2", "software"): "paused",
        ("nc3", "load"): "deferred",
        ("nc3", "disks"): "scheduled",
        ("nc3", "software"): "waiting",
        (None, "car"): "failed",
    }
    for key, row in rows.items():
        known = states[key] not in ("paused", "failed")
        assert (row.values["wait"] is not None, row.values["next"] is not None) == (known, known)
    assert rows["nc2", "load"].values["wait"] > 60
    assert rows["nc2", "load"].values["error"] == "no route to the host"


def test_what_failed_or_is_put_off_is_in_trouble(task_list: TaskList) -> None:
    rows = [row.values for row in task_table(task_list, troubled=True).rows]
    assert {(row["node"], row["argument"]) for row in rows} == {("nc2", "load"), ("nc3", "load"), (None, "car")}
    assert [row.values["node"] for row in task_table(task_list, nodes=["nc3"]).rows] == ["nc3"] * 3


def test_a_collector_is_idle_or_at_a_class(task_list: TaskList) -> None:
    (row,) = [row.values for row in collectors(task_list).rows]
    assert (row["priority"], row["tasks"], row["running"]) == ("medium", 0, 0)
    other = tasks.register(task_list)
    tasks.claim(task_list, other, 10)
    found = {row.values["collector"]: row.values for row in collectors(task_list).rows}
    assert (found[other.id]["priority"], found[other.id]["tasks"], found[other.id]["running"]) == ("low", 1, 0)
