"""Jobs that are done once: no two of a key, no request lost."""

from __future__ import annotations

import pytest
from multitude import at_once
from queueing import MINUTE, MOMENT, begun, claimed, ended, later, named, put, row, rows, run

from nicassh import tasks as jobs
from nicassh.database import connect
from nicassh.tasks import Claimant, Priority, Queue


def test_the_same_twice(queue: Queue) -> None:
    """AD1: one row, and the second is told."""
    assert jobs.add(queue, "prune")
    assert not jobs.add(queue, "prune")
    assert jobs.add(queue, "prune", "older")
    assert jobs.add(queue, "prune", node="nc2")
    assert len(rows(queue)) == 3


def test_while_it_runs(queue: Queue, worker: Claimant) -> None:
    """AD3: it is run once more, at once, and as a new job."""
    jobs.add(queue, "prune")
    batch = begun(queue, worker)
    later(queue, 20)
    assert not jobs.add(queue, "prune")
    assert not jobs.add(queue, "prune")
    assert jobs.finish(queue, worker, batch, ended(batch)) == 1
    assert (row(queue).next_try, row(queue).created, row(queue).again) == (MOMENT + 20, MOMENT + 20, False)
    run(queue, worker)
    assert rows(queue) == []


@pytest.mark.parametrize(
    ("force", "claim", "priority"),
    [
        pytest.param(False, False, 40, id="AD4"),
        pytest.param(True, False, 20, id="AD5"),
        pytest.param(True, True, 40, id="AD6"),
    ],
)
def test_another_priority(force: bool, claim: bool, priority: int, queue: Queue, worker: Claimant) -> None:
    """AD4: it stays. AD5: by force the one that waits is changed. AD6: the one that is held is not."""
    jobs.add(queue, "prune", priority=Priority.LOW)
    if claim:
        claimed(queue, worker)
    assert not jobs.add(queue, "prune", priority=Priority.HIGH, force=force)
    assert row(queue).priority == priority


def test_not_before_its_time(queue: Queue, worker: Claimant) -> None:
    """AD7."""
    jobs.add(queue, "prune", delay=100)
    later(queue, 99.9)
    assert jobs.claim(queue, worker) is None
    later(queue, 0.2)
    assert jobs.claim(queue, worker) is not None


@pytest.mark.parametrize("odd", [25, 0, -10, 51, 10**9])
def test_a_priority_that_is_none(odd: int, queue: Queue, caplog: pytest.LogCaptureFixture) -> None:
    """AD8: medium is taken, and the log says so."""
    jobs.add(queue, "prune", priority=odd)
    assert row(queue).priority == Priority.MEDIUM
    assert f"no priority {odd}" in caplog.text
    assert [count.waiting for count in jobs.counts(queue)] == [0, 0, 1, 0, 0]


def test_after_it_was_done(queue: Queue, worker: Claimant) -> None:
    """AD9."""
    jobs.add(queue, "prune")
    run(queue, worker)
    later(queue, MINUTE)
    assert jobs.add(queue, "prune")
    assert row(queue).created == MOMENT + MINUTE


def test_after_it_failed_for_good(queue: Queue, worker: Claimant) -> None:
    """What nobody will run any more stands in nobody's way."""
    jobs.add(queue, "prune", priority=Priority.LOW)
    batch = begun(queue, worker)
    jobs.finish(queue, worker, batch, ended(batch, "no", hopeless=True))
    later(queue, MINUTE)
    assert jobs.add(queue, "prune", priority=Priority.HIGH)
    fresh = row(queue)
    assert (fresh.state, fresh.priority, fresh.created, fresh.attempts) == ("waiting", 20, MOMENT + MINUTE, 0)
    assert not jobs.add(queue, "prune")


def test_a_deferred_one_is_left_to_its_time(queue: Queue, worker: Claimant) -> None:
    jobs.add(queue, "prune")
    run(queue, worker, "OSError: no space")
    before = row(queue)
    assert not jobs.add(queue, "prune")
    assert row(queue) == before


def test_requests_at_the_moment_in_which_it_ends(database: str, queue: Queue, worker: Claimant) -> None:
    """AD3: either the one that runs is run again, or a new one is there; never none of them."""
    other = Queue(connect(database), clock=queue.clock)
    for _ in range(30):
        jobs.add(queue, "prune")
        batch = begun(queue, worker)
        at_once(lambda b=batch: jobs.finish(queue, worker, b, ended(b)), lambda: jobs.add(other, "prune"))
        assert len(run(queue, worker).jobs) == 1
        assert rows(queue) == []
    other.engine.dispose()


def test_taken_by_who_asks(queue: Queue, worker: Claimant) -> None:
    """Probes on nodes to be run now are held from the first moment; should the worker die, they are due."""
    put(queue, "nc2", "load", every=MINUTE)
    batch = jobs.take(queue, worker, [("nc2", "load"), ("nc3", "disks")])
    assert sorted(named(batch)) == [("nc2", "load"), ("nc3", "disks")]
    assert jobs.claim(queue, worker) == batch
    other = jobs.enter(queue)
    assert jobs.claim(queue, other) is None or named(other.batch) == [("nc2", "load")]
    worker.batch = None
    assert jobs.finish(queue, worker, batch, ended(batch)) == 2
    assert [one.every for one in rows(queue)] == [MINUTE]
    jobs.take(queue, worker, [("nc4", "load")])
    later(queue, queue.lease + 1)
    assert jobs.reap(queue) >= 1
    assert ("nc4", "load") in named(run(queue, jobs.enter(queue)))
