"""The housekeeping tasks of a monitoring host: they are periodic tasks, and a collector does them."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from unit_rows import made, outcome

from nicassh import tasks
from nicassh.collector import Collector, periodic_tasks
from nicassh.config.settings import Config
from nicassh.store import Store
from nicassh.store.tiers import RAW, TIERS
from nicassh.tasks import TaskList

DAY = 86400


def count(store: Store, table: sa.Table) -> int:
    with store.engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def test_a_collector_rolls_up_and_prunes(store: Store) -> None:
    task_list = TaskList(store.engine)
    task_list.create()
    tables = store.layout.series["load"].tables
    for days in (0.1, 2, 5):
        moment = datetime.fromtimestamp(task_list.now() - days * DAY, UTC)
        store.write([outcome("nc2", "load", moment, made("load"))])
    tasks.sync_periodic(task_list, periodic_tasks([], []))
    assert {row["kind"] for row in tasks.task_rows(task_list)} == {"tidy", "rollup", "prune"}
    with Collector(task_list, store, [], [], Config()) as collector:
        collector.work()
    assert [row["error"] for row in tasks.task_rows(task_list)] == ["", "", ""]
    # Whichever came first: what the roll-up had not seen, the prune has left.
    assert count(store, tables[TIERS[0]]) == 3
    tasks.run_now(task_list)
    with Collector(task_list, store, [], [], Config()) as collector:
        collector.work()
    assert (count(store, tables[RAW]), count(store, tables[TIERS[0]]), count(store, tables[TIERS[1]])) == (2, 3, 3)
