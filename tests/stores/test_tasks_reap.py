"""Collectors that die or lose their way: what they held is anybody's, once their lease has run out and not before."""

from __future__ import annotations

import os
import subprocess
import time

import pytest
import sqlalchemy as sa
from servers import Server
from task_rows import HOUR, MINUTE, MOMENT, begun, claimed, later, named, put, row, rows, run, until, wanted

from nicassh import tasks
from nicassh.database import Clock, connect
from nicassh.tasks import Priority, Registration, TaskList
from nicassh.tasks.liveness import Registration as Collector
from nicassh.tasks.model import COLLECTORS


def test_what_a_dead_collector_held(task_list: TaskList, collector: Registration) -> None:
    """SK1: free when the lease has run out and not before; an attempt counts where the run had begun."""
    tasks.sync_periodic(task_list, wanted("nc2 nc3 nc4"))
    batch = claimed(task_list, collector)
    tasks.start(task_list, batch, batch.tasks[:1])
    later(task_list, task_list.lease)
    assert tasks.reap(task_list) == 0
    later(task_list, 0.1)
    assert tasks.reap(task_list) == 3
    assert [(one.state, one.attempts, one.next_try) for one in rows(task_list)] == [
        ("waiting", number, MOMENT) for number in (1, 0, 0)
    ]
    assert "no more sign of life" in rows(task_list)[0].error
    assert tasks.live_collectors(task_list) == []
    assert len(run(task_list, tasks.register(task_list)).tasks) == 3


def test_a_collector_that_lives_is_left_alone(task_list: TaskList, collector: Registration) -> None:
    """SK2: whatever its host and process number are; each sign of life is good for one more lease."""
    tasks.sync_periodic(task_list, wanted("nc2"))
    claimed(task_list, collector)
    dead = {"host": "elsewhere", "pid": 2**31 - 1}
    task_list.write(lambda connection: connection.execute(sa.update(COLLECTORS).values(**dead)))
    for _ in range(5):
        later(task_list, task_list.lease - 1)
        assert tasks.heartbeat(task_list, collector)
        assert tasks.reap(task_list) == 0
    assert row(task_list).collector == collector.id
    assert [one.host for one in tasks.live_collectors(task_list)] == ["elsewhere"]


def test_the_process_with_the_number_of_a_dead_collector_lives_on(task_list: TaskList, collector: Registration) -> None:
    """SK3."""
    put(task_list)
    begun(task_list, collector)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        task_list.write(lambda connection: connection.execute(sa.update(COLLECTORS).values(pid=stranger.pid)))
        later(task_list, HOUR)
        assert tasks.reap(task_list) == 1
        assert stranger.poll() is None
        os.kill(stranger.pid, 0)
        stranger.terminate()


def test_who_slept_for_too_long_is_told(task_list: TaskList, collector: Registration) -> None:
    """SK8: its sign of life comes too late; it may claim again, as itself."""
    put(task_list)
    begun(task_list, collector)
    later(task_list, task_list.lease + 1)
    tasks.reap(task_list)
    assert not tasks.heartbeat(task_list, collector)
    assert row(task_list).collector is None
    assert claimed(task_list, collector).tasks
    assert [one.id for one in tasks.live_collectors(task_list)] == [collector.id]


def test_who_slept_and_was_not_missed_goes_on(task_list: TaskList, collector: Registration) -> None:
    put(task_list)
    begun(task_list, collector)
    later(task_list, task_list.lease + 1)
    assert tasks.heartbeat(task_list, collector)
    assert tasks.reap(task_list) == 0


def test_a_task_that_collectors_die_of_is_put_off(task_list: TaskList) -> None:
    """After three of them, further and further; a periodic one is never given up."""
    put(task_list, every=MINUTE)
    waits = []
    for _ in range(20):
        until(task_list, row(task_list).next_try)
        begun(task_list, tasks.register(task_list))
        later(task_list, task_list.lease + 1)
        tasks.reap(task_list)
        waits.append(row(task_list).next_try - task_list.now())
    assert all(wait < 0 for wait in waits[:3])
    assert 82 <= waits[3] <= 111
    assert all(task_list.ceiling / 2 <= wait <= task_list.ceiling for wait in waits[8:])
    until(task_list, row(task_list).next_try)
    run(task_list, tasks.register(task_list))
    assert (row(task_list).attempts, row(task_list).error) == (0, "")


def test_a_task_that_is_done_once_and_that_collectors_die_of_has_failed(task_list: TaskList) -> None:
    """After 16 of them it stays, visible, and can be retried."""
    tasks.enqueue(task_list, "report")
    for number in range(16):
        assert row(task_list).state == "waiting", number
        until(task_list, row(task_list).next_try)
        begun(task_list, tasks.register(task_list))
        later(task_list, task_list.lease + 1)
        tasks.reap(task_list)
    assert row(task_list).state == "failed"
    assert "no more sign of life" in row(task_list).error
    assert tasks.retry(task_list) == 1


def test_a_collector_that_ends_in_order_gives_back_what_it_holds(task_list: TaskList, collector: Registration) -> None:
    """HK3: at once, and a run that was given up in order is no attempt."""
    tasks.sync_periodic(task_list, wanted("nc2 nc3"))
    batch = claimed(task_list, collector)
    tasks.start(task_list, batch, batch.tasks[:1])
    assert tasks.unregister(task_list, collector) == 2
    assert [(one.state, one.attempts, one.collector) for one in rows(task_list)] == [("waiting", 0, None)] * 2
    assert tasks.live_collectors(task_list) == []
    assert collector.batch is None


def test_releasing_is_not_leaving(task_list: TaskList, collector: Registration) -> None:
    put(task_list)
    claimed(task_list, collector)
    assert tasks.release(task_list, collector) == 1
    assert [(one.tasks, one.priority) for one in tasks.live_collectors(task_list)] == [(0, None)]
    assert claimed(task_list, collector).tasks


@pytest.mark.parametrize("ahead", [-7200.0, 7200.0])
def test_head_nodes_with_clocks_apart(
    ahead: float, database: str, task_list: TaskList, collector: Registration
) -> None:
    """The clock of the server is the one that counts; an SQLite file is for one machine alone."""
    right, wrong = (
        TaskList(connect(database)),
        TaskList(connect(database), clock=Clock(lambda: right.clock._own() + ahead)),
    )
    for one in (right, wrong):
        one.create()
    server = task_list.engine.dialect.name != "sqlite"
    assert (abs(right.now() - wrong.now()) < 5) == server
    if server:
        put(right)
        mine = tasks.register(right)
        assert named(begun(right, mine)) == [("nc2", "load")]
        assert tasks.reap(wrong) == 0
        assert tasks.claim(wrong, tasks.register(wrong)) is None
        assert tasks.heartbeat(wrong, mine)
        assert abs(row(right).lease_until - right.now() - right.lease) < 5
    for one in (right, wrong):
        one.engine.dispose()


def test_a_head_node_whose_clock_is_set_wrong_while_it_works(server: Server) -> None:
    """It asks the server for the time before it takes anybody's tasks away."""
    step = [0.0]
    with server.fresh() as url:
        wrong = TaskList(connect(url), clock=Clock(lambda: time.time() + step[0]))
        wrong.create()
        put(wrong)
        begun(wrong, tasks.register(wrong))
        step[0] = HOUR
        assert tasks.reap(wrong) == 0
        assert len(tasks.live_collectors(wrong)) == 1
        wrong.engine.dispose()


def test_a_clock_that_is_set_back(task_list: TaskList, collector: Registration) -> None:
    """What was to be done in ten years by a wrong clock is due; who died meanwhile does not live for ten years."""
    tasks.sync_periodic(task_list, wanted("nc2 nc3"))
    tasks.sync_periodic(task_list, [*wanted("nc2 nc3"), *wanted("nc2", "software", every=24 * HOUR)])
    later(task_list, 10 * 365 * 24 * HOUR)
    run(task_list, collector)
    tasks.run_now(task_list, ["nc3"])
    begun(task_list, tasks.register(task_list))
    later(task_list, -10 * 365 * 24 * HOUR)
    assert tasks.reap(task_list) == 1
    assert {(one.state, one.next_try <= task_list.now()) for one in rows(task_list)} == {("waiting", True)}
    assert tasks.live_collectors(task_list) == []


def test_what_waits_for_its_time_waits_on(task_list: TaskList, collector: Registration) -> None:
    """However long its period, and also where it failed."""
    tasks.sync_periodic(task_list, [*wanted("nc2"), *wanted("nc2", "software", every=24 * HOUR)])
    later(task_list, 1)
    for _ in range(12):
        run(task_list, collector, "failed: no")
        before = rows(task_list)
        tasks.reap(task_list)
        assert rows(task_list) == before
        until(task_list, max(one.next_try for one in before))


def test_collectors_rest_in_the_order_in_which_they_came(task_list: TaskList) -> None:
    here = []
    for _ in range(3):
        here.append(tasks.register(task_list))
        later(task_list, 1)
    away = Collector(host="elsewhere")
    task_list.write(lambda connection: connection.execute(sa.insert(COLLECTORS), [away.row(task_list)]))
    assert [tasks.rank(task_list, one) for one in (*here, away)] == [0, 1, 2, 0]
    tasks.unregister(task_list, here[0])
    assert [tasks.rank(task_list, one) for one in here] == [2, 0, 1]
    assert tasks.claim(task_list, here[1], down_to=Priority.LOW) is None
