"""Permanent jobs are those that the inventory and the probes want, whatever was there before."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from multitude import at_once
from queueing import HOUR, MINUTE, MOMENT, begun, claimed, ended, later, named, put, row, rows, run, wanted

from nicassh import tasks as jobs
from nicassh.database import connect
from nicassh.tasks import Claimant, Priority, Queue
from nicassh.tasks.table import CLASSES


def test_new_ones_are_due_at_once_and_once(queue: Queue, worker: Claimant) -> None:
    assert jobs.arm(queue, wanted("nc2 nc3", "load disks")) == 4
    assert jobs.arm(queue, wanted("nc2 nc3", "load disks")) == 0
    assert [one.next_try for one in rows(queue)] == [MOMENT] * 4
    assert len(claimed(queue, worker).jobs) == 4


def test_one_that_ran_is_due_at_its_next_whole_period(queue: Queue, worker: Claimant) -> None:
    jobs.arm(queue, wanted("nc2"))
    later(queue, 7)
    run(queue, worker)
    assert row(queue).next_try == MOMENT + MINUTE
    assert jobs.claim(queue, worker) is None
    later(queue, MINUTE - 7)
    assert named(run(queue, worker)) == [("nc2", "load")]


def test_periods_that_nobody_worked_in_are_left_out(queue: Queue, worker: Claimant) -> None:
    jobs.arm(queue, wanted("nc2"))
    later(queue, 10 * HOUR + 5)
    run(queue, worker)
    assert row(queue).next_try == MOMENT + 10 * HOUR + MINUTE


def test_nodes_come_and_go(queue: Queue, worker: Claimant) -> None:
    jobs.arm(queue, wanted("nc2 nc3"))
    run(queue, worker)
    assert jobs.arm(queue, wanted("nc3 nc4")) == 2
    assert [(one.node, one.finished) for one in rows(queue)] == [("nc3", MOMENT), ("nc4", None)]


def test_a_job_that_runs_goes_when_it_is_armed_the_next_time(queue: Queue, worker: Claimant) -> None:
    jobs.arm(queue, wanted("nc2", "load disks"))
    batch = begun(queue, worker)
    jobs.arm(queue, wanted("nc2", "load"))
    assert jobs.finish(queue, worker, batch, ended(batch)) == 2
    jobs.arm(queue, wanted("nc2", "load"))
    assert [one.argument for one in rows(queue)] == ["load"]


def test_a_job_is_wanted_again_while_its_last_run_goes_on(queue: Queue, worker: Claimant) -> None:
    jobs.arm(queue, wanted("nc2"))
    batch = begun(queue, worker)
    jobs.arm(queue, [])
    jobs.arm(queue, wanted("nc2"))
    jobs.finish(queue, worker, batch, ended(batch))
    assert row(queue).next_try == MOMENT + MINUTE


@pytest.mark.parametrize(("every", "due"), [(MINUTE, MINUTE), (2 * HOUR, HOUR)], ids=["shorter", "longer"])
def test_a_changed_period(every: int, due: float, queue: Queue, worker: Claimant) -> None:
    """A shorter one counts from now on, a longer one from the next run."""
    hour = MOMENT % HOUR
    jobs.arm(queue, wanted("nc2", every=HOUR))
    run(queue, worker)
    assert jobs.arm(queue, wanted("nc2", every=every)) == 1
    assert row(queue).next_try == MOMENT + min(due, HOUR - hour)
    assert row(queue).every == every


def test_a_changed_priority_holds_from_now_on(queue: Queue, worker: Claimant) -> None:
    jobs.arm(queue, wanted("nc2", priority=Priority.LOW))
    jobs.arm(queue, wanted("nc2", priority=Priority.CRITICAL))
    assert claimed(queue, worker).priority == Priority.CRITICAL


def test_a_deferred_job_stays_deferred(queue: Queue, worker: Claimant) -> None:
    jobs.arm(queue, wanted("nc2"))
    run(queue, worker, "timeout: it hangs")
    before = row(queue)
    jobs.arm(queue, wanted("nc2 nc3"))
    assert row(queue, node="nc2") == before


def test_jobs_that_are_done_once_are_left_alone(queue: Queue) -> None:
    put(queue, "nc9", "disks")
    jobs.add(queue, "tidy")
    jobs.arm(queue, wanted("nc2"))
    jobs.arm(queue, [])
    assert [one.every for one in rows(queue)] == [None, None]


def test_several_programs_that_arm_at_once_make_no_job_twice(database: str, queue: Queue) -> None:
    queues = [Queue(connect(database), clock=queue.clock) for _ in range(4)]
    nodes = " ".join(f"nc{number}" for number in range(50))
    at_once(*(lambda queue=one: jobs.arm(queue, wanted(nodes, "load disks")) for one in queues))
    assert len({(one.node, one.argument) for one in rows(queue)}) == len(rows(queue)) == 100
    at_once(*(lambda queue=one: jobs.arm(queue, wanted("nc1", "load")) for one in queues))
    assert len(rows(queue)) == 1
    for one in queues:
        one.engine.dispose()


def test_several_programs_that_make_the_tables_at_once(database: str, queue: Queue) -> None:
    """Also where one was ended after it had made them, and before they were filled."""
    queues = [Queue(connect(database)) for _ in range(6)]
    for _ in range(5):
        queues[0].write(lambda connection: connection.execute(sa.delete(CLASSES)))
        at_once(*(one.create for one in queues))
        count = queues[0].read(lambda connection: connection.scalar(sa.select(sa.func.count()).select_from(CLASSES)))
        assert count == len(Priority)
    for one in queues:
        one.engine.dispose()


def test_names_that_differ_by_case_or_are_long(queue: Queue, worker: Claimant) -> None:
    nodes = ["nc2", "NC2", "n" * 255, "n" * 254 + "N"]
    goal = wanted(" ".join(nodes), f"load Load {'p' * 255}")
    assert jobs.arm(queue, goal) == len(goal) == 12
    assert jobs.arm(queue, goal) == 0
    assert sorted(named(run(queue, worker))) == sorted((one.node, one.argument) for one in goal)
    assert jobs.now(queue, ["NC2"], "load") == 1
    assert named(claimed(queue, worker)) == [("NC2", "load")]
