"""Nodes that have left the inventory: they leave the newest values, and stay in history."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from unit_rows import login, made, outcome

from nicassh import tasks
from nicassh.collector import Collector, periodic_tasks
from nicassh.config.settings import Config
from nicassh.store import Store
from nicassh.tasks import PROBE, PeriodicTask, Priority, TaskList

DAY = 86400


def days_ago(days: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) - timedelta(days=days)


def work(store: Store, task_list: TaskList, config: Config) -> None:
    """A collector does the housekeeping tasks, of which one after the other is due."""
    for _ in range(2):
        tasks.run_now(task_list)
        with Collector(task_list, store, [], [], config) as collector:
            collector.work()


def newest(store: Store) -> dict[str, set[str]]:
    """The nodes that have newest rows, by table."""
    names = ["outcomes", "load", "system", "content_hash"]
    with store.engine.connect() as connection:
        node: sa.ColumnClause[str] = sa.column("node")
        query = {name: sa.select(node).select_from(sa.table(name)).distinct() for name in names}
        return {name: set(connection.scalars(one)) for name, one in query.items()}


def test_a_node_that_has_left_the_inventory(store: Store) -> None:
    task_list = TaskList(store.engine)
    task_list.create()
    tasks.sync_periodic(task_list, [*periodic_tasks([], []), PeriodicTask(PROBE, "nc2", "load", Priority.LOW, 10**6)])
    for node, days in (("nc2", 20.0), ("nc3", 20.0), ("nc4", 1.0), ("nc9", 0.0)):
        moment = days_ago(days)
        store.write([
            login(node, moment), outcome(node, "load", moment, made("load", load1=3.0)),
            outcome(node, "system", moment, made("system")),
        ])  # fmt: skip
    ended = int(days_ago(20).timestamp())
    # Of nc2 a task is left, though none that runs here: it is in the inventory.
    with store.engine.begin() as connection:
        connection.execute(sa.text("UPDATE tasks SET state = 'paused' WHERE node = 'nc2'"))
    store.rollup(time.time())
    work(store, task_list, Config())
    assert newest(store) == {name: {"nc2", "nc4", "nc9"} for name in ("outcomes", "load", "system", "content_hash")}
    (row,) = [row for row in store.spans("system", ["nc3"], days_ago(30)) if row["until"] is not None]
    assert abs(row["until"].timestamp() - ended) < 60, "it was so until its last answer"
    points = store.history("load", "load1", ["nc3"], days_ago(30), days_ago(0), 3600)
    assert [point.mean for point in points] == [3.0], "its history is there"
    with store.engine.connect() as connection:
        upto = {row[0]: row[1] for row in connection.exec_driver_sql("SELECT node, upto_5m FROM rollup_progress")}
    assert upto["nc3"] > time.time() + 1000 * DAY, "the roll-up does no more for it"
    assert upto["nc2"] < time.time()


def test_a_node_that_comes_back(store: Store) -> None:
    """It is asked as before, and what it says is rolled up."""
    task_list = TaskList(store.engine)
    task_list.create()
    tasks.sync_periodic(task_list, [*periodic_tasks([], []), PeriodicTask(PROBE, "nc2", "load", Priority.LOW, 10**6)])
    for days in (10.0, 9.0):
        store.write([login("nc3", days_ago(days)), outcome("nc3", "load", days_ago(days), made("load"))])
    store.write([login("nc2", days_ago(0)), outcome("nc2", "load", days_ago(0), made("load"))])
    store.rollup(time.time())
    work(store, task_list, Config())
    assert newest(store)["load"] == {"nc2"}
    store.write([login("nc3", days_ago(0.5)), outcome("nc3", "load", days_ago(0.5), made("load", load1=9.0))])
    assert newest(store)["load"] == {"nc2", "nc3"}
    store.rollup(time.time())
    points = store.history("load", "load1", ["nc3"], days_ago(30), days_ago(0), 300)
    assert [point.mean for point in points] == [1.0, 1.0, 9.0]


def test_nobody_is_forgotten_where_no_inventory_is_known(store: Store) -> None:
    """A database that only `collect --now` writes has no periodic tasks: it says nothing about the inventory."""
    task_list = TaskList(store.engine)
    task_list.create()
    tasks.sync_periodic(task_list, periodic_tasks([], []))
    store.write([login("nc3", days_ago(20)), login("nc4", days_ago(0))])
    work(store, task_list, Config())
    assert newest(store)["outcomes"] == {"nc3", "nc4"}
