"""The chores of a monitoring host: they are permanent jobs, and a worker does them."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from unit_rows import made, outcome

from nicassh import tasks as jobs
from nicassh.collector import Worker, schedule
from nicassh.config.settings import Config
from nicassh.store import Store
from nicassh.store.tiers import RAW, TIERS
from nicassh.tasks import Queue

DAY = 86400


def count(store: Store, table: sa.Table) -> int:
    with store.engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def test_a_worker_rolls_up_and_prunes(store: Store) -> None:
    queue = Queue(store.engine)
    queue.create()
    tables = store.tiers.series["load"].tables
    for days in (0.1, 2, 5):
        moment = datetime.fromtimestamp(queue.now() - days * DAY, UTC)
        store.write([outcome("nc2", "load", moment, made("load"))])
    jobs.arm(queue, schedule([], []))
    assert {row["kind"] for row in jobs.listed(queue)} == {"tidy", "rollup", "prune"}
    with Worker(queue, store, [], [], Config()) as worker:
        worker.work()
    assert [row["error"] for row in jobs.listed(queue)] == ["", "", ""]
    # Whichever came first: what the roll-up had not seen, the prune has left.
    assert count(store, tables[TIERS[0]]) == 3
    jobs.now(queue)
    with Worker(queue, store, [], [], Config()) as worker:
        worker.work()
    assert (count(store, tables[RAW]), count(store, tables[TIERS[0]]), count(store, tables[TIERS[1]])) == (2, 3, 3)
