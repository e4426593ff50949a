"""The task list in numbers, and as the tables that a person sees."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from task_rows import HOUR, MINUTE, MOMENT, begun, claimed, later, put, row, rows, run
from unit_rows import summary

from nicassh import tasks
from nicassh.query import Table
from nicassh.query.tables.collectors import collectors
from nicassh.query.tables.task_classes import task_classes
from nicassh.query.tables.tasks import tasks as task_table
from nicassh.tasks import Priority, Registration, TaskList
from nicassh.tasks.model import FINISHED_TASKS


def finished(task_list: TaskList, **ago: int) -> None:
    """So many tasks that were finished so long ago: `s30=60` are 60 tasks, 30 seconds ago."""
    made = [
        {"minute": int((task_list.now() - int(when[1:])) // 60), "priority": 10, "collector": when, "number": number}
        for when, number in ago.items()
    ]
    task_list.write(lambda connection: connection.execute(sa.insert(FINISHED_TASKS), made))


def by(view: Table, column: str, value: object) -> dict[str, object]:
    """The values of the one row that has this value in this column."""
    (found,) = (one for one in view.rows if one.values[column] == value)
    return dict(found.values)


def test_what_was_finished_more_than_an_hour_ago_is_forgotten(task_list: TaskList) -> None:
    """HK1: 61 minutes ago, and not 59."""
    finished(task_list, s3540=59, s3660=61)
    tasks.forget_finished(task_list)
    left = task_list.read(lambda connection: connection.scalars(sa.select(FINISHED_TASKS.c.number)).all())
    assert left == [59]


def test_tasks_a_minute(task_list: TaskList) -> None:
    """HK2: 60, 300 and 600 tasks in the last 1, 10 and 60 minutes."""
    finished(task_list, s30=60, s300=240, s1800=300, s3900=1000)
    assert tasks.class_counts(task_list)[0].rates == pytest.approx((60, 30, 10))
    later(task_list, 30)
    assert tasks.class_counts(task_list)[0].rates == pytest.approx((30, 30, 10), rel=0.1)


def test_all_that_ends_is_counted_in_its_class(task_list: TaskList, collector: Registration) -> None:
    for number in range(4):
        put(task_list, f"nc{number}", priority=Priority.HIGH)
    run(task_list, collector, limit=3)
    run(task_list, collector, "failed: no")
    other = tasks.register(task_list)
    put(task_list, priority=Priority.LOW)
    run(task_list, other)
    assert [count.rates[0] for count in tasks.class_counts(task_list)] == [0, 4, 0, 1, 0]


def test_the_classes(task_list: TaskList, collector: Registration) -> None:
    put(task_list, "nc1", next_try=MOMENT - 100)
    put(task_list, "nc2", next_try=MOMENT - 40, failures=3)
    put(task_list, "nc3", next_try=MOMENT + 5)
    put(task_list, "nc4", next_try=MOMENT + 9, failures=1)
    put(task_list, "nc5", state="paused", failures=1)
    put(task_list, "nc6", state="failed")
    put(task_list, "nc7", priority=Priority.CRITICAL)
    claimed(task_list, collector)
    view = task_classes(task_list)
    assert [one.values["priority"] for one in view.rows] == [priority.word for priority in Priority]
    medium = by(view, "priority", "medium")
    assert {name: medium[name] for name in ("waiting", "running", "deferred", "failed", "scheduled", "paused")} == {
        "waiting": 2, "running": 0, "deferred": 1, "failed": 1, "scheduled": 1, "paused": 1,
    }  # fmt: skip
    assert medium["oldest_wait"] == 100
    assert by(view, "priority", "critical")["running"] == 1
    assert [one.severities.get("oldest_wait") for one in view.rows] == [0, 0, 1, 0, 0]
    assert summary(view) == "7 tasks: 2 waiting, 1 running, 1 deferred, 1 failed, 1 scheduled, 1 paused"


def test_an_empty_task_list(task_list: TaskList) -> None:
    view = task_classes(task_list)
    assert summary(view) == "0 tasks"
    assert all(one.values["oldest_wait"] is None for one in view.rows)
    assert collectors(task_list).rows == task_table(task_list).rows == ()
    assert tasks.seconds_until_next(task_list) is None


def test_the_collectors(task_list: TaskList, collector: Registration) -> None:
    for number in range(3):
        put(task_list, f"nc{number}")
    batch = claimed(task_list, collector)
    tasks.start(task_list, batch, batch.tasks[:2])
    later(task_list, 16)
    idle = tasks.register(task_list)
    view = collectors(task_list)
    busy = by(view, "collector", collector.id)
    assert (busy["host"], busy["priority"], busy["tasks"], busy["running"], busy["heartbeat"]) == (
        collector.host, "medium", 3, 2, pytest.approx(16),
    )  # fmt: skip
    assert busy["since"] == datetime.fromtimestamp(MOMENT, UTC)
    assert (by(view, "collector", idle.id)["priority"], by(view, "collector", idle.id)["tasks"]) == ("idle", 0)
    assert [one.severities["heartbeat"] for one in view.rows] == [1, 0]
    later(task_list, task_list.lease - 16)
    assert [one.values["collector"] for one in collectors(task_list).rows] == [idle.id]


def test_the_tasks_one_by_one(task_list: TaskList, collector: Registration) -> None:
    put(task_list, "nc4", "load", next_try=MOMENT + 7, every=MINUTE)
    put(task_list, "nc3", "load", next_try=MOMENT + 5, failures=2, error="failed: no")
    put(task_list, "nc2", "load")
    put(task_list, "", "", kind="tidy", state="failed", next_try=MOMENT - HOUR, priority=Priority.LOW)
    begun(task_list, collector)
    view = task_table(task_list)
    assert [one.values["state"] for one in view.rows] == ["failed", "running", "deferred", "scheduled"]
    held, tidy = by(view, "node", "nc2"), by(view, "node", None)
    assert (held["host"], held["wait"], held["attempts"]) == (collector.host, None, 1)
    assert (tidy["argument"], tidy["kind"], tidy["priority"]) == ("tidy", "tidy", "low")
    assert by(view, "node", "nc3")["wait"] == 5
    assert [one.values["node"] for one in task_table(task_list, troubled=True).rows] == [None, "nc3"]
    assert [one.values["node"] for one in task_table(task_list, nodes=["nc4", "nc9"]).rows] == ["nc4"]


def test_the_next_one(task_list: TaskList, collector: Registration) -> None:
    put(task_list, "nc2", next_try=MOMENT + 70)
    put(task_list, "nc3", next_try=MOMENT + 30, state="paused")
    assert tasks.seconds_until_next(task_list) == 70
    view = task_classes(task_list)
    assert summary(view).endswith("next in 1 m 10 s")
    later(task_list, 71)
    assert (tasks.seconds_until_next(task_list), tasks.due_node_count(task_list)) == (-1, 1)
    assert tasks.scheduler_state(task_list).waiting == [Priority.MEDIUM]
    run(task_list, collector)
    assert len(rows(task_list)) == 1
    assert row(task_list).state == "paused"
