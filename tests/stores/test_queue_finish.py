"""What becomes of a job when its run ends."""

from __future__ import annotations

import pytest
from queueing import HOUR, MINUTE, MOMENT, begun, claimed, ended, later, put, row, rows, run, wanted

from nicassh import tasks as jobs
from nicassh.tasks import Claimant, Ended, Priority, Queue, backoff


def free(one: object) -> bool:
    """Whether nobody holds a job."""
    return all(getattr(one, name) is None for name in ("worker", "token", "lease_until", "started"))


def test_a_permanent_job_is_armed_again_and_one_that_is_done_once_goes(queue: Queue, worker: Claimant) -> None:
    jobs.arm(queue, wanted("nc2"))
    jobs.add(queue, "probe", "load", node="nc2")
    assert len(run(queue, worker).jobs) == 2
    assert row(queue).next_try == MOMENT + MINUTE
    assert free(row(queue))


def test_jobs_of_several_periods_end_together(queue: Queue, worker: Claimant) -> None:
    """Also where one of them is to be done once, and was asked for again while it ran."""
    jobs.arm(queue, [*wanted("nc2 nc3", "load"), *wanted("nc2 nc3", "disks", every=HOUR)])
    for argument in ("users", "software"):
        jobs.add(queue, "probe", argument, node="nc2")
    batch = begun(queue, worker)
    jobs.add(queue, "probe", "users", node="nc2")
    assert jobs.finish(queue, worker, batch, ended(batch)) == 6
    assert all(free(one) for one in rows(queue))
    assert [one.next_try for one in rows(queue, every=MINUTE)] == [MOMENT + MINUTE] * 2
    assert [one.next_try - one.next_try % HOUR for one in rows(queue, every=HOUR)] == [
        one.next_try for one in rows(queue, every=HOUR)
    ]
    assert [(one.argument, one.next_try) for one in rows(queue, every=None)] == [("users", MOMENT)]


def test_what_was_asked_for_while_it_ran_is_due_at_once(queue: Queue, worker: Claimant) -> None:
    """AD3: `now` and a request of its own kind mark it, however the run ends."""
    jobs.arm(queue, wanted("nc2 nc3"))
    batch = begun(queue, worker)
    assert jobs.now(queue, ["nc2", "nc3"], "load") == 2
    runs = [Ended(job, "" if job.node == "nc2" else "failed: it broke") for job in batch.jobs]
    later(queue, 5)
    jobs.finish(queue, worker, batch, runs)
    assert [(one.next_try, one.again) for one in rows(queue)] == [(MOMENT + 5, False)] * 2
    run(queue, worker)
    assert [one.next_try for one in rows(queue)] == [MOMENT + MINUTE] * 2


def test_a_permanent_job_that_is_armed_while_it_runs_is_not_run_twice(queue: Queue, worker: Claimant) -> None:
    """AD3: the inventory is no request."""
    jobs.arm(queue, wanted("nc2"))
    batch = begun(queue, worker)
    assert jobs.arm(queue, wanted("nc2")) == 0
    jobs.finish(queue, worker, batch, ended(batch))
    assert row(queue).next_try == MOMENT + MINUTE


def test_attempts_are_counted_at_the_start_and_forgotten_with_a_success(queue: Queue, worker: Claimant) -> None:
    jobs.arm(queue, wanted("nc2"))
    batch = claimed(queue, worker)
    assert (row(queue).attempts, row(queue).started) == (0, None)
    jobs.start(queue, batch, batch.jobs)
    assert (row(queue).attempts, row(queue).started) == (1, MOMENT)
    worker.batch = None
    jobs.finish(queue, worker, batch, ended(batch, "failed: no"))
    later(queue, HOUR)
    batch = begun(queue, worker)
    assert row(queue).attempts == 2
    jobs.finish(queue, worker, batch, ended(batch))
    assert (row(queue).attempts, row(queue).retrial, row(queue).error) == (0, 0, "")


def test_of_a_batch_each_job_ends_for_itself(queue: Queue, worker: Claimant) -> None:
    jobs.arm(queue, wanted("nc2 nc3 nc4"))
    batch = begun(queue, worker)
    well, bad, _ = batch.jobs
    assert jobs.finish(queue, worker, batch, [Ended(well), Ended(bad, "timeout: ran longer than its 5 s")]) == 2
    assert jobs.finish(queue, worker, batch, []) == 0
    states = {one.node: (one.state, one.retrial, one.error) for one in rows(queue)}
    assert states == {
        "nc2": ("waiting", 0, ""), "nc3": ("waiting", 1, "timeout: ran longer than its 5 s"), "nc4": ("running", 0, ""),
    }  # fmt: skip


def test_more_jobs_than_one_statement_takes(queue: Queue, worker: Claimant) -> None:
    jobs.arm(queue, wanted(" ".join(f"n{number}" for number in range(1203))))
    assert len(run(queue, worker, limit=2000).jobs) == 1203
    assert {one.next_try for one in rows(queue)} == {MOMENT + MINUTE}


@pytest.mark.parametrize("every", [None, MINUTE], ids=["once", "permanent"])
def test_a_job_that_ran_for_too_long(every: int | None, queue: Queue, worker: Claimant) -> None:
    """SK4: it is free, one class lower, and as if it were new. SK5 in the units has the whole table."""
    put(queue, every=every, priority=int(Priority.HIGH))
    batch = begun(queue, worker)
    for _ in range(11 * 3):
        later(queue, 20)
        assert jobs.beat(queue, worker)
    jobs.overrun(queue, batch, batch.jobs)
    late = row(queue)
    assert free(late)
    assert (late.state, late.priority, late.created, late.next_try) == ("waiting", 30, MOMENT + 660, MOMENT + 660)
    assert late.error == "stopped after 10 minutes"


def test_a_job_that_always_runs_for_too_long_fails_in_the_end(queue: Queue, worker: Claimant) -> None:
    put(queue, priority=int(Priority.HIGH))
    for _ in range(backoff.MAX_LEVEL + 1):
        assert row(queue).state == "waiting"
        batch = begun(queue, worker)
        jobs.overrun(queue, batch, batch.jobs)
    assert row(queue).state == "failed"
