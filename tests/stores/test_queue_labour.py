"""A real worker process that is killed, halted, too slow or at work: what becomes of its jobs."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from labour import LEASE, MANY, NODES, add_nap, awaited, hired
from queueing import Driven, begun, ended, rows, wanted

from nicassh import tasks as jobs
from nicassh.collection.run import Answered
from nicassh.collector import Worker
from nicassh.config.settings import Config
from nicassh.database import connect
from nicassh.inventory import Node
from nicassh.probes import loader as probe
from nicassh.store import Store
from nicassh.tasks import Batch, Priority, Queue


@pytest.fixture
def queue(database: str) -> Iterator[Queue]:
    """The queue as another monitoring host sees it, in a time of its own."""
    queue = Queue(connect(database), lease=LEASE, clock=Driven(time.time()))
    queue.create()
    yield queue
    queue.engine.dispose()


def napping(found: list[Any]) -> bool:
    """Whether the first job has begun."""
    return any(one.started for one in found)


def at(queue: Queue, moment: float) -> Queue:
    """The queue at this moment."""
    queue.clock = Driven(moment)
    return queue


def test_a_worker_that_is_killed(queue: Queue, database: str, tmp_path: Path) -> None:
    """SK1: of three jobs one had begun; one lease later all of them can be claimed, and one attempt counts."""
    with hired(database, tmp_path, 30, "n1 n2 n3") as process:
        awaited(queue, napping)
        process.kill()
    killed = time.time()
    assert jobs.reap(at(queue, killed - 1)) == 0
    assert jobs.reap(at(queue, killed + LEASE)) == 3
    assert [one.attempts for one in rows(queue)] == [1, 0, 0]
    assert len(begun(queue, jobs.enter(queue)).jobs) == 3


def test_a_worker_that_is_at_work(queue: Queue, database: str, tmp_path: Path) -> None:
    """SK2: whoever reaps leaves it alone, also when its first lease is over."""
    with hired(database, tmp_path, 30, "n1") as process:
        (first,) = awaited(queue, napping)
        awaited(queue, lambda found: found[0].lease_until > first.lease_until + 0.5)
        assert jobs.reap(at(queue, first.lease_until + 0.1)) == 0
        assert jobs.claim(queue, jobs.enter(queue)) is None
        assert rows(queue)[0].token == first.token
        process.kill()


def test_a_worker_that_is_slow_with_many_jobs(tmp_path: Path) -> None:
    """SK6: five naps of one second, of which none may take three: that the last one waited for four is no matter."""
    url = f"sqlite:///{tmp_path}/nicamon.db"
    with hired(url, tmp_path, 1, NODES, seconds=3) as process:
        assert process.wait(30) == 0
    queue = Queue(connect(url))
    assert [(one.priority, one.state, one.error, one.retrial) for one in rows(queue)] == [(20, "waiting", "", 0)] * 5
    assert all(one.finished for one in rows(queue))
    queue.engine.dispose()


def test_a_worker_that_is_long_at_work_with_short_jobs(tmp_path: Path) -> None:
    """A job that began and ended between two looks of the recorder is not watched for ever: none may take a second."""
    url = f"sqlite:///{tmp_path}/nicamon.db"
    with hired(url, tmp_path, 0.05, MANY, seconds=1) as process:
        assert process.wait(30) == 0


def test_a_job_that_never_ends(queue: Queue, database: str, tmp_path: Path) -> None:
    """SK7: nobody else gets it as long as the process lives, which ends itself; SK4: then it is one class lower."""
    other = jobs.enter(queue)
    with hired(database, tmp_path, 40, "n1", seconds=1) as process:
        awaited(queue, napping)
        while (batch := jobs.claim(at(queue, time.time()), other)) is None:
            jobs.reap(queue)
            time.sleep(0.05)
        assert process.wait(5) == 70
    assert batch.priority == Priority.MEDIUM
    assert rows(queue)[0].attempts == 1


def test_a_worker_that_is_halted_for_longer_than_its_lease(queue: Queue, database: str, tmp_path: Path) -> None:
    """SK8, CL4: it says so, touches nothing that is another's now, and begins with no other job of its batch."""
    with hired(database, tmp_path, 1, "n1 n2 n3") as process:
        awaited(queue, napping)
        process.send_signal(signal.SIGSTOP)
        assert jobs.reap(at(queue, time.time() + LEASE + 1)) == 3
        other = jobs.enter(queue)
        batch = begun(queue, other)
        before = rows(queue)
        time.sleep(LEASE)
        process.send_signal(signal.SIGCONT)
        _, words = process.communicate(timeout=30)
        assert process.returncode == 0
    assert "lease" in words
    assert rows(queue) == before
    assert jobs.finish(queue, other, batch, ended(batch)) == 3


def test_a_worker_whose_event_loop_stands_still(queue: Queue, database: str, tmp_path: Path) -> None:
    """Its jobs go to another, though its recorder lives; when it goes on, it touches nothing of what is another's."""
    other = jobs.enter(queue)
    batches: list[Batch] = []

    def stand_still(_answered: Answered) -> None:
        end = time.monotonic() + 15 * LEASE
        while not batches and time.monotonic() < end:
            time.sleep(LEASE / 10)
            jobs.reap(at(queue, time.time()))
            if batch := jobs.claim(queue, other):
                jobs.start(queue, batch, batch.jobs)
                batches.append(batch)

    add_nap(tmp_path, 0)
    known = [probe.load(tmp_path / "nap")]
    store = Store(database, known)
    store.create()
    jobs.arm(queue, wanted("n1 n2 n3", "nap", Priority.HIGH, 3600))
    own = Queue(store.engine, lease=LEASE)
    nodes = [Node(name, "", transport="local") for name in ("n1", "n2", "n3")]
    with Worker(own, store, nodes, known, Config(fanout=1), seen=stand_still) as worker:
        worker.work()
    store.engine.dispose()
    (batch,) = batches
    assert [one.id for one in rows(queue) if one.token == batch.token] == [job.id for job in batch.jobs]
    assert jobs.finish(queue, other, batch, ended(batch)) == len(batch.jobs)
