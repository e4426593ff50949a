"""A real collector process that is killed, halted, too slow or at work: what becomes of its tasks."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from labour import LEASE, MANY, NODES, add_nap, awaited, hired
from task_rows import Driven, begun, ended, rows, wanted

from nicassh import tasks
from nicassh.collection.run import NodeResult
from nicassh.collector import Collector
from nicassh.config.settings import Config
from nicassh.database import connect
from nicassh.inventory import Node
from nicassh.probes import loader as probe
from nicassh.store import Store
from nicassh.tasks import ClaimedBatch, Priority, TaskList


@pytest.fixture
def task_list(database: str) -> Iterator[TaskList]:
    """The task list as another monitoring host sees it, in a time of its own."""
    task_list = TaskList(connect(database), lease=LEASE, clock=Driven(time.time()))
    task_list.create()
    yield task_list
    task_list.engine.dispose()


def napping(found: list[Any]) -> bool:
    """Whether the first task has begun."""
    return any(one.started for one in found)


def at(task_list: TaskList, moment: float) -> TaskList:
    """The task list at this moment."""
    task_list.clock = Driven(moment)
    return task_list


def test_a_collector_that_is_killed(task_list: TaskList, database: str, tmp_path: Path) -> None:
    """SK1: of three tasks one had begun; one lease later all of them can be claimed, and one attempt counts."""
    with hired(database, tmp_path, 30, "n1 n2 n3") as process:
        awaited(task_list, napping)
        process.kill()
    killed = time.time()
    assert tasks.reap(at(task_list, killed - 1)) == 0
    assert tasks.reap(at(task_list, killed + LEASE)) == 3
    assert [one.attempts for one in rows(task_list)] == [1, 0, 0]
    assert len(begun(task_list, tasks.register(task_list)).tasks) == 3


def test_a_collector_that_is_at_work(task_list: TaskList, database: str, tmp_path: Path) -> None:
    """SK2: whoever reaps leaves it alone, also when its first lease is over."""
    with hired(database, tmp_path, 30, "n1") as process:
        (first,) = awaited(task_list, napping)
        awaited(task_list, lambda found: found[0].lease_until > first.lease_until + 0.5)
        assert tasks.reap(at(task_list, first.lease_until + 0.1)) == 0
        assert tasks.claim(task_list, tasks.register(task_list)) is None
        assert rows(task_list)[0].token == first.token
        process.kill()


def test_a_collector_that_is_slow_with_many_tasks(tmp_path: Path) -> None:
    """SK6: five naps of one second, of which none may take three: that the last one waited for four is no matter."""
    url = f"sqlite:///{tmp_path}/nicamon.db"
    with hired(url, tmp_path, 1, NODES, seconds=3) as process:
        assert process.wait(30) == 0
    task_list = TaskList(connect(url))
    assert [(one.priority, one.state, one.error, one.failures) for one in rows(task_list)] == [
        (20, "waiting", "", 0)
    ] * 5
    assert all(one.finished for one in rows(task_list))
    task_list.engine.dispose()


def test_a_collector_that_is_long_at_work_with_short_tasks(tmp_path: Path) -> None:
    """A task that began and ended between two looks of the recorder is not watched for ever: none may take a second."""
    url = f"sqlite:///{tmp_path}/nicamon.db"
    with hired(url, tmp_path, 0.05, MANY, seconds=1) as process:
        assert process.wait(30) == 0


def test_a_task_that_never_ends(task_list: TaskList, database: str, tmp_path: Path) -> None:
    """SK7: nobody else gets it as long as the process lives, which ends itself; SK4: then it is one class lower."""
    other = tasks.register(task_list)
    with hired(database, tmp_path, 40, "n1", seconds=1) as process:
        awaited(task_list, napping)
        while (batch := tasks.claim(at(task_list, time.time()), other)) is None:
            tasks.reap(task_list)
            time.sleep(0.05)
        assert process.wait(5) == 70
    assert batch.priority == Priority.MEDIUM
    assert rows(task_list)[0].attempts == 1


def test_a_collector_that_is_halted_for_longer_than_its_lease(
    task_list: TaskList, database: str, tmp_path: Path
) -> None:
    """SK8, CL4: it says so, touches nothing that is another's now, and begins with no other task of its batch."""
    with hired(database, tmp_path, 1, "n1 n2 n3") as process:
        awaited(task_list, napping)
        process.send_signal(signal.SIGSTOP)
        assert tasks.reap(at(task_list, time.time() + LEASE + 1)) == 3
        other = tasks.register(task_list)
        batch = begun(task_list, other)
        before = rows(task_list)
        time.sleep(LEASE)
        process.send_signal(signal.SIGCONT)
        _, words = process.communicate(timeout=30)
        assert process.returncode == 0
    assert "lease" in words
    assert rows(task_list) == before
    assert tasks.complete(task_list, other, batch, ended(batch)) == 3


def test_a_collector_whose_event_loop_stands_still(task_list: TaskList, database: str, tmp_path: Path) -> None:
    """Its tasks go to another, though its recorder lives; when it goes on, it touches nothing of what is another's."""
    other = tasks.register(task_list)
    batches: list[ClaimedBatch] = []

    def stand_still(_answered: NodeResult) -> None:
        end = time.monotonic() + 15 * LEASE
        while not batches and time.monotonic() < end:
            time.sleep(LEASE / 10)
            tasks.reap(at(task_list, time.time()))
            if batch := tasks.claim(task_list, other):
                tasks.start(task_list, batch, batch.tasks)
                batches.append(batch)

    add_nap(tmp_path, 0)
    known = [probe.load(tmp_path / "nap")]
    store = Store(database, known)
    store.create()
    tasks.sync_periodic(task_list, wanted("n1 n2 n3", "nap", Priority.HIGH, 3600))
    own = TaskList(store.engine, lease=LEASE)
    nodes = [Node(name, "", transport="local") for name in ("n1", "n2", "n3")]
    with Collector(own, store, nodes, known, Config(fanout=1), seen=stand_still) as collector:
        collector.work()
    store.engine.dispose()
    (batch,) = batches
    assert [one.id for one in rows(task_list) if one.token == batch.token] == [task.id for task in batch.tasks]
    assert tasks.complete(task_list, other, batch, ended(batch)) == len(batch.tasks)
