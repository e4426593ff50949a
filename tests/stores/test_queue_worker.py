"""The worker itself on the queue, with chores of the test's own and this machine as its nodes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from queueing import MINUTE, begun, ended, later, row, rows, wanted
from unit_rows import PROBES

from nicassh import tasks as jobs
from nicassh.collection.run import Ask
from nicassh.collector import Worker
from nicassh.collector.schedule import Chore
from nicassh.config.settings import Config
from nicassh.inventory import Node
from nicassh.store import Store
from nicassh.tasks import Batch, Claimant, Priority, Queue

LOAD = [probe for probe in PROBES if probe.name == "load"]
NODES = [Node(f"n{number}", "", transport="local") for number in range(1, 5)]


def hired(queue: Queue, database: str, started: Callable[[Ask], None] = lambda _ask: None, **chores: Chore) -> Worker:
    """A worker that asks its nodes one by one."""
    store = Store(database, LOAD)
    store.create()
    return Worker(queue, store, NODES, LOAD, Config(fanout=1), started=started, chores=chores)


def work(worker: Worker) -> None:
    """Has it work until nothing is due."""
    with worker:
        worker.work()
    worker._store.engine.dispose()


def test_a_chore_that_fails_is_deferred(queue: Queue, database: str, caplog: pytest.LogCaptureFixture) -> None:
    """BO4: like any job that failed, with what it met as its error; the worker goes on."""

    def report(*_: object) -> None:
        raise OSError("no space")

    jobs.add(queue, "report")
    jobs.add(queue, "prune")
    done = []
    work(hired(queue, database, report=report, prune=lambda queue, *_: done.append(queue)))
    (left,) = rows(queue)
    assert (left.kind, left.state, left.retrial, left.attempts) == ("report", "waiting", 1, 1)
    assert left.error == "OSError: no space"
    assert 82 <= left.next_try - queue.now() <= 111
    assert done == [queue]
    assert "no space" in caplog.text


def test_a_chore_that_fails_and_takes_its_time(queue: Queue, database: str) -> None:
    """BO3: two minutes, which is longer than its delay; it is still deferred when it has ended."""

    def report(queue: Queue, *_: object) -> None:
        for _ in range(6):
            later(queue, 20)
            assert jobs.reap(queue) == 0
            jobs.beat(queue, worker.claimant)
        raise OSError("no space")

    jobs.add(queue, "report")
    worker = hired(queue, database, report=report)
    work(worker)
    assert row(queue).state == "waiting"
    assert 82 <= row(queue).next_try - queue.now() <= 111


def test_a_chore_hears_that_its_worker_is_to_stop(queue: Queue, database: str) -> None:
    heard = []

    def report(_queue: Queue, _store: Store, _config: Config, halted: Callable[[], bool]) -> None:
        heard.append(halted())
        worker.stop()
        heard.append(halted())

    jobs.add(queue, "report")
    worker = hired(queue, database, report=report)
    work(worker)
    assert heard == [False, True]


def test_jobs_that_nobody_knows(queue: Queue, database: str) -> None:
    """AD10: a chore, a node, a probe: failed at once, with words that say so, and not tried again."""
    jobs.add(queue, "juggle")
    jobs.add(queue, "probe", "load", node="nowhere")
    jobs.add(queue, "probe", "karma", node="n1")
    jobs.add(queue, "probe", "'; DROP TABLE jobs -- \n", node="n1")
    for _ in range(2):
        work(hired(queue, database))
        later(queue, 10 * MINUTE)
    assert [(one.state, one.attempts) for one in rows(queue)] == [("failed", 1), *[("failed", 0)] * 3]
    said = [one.error for one in rows(queue)]
    assert said[0] == "there is no chore 'juggle'"
    assert "nowhere" in said[1]
    assert "karma" in said[2]


def test_a_worker_that_is_told_to_stop(queue: Queue, database: str) -> None:
    """HK3: the node that is being asked is finished with, the three others are given back unrun."""
    jobs.arm(queue, wanted("n1 n2 n3 n4"))
    worker = hired(queue, database, lambda _ask: worker.stop())
    work(worker)
    assert [one.finished is not None for one in rows(queue)] == [True, False, False, False]
    assert {(one.state, one.worker, one.attempts) for one in rows(queue)} == {("waiting", None, 0)}
    assert jobs.workers(queue) == []


def test_a_worker_that_lost_its_jobs_meanwhile(queue: Queue, database: str, caplog: pytest.LogCaptureFixture) -> None:
    """SK8, CL4: another has claimed all four since; what came of the first changes nothing there."""
    jobs.arm(queue, wanted("n1 n2 n3 n4"))
    taken: list[tuple[Claimant, Batch]] = []

    def lose(_ask: Ask) -> None:
        if not taken:
            later(queue, queue.lease + 1)
            assert jobs.reap(queue) == 4
            other = jobs.enter(queue)
            taken.append((other, begun(queue, other)))

    work(hired(queue, database, lose))
    ((other, batch),) = taken
    assert {(one.state, one.worker, one.finished) for one in rows(queue)} == {("running", other.id, None)}
    assert "after their lease" in caplog.text
    assert jobs.finish(queue, other, batch, ended(batch)) == 4


def counted(queue: Queue) -> int:
    """How many answers are stored."""
    query = sa.select(sa.func.count()).select_from(sa.table("load_series"))
    return queue.read(lambda connection: connection.scalar(query)) or 0


def test_what_comes_after_the_lease_is_not_stored(
    queue: Queue, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker that slept takes what lay in its sockets for fresh: though nobody took its jobs, they are run again."""
    jobs.arm(queue, wanted("n1 n2"))
    asked: list[tuple[str, int]] = []

    def sleep(ask: Ask) -> None:
        stored = counted(queue)
        if not asked:
            later(queue, queue.lease + 1)
        asked.append((ask.node.name, stored))

    work(hired(queue, database, sleep))
    assert asked[0] == ("n1", 0)
    assert sorted(name for name, _ in asked) == ["n1", "n1", "n2", "n2"], "each is asked again"
    assert "answered after their lease, not stored" in caplog.text
    assert counted(queue) == 2, "the second answers are stored"
    assert {(one.state, one.worker, one.error) for one in rows(queue)} == {("waiting", None, "")}


def test_a_worker_that_stays_while_the_database_is_away(
    queue: Queue, database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It could not give back what it held: as soon as it can, it does, and the jobs are run."""
    monkeypatch.setattr("nicassh.collector.loop.PATIENCE", 1.0)
    jobs.arm(queue, wanted("n1 n2 n3 n4"))
    end = time.monotonic() + 20

    def rename(before: str, after: str) -> None:
        queue.write(lambda connection: connection.exec_driver_sql(f"ALTER TABLE {before} RENAME TO {after}"))

    def break_off(_ask: Ask) -> None:
        if not back:
            rename("jobs", "away")
            back.append(threading.Timer(1.5, rename, ("away", "jobs")))
            back[0].start()

    def unfinished() -> bool:
        if back and not back[0].is_alive() and not any(one.finished is None for one in rows(queue)):
            return False
        assert time.monotonic() < end, rows(queue)
        return True

    back: list[threading.Timer] = []
    worker = hired(queue, database, break_off)
    with worker:
        worker.stay(unfinished, Priority.NEGLIGIBLE, None)
    worker._store.engine.dispose()
    assert "trying again" in caplog.text
    assert {(one.state, one.worker) for one in rows(queue)} == {("waiting", None)}


def test_what_comes_due_meanwhile_is_left_to_others(queue: Queue, database: str) -> None:
    """A worker that only does what is due comes to an end, however slow it is."""
    jobs.arm(queue, wanted("n1", every=1, priority=Priority.HIGH))
    asked: list[str] = []

    def slow(ask: Ask) -> None:
        asked.append(ask.node.name)
        later(queue, 5)

    work(hired(queue, database, slow))
    assert asked == ["n1"]
