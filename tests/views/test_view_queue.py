"""The tables of the queue: what a person reads of jobs in every state."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nicassh import tasks as jobs
from nicassh.database import connect
from nicassh.query import queue as views
from nicassh.tasks import PROBE, Ended, Priority, Queue, Wanted

WORDS = {"load": "failed: no such file", "car": "there is no chore 'wash'"}


@pytest.fixture
def queue(database: str) -> Iterator[Queue]:
    """A queue in which nc2 is out of reach, load failed on nc3, disks went well there, a chore failed for good."""
    queue = Queue(connect(database))
    queue.create()
    wanted = [("load", Priority.CRITICAL, 60), ("disks", Priority.MEDIUM, 300), ("software", Priority.LOW, 3600)]
    jobs.arm(queue, [Wanted(PROBE, node, name, *rest) for node in ("nc2", "nc3") for name, *rest in wanted])
    jobs.add(queue, "wash", "car")
    worker = jobs.enter(queue)
    for _ in range(2):
        batch = jobs.claim(queue, worker, 10)
        assert batch is not None
        jobs.start(queue, batch, batch.jobs)
        ends = [
            Ended(job, WORDS.get(job.argument, ""), hopeless=not job.node) for job in batch.jobs if job.node != "nc2"
        ]
        jobs.finish(queue, worker, batch, ends)
        jobs.pause(queue, batch, {job.node: "no route to the host" for job in batch.jobs if job.node == "nc2"})
        worker.batch = None
    yield queue
    queue.engine.dispose()


def test_each_class_has_its_jobs_by_state(queue: Queue) -> None:
    rows = {row.values["priority"]: row.values for row in views.classes(queue).rows}
    assert list(rows) == ["critical", "high", "medium", "low", "negligible"]
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


def test_only_what_comes_due_by_itself_says_when(queue: Queue) -> None:
    rows = {(row.values["node"], row.values["argument"]): row for row in views.listed(queue).rows}
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


def test_what_failed_or_is_put_off_is_in_trouble(queue: Queue) -> None:
    rows = [row.values for row in views.listed(queue, troubled=True).rows]
    assert {(row["node"], row["argument"]) for row in rows} == {("nc2", "load"), ("nc3", "load"), (None, "car")}
    assert [row.values["node"] for row in views.listed(queue, nodes=["nc3"]).rows] == ["nc3"] * 3


def test_a_worker_is_idle_or_at_a_class(queue: Queue) -> None:
    (row,) = [row.values for row in views.heads(queue).rows]
    assert (row["priority"], row["jobs"], row["begun"]) == ("medium", 0, 0)
    other = jobs.enter(queue)
    jobs.claim(queue, other, 10)
    found = {row.values["worker"]: row.values for row in views.heads(queue).rows}
    assert (found[other.id]["priority"], found[other.id]["jobs"], found[other.id]["begun"]) == ("low", 1, 0)
