"""The queue in numbers, and as the tables that a person sees."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from queueing import HOUR, MINUTE, MOMENT, begun, claimed, later, put, row, rows, run

from nicassh import tasks as jobs
from nicassh.query import View
from nicassh.query import queue as views
from nicassh.tasks import Claimant, Priority, Queue
from nicassh.tasks.table import FINISHED


def finished(queue: Queue, **ago: int) -> None:
    """So many jobs that were finished so long ago: `s30=60` are 60 jobs, 30 seconds ago."""
    made = [
        {"minute": int((queue.now() - int(when[1:])) // 60), "priority": 10, "worker": when, "number": number}
        for when, number in ago.items()
    ]
    queue.write(lambda connection: connection.execute(sa.insert(FINISHED), made))


def by(view: View, column: str, value: object) -> dict[str, object]:
    """The values of the one row that has this value in this column."""
    (found,) = (one for one in view.rows if one.values[column] == value)
    return dict(found.values)


def test_what_was_finished_more_than_an_hour_ago_is_forgotten(queue: Queue) -> None:
    """HK1: 61 minutes ago, and not 59."""
    finished(queue, s3540=59, s3660=61)
    jobs.tidy(queue)
    left = queue.read(lambda connection: connection.scalars(sa.select(FINISHED.c.number)).all())
    assert left == [59]


def test_jobs_a_minute(queue: Queue) -> None:
    """HK2: 60, 300 and 600 jobs in the last 1, 10 and 60 minutes."""
    finished(queue, s30=60, s300=240, s1800=300, s3900=1000)
    assert jobs.counts(queue)[0].rates == pytest.approx((60, 30, 10))
    later(queue, 30)
    assert jobs.counts(queue)[0].rates == pytest.approx((30, 30, 10), rel=0.1)


def test_all_that_ends_is_counted_in_its_class(queue: Queue, worker: Claimant) -> None:
    for number in range(4):
        put(queue, f"nc{number}", priority=Priority.HIGH)
    run(queue, worker, limit=3)
    run(queue, worker, "failed: no")
    other = jobs.enter(queue)
    put(queue, priority=Priority.LOW)
    run(queue, other)
    assert [count.rates[0] for count in jobs.counts(queue)] == [0, 4, 0, 1, 0]


def test_the_classes(queue: Queue, worker: Claimant) -> None:
    put(queue, "nc1", next_try=MOMENT - 100)
    put(queue, "nc2", next_try=MOMENT - 40, retrial=3)
    put(queue, "nc3", next_try=MOMENT + 5)
    put(queue, "nc4", next_try=MOMENT + 9, retrial=1)
    put(queue, "nc5", state="paused", retrial=1)
    put(queue, "nc6", state="failed")
    put(queue, "nc7", priority=Priority.CRITICAL)
    claimed(queue, worker)
    view = views.classes(queue)
    assert [one.values["priority"] for one in view.rows] == [priority.word for priority in Priority]
    medium = by(view, "priority", "medium")
    assert {name: medium[name] for name in ("waiting", "running", "deferred", "failed", "scheduled", "paused")} == {
        "waiting": 2, "running": 0, "deferred": 1, "failed": 1, "scheduled": 1, "paused": 1,
    }  # fmt: skip
    assert medium["oldest_wait"] == 100
    assert by(view, "priority", "critical")["running"] == 1
    assert [one.trouble.get("oldest_wait") for one in view.rows] == [0, 0, 1, 0, 0]
    assert view.summarize(view.rows) == "7 jobs: 2 waiting, 1 running, 1 deferred, 1 failed, 1 scheduled, 1 paused"


def test_an_empty_queue(queue: Queue) -> None:
    view = views.classes(queue)
    assert view.summarize(view.rows) == "0 jobs"
    assert all(one.values["oldest_wait"] is None for one in view.rows)
    assert views.heads(queue).rows == views.listed(queue).rows == ()
    assert jobs.soonest(queue) is None


def test_the_workers(queue: Queue, worker: Claimant) -> None:
    for number in range(3):
        put(queue, f"nc{number}")
    batch = claimed(queue, worker)
    jobs.start(queue, batch, batch.jobs[:2])
    later(queue, 16)
    idle = jobs.enter(queue)
    view = views.heads(queue)
    busy = by(view, "worker", worker.id)
    assert (busy["host"], busy["priority"], busy["jobs"], busy["begun"], busy["beat"]) == (
        worker.host, "medium", 3, 2, pytest.approx(16),
    )  # fmt: skip
    assert busy["since"] == datetime.fromtimestamp(MOMENT, UTC)
    assert (by(view, "worker", idle.id)["priority"], by(view, "worker", idle.id)["jobs"]) == ("idle", 0)
    assert [one.trouble["beat"] for one in view.rows] == [1, 0]
    later(queue, queue.lease - 16)
    assert [one.values["worker"] for one in views.heads(queue).rows] == [idle.id]


def test_the_jobs_one_by_one(queue: Queue, worker: Claimant) -> None:
    put(queue, "nc4", "load", next_try=MOMENT + 7, every=MINUTE)
    put(queue, "nc3", "load", next_try=MOMENT + 5, retrial=2, error="failed: no")
    put(queue, "nc2", "load")
    put(queue, "", "", kind="tidy", state="failed", next_try=MOMENT - HOUR, priority=Priority.LOW)
    begun(queue, worker)
    view = views.listed(queue)
    assert [one.values["state"] for one in view.rows] == ["failed", "running", "deferred", "scheduled"]
    held, tidy = by(view, "node", "nc2"), by(view, "node", None)
    assert (held["host"], held["wait"], held["attempts"]) == (worker.host, None, 1)
    assert (tidy["argument"], tidy["kind"], tidy["priority"]) == ("tidy", "tidy", "low")
    assert by(view, "node", "nc3")["wait"] == 5
    assert [one.values["node"] for one in views.listed(queue, troubled=True).rows] == [None, "nc3"]
    assert [one.values["node"] for one in views.listed(queue, nodes=["nc4", "nc9"]).rows] == ["nc4"]


def test_the_next_one(queue: Queue, worker: Claimant) -> None:
    put(queue, "nc2", next_try=MOMENT + 70)
    put(queue, "nc3", next_try=MOMENT + 30, state="paused")
    assert jobs.soonest(queue) == 70
    view = views.classes(queue)
    assert view.summarize(view.rows).endswith("next in 1 m 10 s")
    later(queue, 71)
    assert (jobs.soonest(queue), jobs.nodes_due(queue)) == (-1, 1)
    assert jobs.look(queue).waiting == [Priority.MEDIUM]
    run(queue, worker)
    assert len(rows(queue)) == 1
    assert row(queue).state == "paused"
