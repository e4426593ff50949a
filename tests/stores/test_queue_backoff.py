"""When a job that failed comes back, and as what."""

from __future__ import annotations

import pytest
from queueing import HOUR, MINUTE, MOMENT, begun, ended, later, named, put, row, rows, run, until, wanted

from nicassh import tasks as jobs
from nicassh.tasks import Claimant, Priority, Queue, backoff


def test_a_job_that_failed_is_deferred(queue: Queue, worker: Claimant) -> None:
    """BO1: to the next level, free, and as old as it was."""
    jobs.add(queue, "report")
    later(queue, 3)
    run(queue, worker, "OSError: no space")
    one = row(queue)
    assert (one.state, one.retrial, one.attempts, one.created) == ("waiting", 1, 1, MOMENT)
    assert 82 <= one.next_try - (MOMENT + 3) <= 111
    assert (one.worker, one.token, one.lease_until, one.started) == (None,) * 4
    assert one.error == "OSError: no space"


def test_a_job_that_always_fails(queue: Queue, worker: Claimant) -> None:
    """BO2: 16 runs in 3.8 days, down to the last class; then it stays visible as failed, with the last error."""
    jobs.add(queue, "report", priority=Priority.HIGH)
    classes = []
    for number in range(backoff.MAX_LEVEL + 1):
        assert row(queue).state == "waiting"
        until(queue, row(queue).next_try)
        run(queue, worker, f"failed: run {number}")
        classes.append(row(queue).priority)
    assert classes == [20] * 3 + [30] * 3 + [40] * 2 + [50] * 8
    assert 327_472 <= queue.now() - MOMENT <= 330_952
    assert (row(queue).state, row(queue).error) == ("failed", "failed: run 15")
    later(queue, 100 * HOUR)
    assert jobs.claim(queue, worker) is None
    assert [one["error"] for one in jobs.listed(queue, troubled=True)] == ["failed: run 15"]
    assert [count.failed for count in jobs.counts(queue)] == [0, 0, 0, 0, 1]


def test_a_job_that_failed_for_good_can_be_tried_again(queue: Queue, worker: Claimant) -> None:
    """BO2: as a new one, which may fail 16 times again."""
    put(queue, state="failed", retrial=15, attempts=16, created=MOMENT - 400_000)
    assert jobs.retry(queue) == 1
    assert (row(queue).created, row(queue).attempts) == (MOMENT, 0)
    run(queue, worker, "failed: again")
    assert (row(queue).state, row(queue).retrial) == ("waiting", 1)


def test_a_job_that_waited_for_a_month_skips_levels(queue: Queue, worker: Claimant) -> None:
    put(queue, created=MOMENT - 20_000, retrial=1)
    put(queue, "nc3", created=MOMENT - 600_000)
    run(queue, worker, "failed: no")
    assert [(one.state, one.retrial) for one in rows(queue)] == [("waiting", 6), ("failed", 0)]


def test_a_run_that_is_longer_than_its_delay_stays_deferred(queue: Queue, worker: Claimant) -> None:
    """BO3: what a run said counts, not the time at which it ended; the delay counts from its end."""
    jobs.add(queue, "report")
    batch = begun(queue, worker)
    for _ in range(12):
        later(queue, 10)
        jobs.beat(queue, worker)
    jobs.finish(queue, worker, batch, ended(batch, "failed: no"))
    assert 82 <= row(queue).next_try - queue.now() <= 111
    assert jobs.claim(queue, worker) is None


def test_a_deferred_job_is_one_among_others_when_its_time_has_come(queue: Queue, worker: Claimant) -> None:
    """BO5: it does not wait before, and its age gives it no advance then."""
    put(queue, "old", created=MOMENT - HOUR)
    run(queue, worker, "failed: no")
    due = row(queue).next_try
    put(queue, "earlier", next_try=due - 1)
    put(queue, "after", next_try=due + 1)
    later(queue, due - MOMENT - 0.5)
    assert jobs.counts(queue)[2].deferred == 1
    assert [node for node, _ in named(jobs.claim(queue, jobs.enter(queue), 9))] == ["earlier"]
    later(queue, 2)
    assert [node for node, _ in named(jobs.claim(queue, worker, 9))] == ["old", "after"]


def test_a_periodic_job_comes_back_by_the_ceiling(queue: Queue, worker: Claimant) -> None:
    """BO6: it keeps its class, never gives up, and the first success makes it as new."""
    jobs.arm(queue, wanted("nc2", priority=Priority.HIGH))
    for number in range(40):
        run(queue, worker, "failed: no")
        wait = row(queue).next_try - queue.now()
        assert row(queue).retrial == min(number + 1, 15)
        assert 82 <= wait <= queue.ceiling
        assert number < 3 or wait >= queue.ceiling / 2
        until(queue, row(queue).next_try)
    run(queue, worker)
    assert (row(queue).retrial, row(queue).priority, row(queue).state) == (0, 20, "waiting")
    assert 0 < row(queue).next_try - queue.now() <= MINUTE


def test_a_rare_job_is_not_tried_more_often_than_it_would_be_run(queue: Queue, worker: Claimant) -> None:
    jobs.arm(queue, wanted("nc2", every=24 * HOUR))
    for _ in range(15):
        run(queue, worker, "failed: no")
        wait = row(queue).next_try - queue.now()
        until(queue, row(queue).next_try)
    assert 12 * HOUR <= wait <= 24 * HOUR


def test_jobs_that_failed_together_come_back_apart(queue: Queue, worker: Claimant) -> None:
    """BO7: over 29 seconds, and no two of them hold more than 15 %."""
    jobs.arm(queue, wanted(" ".join(f"n{number}" for number in range(1000))))
    run(queue, worker, "failed: no", limit=1000)
    waits = sorted(one.next_try - MOMENT for one in rows(queue))
    assert 82 <= waits[0] <= waits[-1] <= 111
    assert waits[-1] - waits[0] >= 25
    assert max(sum(start <= wait < start + 2 for wait in waits) for start in range(82, 112)) <= 150


@pytest.mark.parametrize("every", [None, MINUTE], ids=["once", "permanent"])
def test_what_no_further_try_can_help(every: int | None, queue: Queue, worker: Claimant) -> None:
    """AD10: one that is done once has failed at once; a permanent one is put off until it is armed anew."""
    put(queue, kind="juggle", every=every)
    batch = begun(queue, worker)
    jobs.finish(queue, worker, batch, ended(batch, "there is no chore 'juggle'", hopeless=True))
    assert row(queue).state == ("failed" if every is None else "waiting")
    assert row(queue).error == "there is no chore 'juggle'"
    later(queue, 81)
    assert jobs.claim(queue, worker) is None
