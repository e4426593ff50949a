"""What an operator does to jobs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from queueing import HOUR, MINUTE, MOMENT, begun, ended, later, put, row, rows, run

from nicassh import tasks as jobs
from nicassh.tasks import Claimant, Queue

LATER = MOMENT + 500


@pytest.fixture
def mixed(queue: Queue) -> Iterator[Queue]:
    """One job in each state there is, on two nodes."""
    put(queue, "nc2", "due", every=MINUTE, next_try=MOMENT - 90)
    put(queue, "nc2", "scheduled", every=MINUTE, next_try=LATER)
    put(queue, "nc2", "deferred", every=MINUTE, next_try=LATER, retrial=4, attempts=4, error="failed: no")
    put(queue, "nc3", "paused", every=MINUTE, next_try=LATER, state="paused")
    put(queue, "nc3", "held", every=MINUTE, state="running", worker="w", lease_until=LATER)
    put(queue, "nc3", "once", next_try=MOMENT)
    put(queue, "nc3", "given up", state="failed", retrial=15, attempts=16, created=MOMENT - 10**6, error="failed: no")
    return queue


def due(queue: Queue) -> set[str]:
    """The jobs that would be run now."""
    return {one.argument for one in rows(queue, state="waiting") if one.next_try <= queue.now()}


def test_retry(mixed: Queue) -> None:
    """What is in trouble has a fresh start, nothing else is touched."""
    assert jobs.retry(mixed) == 3
    assert due(mixed) == {"due", "once", "deferred", "paused", "given up"}
    for name in ("deferred", "given up"):
        one = row(mixed, argument=name)
        assert (one.retrial, one.attempts, one.created) == (0, 0, MOMENT)
    assert jobs.retry(mixed) == 0


def test_now(mixed: Queue) -> None:
    """All permanent jobs are due; the one that runs, once more when it ends."""
    assert jobs.now(mixed) == 5
    assert due(mixed) == {"due", "scheduled", "deferred", "paused", "once"}
    assert row(mixed, argument="held").again
    assert row(mixed, argument="given up").state == "failed"


def test_cancel(mixed: Queue) -> None:
    """Due ones wait for their next time, those that are done once go, what runs goes on."""
    assert jobs.cancel(mixed) == 3
    assert due(mixed) == set()
    assert {one.argument for one in rows(mixed)} == {"due", "scheduled", "deferred", "paused", "held"}
    assert row(mixed, argument="due").next_try == MOMENT + MINUTE
    assert row(mixed, argument="scheduled").next_try == LATER
    assert row(mixed, argument="held").worker == "w"


@pytest.mark.parametrize(
    ("nodes", "probe", "number"),
    [
        (["nc2"], "", 3),
        (["nc2", "nc3"], "due", 1),
        (None, "paused", 1),
        ([], "", 0),
        (["NC2"], "", 0),
    ],
)
def test_only_some(nodes: list[str] | None, probe: str, number: int, mixed: Queue) -> None:
    before = {one.id: one for one in rows(mixed)}
    assert jobs.now(mixed, nodes, probe) == number
    assert sum(before[one.id] != one for one in rows(mixed)) == number


def test_more_nodes_than_one_statement_takes(queue: Queue) -> None:
    for number in (0, 700, 1200):
        put(queue, f"n{number}", every=HOUR, next_try=LATER)
    assert jobs.now(queue, [f"n{number}" for number in range(1300)]) == 3


def test_jobs_of_several_periods_are_put_off_each_to_its_own(queue: Queue) -> None:
    put(queue, "nc2", every=MINUTE)
    put(queue, "nc3", every=7)
    later(queue, 3)
    assert jobs.cancel(queue) == 2
    assert [one.next_try % one.every for one in rows(queue)] == [0, 0]
    assert all(queue.now() < one.next_try <= queue.now() + one.every for one in rows(queue))


def test_cancelling_what_runs_once_more(queue: Queue, worker: Claimant) -> None:
    """A job that is done once and runs is not removed under its worker's hands."""
    jobs.add(queue, "prune")
    batch = begun(queue, worker)
    assert jobs.cancel(queue) == 0
    assert jobs.finish(queue, worker, batch, ended(batch)) == 1


def test_a_permanent_job_that_failed_starts_again_from_the_first_level(queue: Queue, worker: Claimant) -> None:
    put(queue, every=MINUTE, retrial=9, next_try=LATER)
    jobs.retry(queue)
    run(queue, worker, "failed: no")
    assert row(queue).retrial == 1
