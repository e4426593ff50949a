"""Workers that die or lose their way: what they held is anybody's, once their lease has run out and not before."""

from __future__ import annotations

import os
import subprocess
import time

import pytest
import sqlalchemy as sa
from queueing import HOUR, MINUTE, MOMENT, begun, claimed, later, named, put, row, rows, run, until, wanted
from servers import Server

from nicassh import tasks as jobs
from nicassh.database import Clock, connect
from nicassh.tasks import Claimant, Priority, Queue
from nicassh.tasks.claimant import Claimant as Worker
from nicassh.tasks.table import WORKERS


def test_what_a_dead_worker_held(queue: Queue, worker: Claimant) -> None:
    """SK1: free when the lease has run out and not before; an attempt counts where the run had begun."""
    jobs.arm(queue, wanted("nc2 nc3 nc4"))
    batch = claimed(queue, worker)
    jobs.start(queue, batch, batch.jobs[:1])
    later(queue, queue.lease)
    assert jobs.reap(queue) == 0
    later(queue, 0.1)
    assert jobs.reap(queue) == 3
    assert [(one.state, one.attempts, one.next_try) for one in rows(queue)] == [
        ("waiting", number, MOMENT) for number in (1, 0, 0)
    ]
    assert "no more sign of life" in rows(queue)[0].error
    assert jobs.workers(queue) == []
    assert len(run(queue, jobs.enter(queue)).jobs) == 3


def test_a_worker_that_lives_is_left_alone(queue: Queue, worker: Claimant) -> None:
    """SK2: whatever its host and process number are; each sign of life is good for one more lease."""
    jobs.arm(queue, wanted("nc2"))
    claimed(queue, worker)
    dead = {"host": "elsewhere", "pid": 2**31 - 1}
    queue.write(lambda connection: connection.execute(sa.update(WORKERS).values(**dead)))
    for _ in range(5):
        later(queue, queue.lease - 1)
        assert jobs.beat(queue, worker)
        assert jobs.reap(queue) == 0
    assert row(queue).worker == worker.id
    assert [one.host for one in jobs.workers(queue)] == ["elsewhere"]


def test_the_process_with_the_number_of_a_dead_worker_lives_on(queue: Queue, worker: Claimant) -> None:
    """SK3."""
    put(queue)
    begun(queue, worker)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        queue.write(lambda connection: connection.execute(sa.update(WORKERS).values(pid=stranger.pid)))
        later(queue, HOUR)
        assert jobs.reap(queue) == 1
        assert stranger.poll() is None
        os.kill(stranger.pid, 0)
        stranger.terminate()


def test_who_slept_for_too_long_is_told(queue: Queue, worker: Claimant) -> None:
    """SK8: its sign of life comes too late; it may claim again, as itself."""
    put(queue)
    begun(queue, worker)
    later(queue, queue.lease + 1)
    jobs.reap(queue)
    assert not jobs.beat(queue, worker)
    assert row(queue).worker is None
    assert claimed(queue, worker).jobs
    assert [one.id for one in jobs.workers(queue)] == [worker.id]


def test_who_slept_and_was_not_missed_goes_on(queue: Queue, worker: Claimant) -> None:
    put(queue)
    begun(queue, worker)
    later(queue, queue.lease + 1)
    assert jobs.beat(queue, worker)
    assert jobs.reap(queue) == 0


def test_a_job_that_workers_die_of_is_put_off(queue: Queue) -> None:
    """After three of them, further and further; a permanent one is never given up."""
    put(queue, every=MINUTE)
    waits = []
    for _ in range(20):
        until(queue, row(queue).next_try)
        begun(queue, jobs.enter(queue))
        later(queue, queue.lease + 1)
        jobs.reap(queue)
        waits.append(row(queue).next_try - queue.now())
    assert all(wait < 0 for wait in waits[:3])
    assert 82 <= waits[3] <= 111
    assert all(queue.ceiling / 2 <= wait <= queue.ceiling for wait in waits[8:])
    until(queue, row(queue).next_try)
    run(queue, jobs.enter(queue))
    assert (row(queue).attempts, row(queue).error) == (0, "")


def test_a_job_that_is_done_once_and_that_workers_die_of_has_failed(queue: Queue) -> None:
    """After 16 of them it stays, visible, and can be retried."""
    jobs.add(queue, "report")
    for number in range(16):
        assert row(queue).state == "waiting", number
        until(queue, row(queue).next_try)
        begun(queue, jobs.enter(queue))
        later(queue, queue.lease + 1)
        jobs.reap(queue)
    assert row(queue).state == "failed"
    assert "no more sign of life" in row(queue).error
    assert jobs.retry(queue) == 1


def test_a_worker_that_ends_in_order_gives_back_what_it_holds(queue: Queue, worker: Claimant) -> None:
    """HK3: at once, and a run that was given up in order is no attempt."""
    jobs.arm(queue, wanted("nc2 nc3"))
    batch = claimed(queue, worker)
    jobs.start(queue, batch, batch.jobs[:1])
    assert jobs.leave(queue, worker) == 2
    assert [(one.state, one.attempts, one.worker) for one in rows(queue)] == [("waiting", 0, None)] * 2
    assert jobs.workers(queue) == []
    assert worker.batch is None


def test_releasing_is_not_leaving(queue: Queue, worker: Claimant) -> None:
    put(queue)
    claimed(queue, worker)
    assert jobs.release(queue, worker) == 1
    assert [(one.jobs, one.priority) for one in jobs.workers(queue)] == [(0, None)]
    assert claimed(queue, worker).jobs


@pytest.mark.parametrize("ahead", [-7200.0, 7200.0])
def test_head_nodes_with_clocks_apart(ahead: float, database: str, queue: Queue, worker: Claimant) -> None:
    """The clock of the server is the one that counts; an SQLite file is for one machine alone."""
    right, wrong = Queue(connect(database)), Queue(connect(database), clock=Clock(lambda: right.clock._own() + ahead))
    for one in (right, wrong):
        one.create()
    server = queue.engine.dialect.name != "sqlite"
    assert (abs(right.now() - wrong.now()) < 5) == server
    if server:
        put(right)
        mine = jobs.enter(right)
        assert named(begun(right, mine)) == [("nc2", "load")]
        assert jobs.reap(wrong) == 0
        assert jobs.claim(wrong, jobs.enter(wrong)) is None
        assert jobs.beat(wrong, mine)
        assert abs(row(right).lease_until - right.now() - right.lease) < 5
    for one in (right, wrong):
        one.engine.dispose()


def test_a_head_node_whose_clock_is_set_wrong_while_it_works(server: Server) -> None:
    """It asks the server for the time before it takes anybody's jobs away."""
    step = [0.0]
    with server.fresh() as url:
        wrong = Queue(connect(url), clock=Clock(lambda: time.time() + step[0]))
        wrong.create()
        put(wrong)
        begun(wrong, jobs.enter(wrong))
        step[0] = HOUR
        assert jobs.reap(wrong) == 0
        assert len(jobs.workers(wrong)) == 1
        wrong.engine.dispose()


def test_a_clock_that_is_set_back(queue: Queue, worker: Claimant) -> None:
    """What was to be done in ten years by a wrong clock is due; who died meanwhile does not live for ten years."""
    jobs.arm(queue, wanted("nc2 nc3"))
    jobs.arm(queue, [*wanted("nc2 nc3"), *wanted("nc2", "software", every=24 * HOUR)])
    later(queue, 10 * 365 * 24 * HOUR)
    run(queue, worker)
    jobs.now(queue, ["nc3"])
    begun(queue, jobs.enter(queue))
    later(queue, -10 * 365 * 24 * HOUR)
    assert jobs.reap(queue) == 1
    assert {(one.state, one.next_try <= queue.now()) for one in rows(queue)} == {("waiting", True)}
    assert jobs.workers(queue) == []


def test_what_waits_for_its_time_waits_on(queue: Queue, worker: Claimant) -> None:
    """However long its period, and also where it failed."""
    jobs.arm(queue, [*wanted("nc2"), *wanted("nc2", "software", every=24 * HOUR)])
    later(queue, 1)
    for _ in range(12):
        run(queue, worker, "failed: no")
        before = rows(queue)
        jobs.reap(queue)
        assert rows(queue) == before
        until(queue, max(one.next_try for one in before))


def test_workers_rest_in_the_order_in_which_they_came(queue: Queue) -> None:
    here = []
    for _ in range(3):
        here.append(jobs.enter(queue))
        later(queue, 1)
    away = Worker(host="elsewhere")
    queue.write(lambda connection: connection.execute(sa.insert(WORKERS), [away.row(queue)]))
    assert [jobs.rank(queue, one) for one in (*here, away)] == [0, 1, 2, 0]
    jobs.leave(queue, here[0])
    assert [jobs.rank(queue, one) for one in here] == [2, 0, 1]
    assert jobs.claim(queue, here[1], down_to=Priority.LOW) is None
