"""Several workers that meet a node that is out of reach: one job of it tries again, always."""

from __future__ import annotations

import pytest
from multitude import at_once
from pausing import AWAY, BACK, PAUSED, armed, away, only, states
from queueing import begun, ended, later, named, run

from nicassh import tasks as jobs
from nicassh.database import connect
from nicassh.tasks import Claimant, Ended, Queue


@pytest.fixture(autouse=True)
def farm(queue: Queue) -> None:
    armed(queue)


def test_two_workers_that_meet_it_at_once_leave_one_that_tries(database: str, queue: Queue) -> None:
    """Whoever comes first."""
    pair = [Queue(connect(database), clock=queue.clock) for _ in range(2)]
    workers = [jobs.enter(one) for one in pair]
    for _ in range(8):
        jobs.now(queue, ["nc2"])
        batches = [only(pair[0], workers[0], "software"), only(pair[1], workers[1], "load")]
        met = zip(pair, batches, strict=True)
        at_once(*(lambda q=q, b=b: jobs.pause(q, b, AWAY) for q, b in met))
        assert sorted(states(queue).values()) == ["paused"] * 3 + ["waiting"]
    for one in pair:
        one.engine.dispose()


def test_a_job_that_another_worker_runs_meanwhile(queue: Queue, worker: Claimant) -> None:
    """It is left alone, and when it has ended there is still a job that tries the node and wakes the others."""
    jobs.now(queue)
    slow = jobs.take(queue, worker, [("nc2", "users")])
    other = jobs.enter(queue)
    batch = begun(queue, other)
    assert named(batch) == [("nc2", "load"), ("nc3", "load")]
    jobs.pause(queue, slow, AWAY)
    assert states(queue)["load"] == "running"
    assert sorted(states(queue).values()) == ["paused", "paused", "running", "waiting"]
    jobs.finish(queue, other, batch, ended(batch))
    later(queue, 111)
    jobs.finish(queue, other, last := begun(queue, other), ended(last))
    for _ in range(3):
        if batch := jobs.claim(queue, other, 9, 9):
            jobs.finish(queue, other, batch, ended(batch))
            other.batch = None
    assert "paused" not in states(queue).values()


def test_jobs_that_fail_on_a_paused_node_wait_with_the_others(queue: Queue, worker: Claimant) -> None:
    slow = only(queue, jobs.enter(queue), "software")
    jobs.pause(queue, only(queue, worker, "load"), AWAY)
    assert states(queue) == {**PAUSED, "software": "running"}
    jobs.finish(queue, worker, slow, ended(slow, "truncated: cut"))
    jobs.follow(queue, slow.jobs)
    assert states(queue) == PAUSED


def test_jobs_that_fail_on_a_node_that_is_not_paused_do_not(queue: Queue, worker: Claimant) -> None:
    batch = run(queue, worker, "truncated: cut")
    jobs.follow(queue, batch.jobs)
    assert states(queue) == BACK


def test_the_job_that_tries_it_never_pauses_itself(queue: Queue, worker: Claimant) -> None:
    """A node that breaks off in the middle of each answer is tried again all the same."""
    away(queue, worker)
    for _ in range(3):
        later(queue, queue.ceiling)
        batch = begun(queue, worker)
        failed = [Ended(job, "truncated: cut") for job in batch.jobs if job.node == "nc2"]
        assert [run.job.argument for run in failed] == ["load"]
        jobs.finish(queue, worker, batch, [*failed, *(Ended(job) for job in batch.jobs if job.node != "nc2")])
        jobs.follow(queue, [run.job for run in failed])
        assert states(queue) == PAUSED
