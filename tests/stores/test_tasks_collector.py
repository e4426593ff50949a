"""The collector itself on the task list, with housekeeping tasks of the test's own and this machine as its nodes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from task_rows import MINUTE, begun, ended, later, row, rows, wanted
from unit_rows import PROBES

from nicassh import tasks
from nicassh.collection.run import NodeRequest
from nicassh.collector import Collector
from nicassh.collector.housekeeping import HousekeepingTask
from nicassh.collector.saving import NodeTasks
from nicassh.config.settings import Config
from nicassh.inventory import Node
from nicassh.store import Store
from nicassh.tasks import ClaimedBatch, Priority, Registration, TaskList

LOAD = [probe for probe in PROBES if probe.name == "load"]
NODES = [Node(f"n{number}", "", transport="local") for number in range(1, 5)]


def hired(
    task_list: TaskList,
    database: str,
    started: Callable[[NodeRequest[NodeTasks]], None] = lambda _request: None,
    **housekeeping: HousekeepingTask,
) -> Collector:
    """A collector that asks its nodes one by one."""
    store = Store(database, LOAD)
    store.create()
    return Collector(task_list, store, NODES, LOAD, Config(fanout=1), started=started, housekeeping=housekeeping)


def work(collector: Collector) -> None:
    """Has it work until nothing is due."""
    with collector:
        collector.work()
    collector._store.engine.dispose()


def test_a_housekeeping_that_fails_is_deferred(
    task_list: TaskList, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    """BO4: like any task that failed, with what it met as its error; the collector goes on."""

    def report(*_: object) -> None:
        raise OSError("no space")

    tasks.enqueue(task_list, "report")
    tasks.enqueue(task_list, "prune")
    done = []
    work(hired(task_list, database, report=report, prune=lambda task_list, *_: done.append(task_list)))
    (left,) = rows(task_list)
    assert (left.kind, left.state, left.failures, left.attempts) == ("report", "waiting", 1, 1)
    assert left.error == "OSError: no space"
    assert 82 <= left.next_try - task_list.now() <= 111
    assert done == [task_list]
    assert "no space" in caplog.text


def test_a_housekeeping_that_fails_and_takes_its_time(task_list: TaskList, database: str) -> None:
    """BO3: two minutes, which is longer than its delay; it is still deferred when it has ended."""

    def report(task_list: TaskList, *_: object) -> None:
        for _ in range(6):
            later(task_list, 20)
            assert tasks.reap(task_list) == 0
            tasks.heartbeat(task_list, collector.registration)
        raise OSError("no space")

    tasks.enqueue(task_list, "report")
    collector = hired(task_list, database, report=report)
    work(collector)
    assert row(task_list).state == "waiting"
    assert 82 <= row(task_list).next_try - task_list.now() <= 111


def test_a_housekeeping_hears_that_its_collector_is_to_stop(task_list: TaskList, database: str) -> None:
    heard = []

    def report(_task_list: TaskList, _store: Store, _config: Config, halted: Callable[[], bool]) -> None:
        heard.append(halted())
        collector.stop()
        heard.append(halted())

    tasks.enqueue(task_list, "report")
    collector = hired(task_list, database, report=report)
    work(collector)
    assert heard == [False, True]


def test_tasks_that_nobody_knows(task_list: TaskList, database: str) -> None:
    """AD10: a housekeeping task, a node, a probe: failed at once, with words that say so, and not tried again."""
    tasks.enqueue(task_list, "juggle")
    tasks.enqueue(task_list, "probe", "load", node="nowhere")
    tasks.enqueue(task_list, "probe", "karma", node="n1")
    tasks.enqueue(task_list, "probe", "'; DROP TABLE tasks -- \n", node="n1")
    for _ in range(2):
        work(hired(task_list, database))
        later(task_list, 10 * MINUTE)
    assert [(one.state, one.attempts) for one in rows(task_list)] == [("failed", 1), *[("failed", 0)] * 3]
    said = [one.error for one in rows(task_list)]
    assert said[0] == "there is no housekeeping task 'juggle'"
    assert "nowhere" in said[1]
    assert "karma" in said[2]


def test_a_collector_that_is_told_to_stop(task_list: TaskList, database: str) -> None:
    """HK3: the node that is being asked is finished with, the three others are given back unrun."""
    tasks.sync_periodic(task_list, wanted("n1 n2 n3 n4"))
    collector = hired(task_list, database, lambda _ask: collector.stop())
    work(collector)
    assert [one.finished is not None for one in rows(task_list)] == [True, False, False, False]
    assert {(one.state, one.collector, one.attempts) for one in rows(task_list)} == {("waiting", None, 0)}
    assert tasks.live_collectors(task_list) == []


def test_a_collector_that_lost_its_tasks_meanwhile(
    task_list: TaskList, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    """SK8, CL4: another has claimed all four since; what came of the first changes nothing there."""
    tasks.sync_periodic(task_list, wanted("n1 n2 n3 n4"))
    taken: list[tuple[Registration, ClaimedBatch]] = []

    def lose(_ask: NodeRequest) -> None:
        if not taken:
            later(task_list, task_list.lease + 1)
            assert tasks.reap(task_list) == 4
            other = tasks.register(task_list)
            taken.append((other, begun(task_list, other)))

    work(hired(task_list, database, lose))
    ((other, batch),) = taken
    assert {(one.state, one.collector, one.finished) for one in rows(task_list)} == {("running", other.id, None)}
    assert "after their lease" in caplog.text
    assert tasks.complete(task_list, other, batch, ended(batch)) == 4


def counted(task_list: TaskList) -> int:
    """How many answers are stored."""
    query = sa.select(sa.func.count()).select_from(sa.table("load_series"))
    return task_list.read(lambda connection: connection.scalar(query)) or 0


def test_what_comes_after_the_lease_is_not_stored(
    task_list: TaskList, database: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A collector that slept takes old answers for fresh: though nobody took its tasks, they are run again."""
    tasks.sync_periodic(task_list, wanted("n1 n2"))
    asked: list[tuple[str, int]] = []

    def sleep(ask: NodeRequest) -> None:
        stored = counted(task_list)
        if not asked:
            later(task_list, task_list.lease + 1)
        asked.append((ask.node.name, stored))

    work(hired(task_list, database, sleep))
    assert asked[0] == ("n1", 0)
    assert sorted(name for name, _ in asked) == ["n1", "n1", "n2", "n2"], "each is asked again"
    assert "answered after their lease, not stored" in caplog.text
    assert counted(task_list) == 2, "the second answers are stored"
    assert {(one.state, one.collector, one.error) for one in rows(task_list)} == {("waiting", None, "")}


def test_a_collector_that_stays_while_the_database_is_away(
    task_list: TaskList, database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It could not give back what it held: as soon as it can, it does, and the tasks are run."""
    monkeypatch.setattr("nicassh.collector.loop.RETRY_AFTER", 1.0)
    tasks.sync_periodic(task_list, wanted("n1 n2 n3 n4"))
    end = time.monotonic() + 20

    def rename(before: str, after: str) -> None:
        task_list.write(lambda connection: connection.exec_driver_sql(f"ALTER TABLE {before} RENAME TO {after}"))

    def break_off(_ask: NodeRequest) -> None:
        if not back:
            rename("tasks", "away")
            back.append(threading.Timer(1.5, rename, ("away", "tasks")))
            back[0].start()

    def unfinished() -> bool:
        if back and not back[0].is_alive() and not any(one.finished is None for one in rows(task_list)):
            return False
        assert time.monotonic() < end, rows(task_list)
        return True

    back: list[threading.Timer] = []
    collector = hired(task_list, database, break_off)
    with collector:
        collector.stay(unfinished, Priority.BACKGROUND, None)
    collector._store.engine.dispose()
    assert "trying again" in caplog.text
    assert {(one.state, one.collector) for one in rows(task_list)} == {("waiting", None)}


def test_what_comes_due_meanwhile_is_left_to_others(task_list: TaskList, database: str) -> None:
    """A collector that only does what is due comes to an end, however slow it is."""
    tasks.sync_periodic(task_list, wanted("n1", every=1, priority=Priority.HIGH))
    asked: list[str] = []

    def slow(ask: NodeRequest) -> None:
        asked.append(ask.node.name)
        later(task_list, 5)

    work(hired(task_list, database, slow))
    assert asked == ["n1"]
