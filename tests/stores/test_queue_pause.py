"""A node that cannot be reached costs one time-out, and then one cheap try now and then."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pausing import AWAY, BACK, PAUSED, armed, away, states
from queueing import MINUTE, MOMENT, begun, ended, later, named, row, rows, run, until, wanted

from nicassh import tasks as jobs
from nicassh.tasks import Batch, Claimant, Ended, Priority, Queue


@pytest.fixture(autouse=True)
def farm(queue: Queue) -> None:
    armed(queue)


def test_one_job_tries_again_and_all_others_wait(queue: Queue, worker: Claimant) -> None:
    away(queue, worker)
    assert states(queue) == PAUSED
    assert states(queue, "nc3") == {"load": "waiting"}
    trier = row(queue, node="nc2", argument="load")
    assert 82 <= trier.next_try - MOMENT <= 111
    assert (trier.error, trier.worker, trier.token) == ("no answer within 10 s", None, None)
    later(queue, 81)
    assert named(run(queue, worker)) == [("nc3", "load")]
    assert jobs.claim(queue, worker) is None


def test_it_is_tried_less_and_less_often_up_to_the_ceiling(queue: Queue, worker: Claimant) -> None:
    waits = []
    jobs.cancel(queue, ["nc3"])
    for _ in range(12):
        batch = away(queue, worker)
        assert ("nc2", "load") in named(batch)
        waits.append(row(queue, node="nc2", argument="load").next_try - queue.now())
        until(queue, row(queue, node="nc2", argument="load").next_try)
    assert 82 <= waits[0] <= 111
    assert 258 <= waits[1] <= 316
    assert all(queue.ceiling / 2 <= wait <= queue.ceiling for wait in waits[3:])
    assert states(queue) == PAUSED


@pytest.mark.parametrize("failed", [False, True], ids=["well", "the probe failed"])
def test_a_node_that_answers_is_asked_for_everything(failed: bool, queue: Queue, worker: Claimant) -> None:
    """Also where the probe that tried it failed: the node was there to say so."""
    away(queue, worker)
    moment = later(queue, 111)
    batch = begun(queue, worker)
    runs = [Ended(job, "failed: no" if failed else "", answered=True) for job in batch.jobs]
    jobs.finish(queue, worker, batch, runs)
    jobs.follow(queue, [run.job for run in runs if run.error and not run.answered])
    assert states(queue) == BACK
    assert {one.next_try for one in rows(queue, node="nc2") if one.argument != "load"} == {moment}


def test_an_answer_to_a_single_request_is_one_too(queue: Queue, worker: Claimant) -> None:
    away(queue, worker)
    batch = jobs.take(queue, worker, [("nc2", "users")])
    jobs.start(queue, batch, batch.jobs)
    jobs.finish(queue, worker, batch, ended(batch))
    assert states(queue) == BACK


def test_a_single_request_to_a_node_out_of_reach_is_over(queue: Queue, worker: Claimant) -> None:
    batch = jobs.take(queue, worker, [("nc2", "users")])
    jobs.pause(queue, batch, AWAY)
    assert rows(queue, every=None) == []
    assert states(queue) == PAUSED


@pytest.mark.parametrize("act", [jobs.retry, jobs.now])
def test_an_operator_wakes_them(act: object, queue: Queue, worker: Claimant) -> None:
    away(queue, worker)
    assert callable(act)
    assert act(queue, ["nc2"]) == 4
    assert states(queue) == BACK
    assert {(one.next_try, one.retrial) for one in rows(queue, node="nc2")} == {(MOMENT, 0)}


def test_nothing_to_say(queue: Queue, worker: Claimant) -> None:
    before = rows(queue)
    jobs.pause(queue, Batch(10, "none", ()), {})
    jobs.follow(queue, [])
    assert rows(queue) == before


def test_a_paused_node_stays_so_while_the_inventory_changes(queue: Queue, worker: Claimant) -> None:
    """A probe that is new finds out for itself; one whose period changes waits on."""
    away(queue, worker)
    jobs.arm(queue, [*wanted("nc2 nc3", "load", Priority.CRITICAL), *wanted("nc2", "users mounts", every=MINUTE * 2)])
    assert states(queue) == {"load": "waiting", "users": "paused", "mounts": "waiting"}
    batch = begun(queue, worker)
    assert named(batch) == [("nc2", "mounts")]
    jobs.pause(queue, batch, AWAY)
    assert states(queue) == {"load": "waiting", "users": "paused", "mounts": "paused"}


@pytest.mark.parametrize("act", [jobs.retry, jobs.now])
def test_an_operator_wakes_the_one_that_tries(act: Callable[..., int], queue: Queue, worker: Claimant) -> None:
    """The others do not wait for ever for the success of one that has not failed."""
    away(queue, worker)
    act(queue, ["nc2"], "load")
    run(queue, worker)
    jobs.reap(queue)
    assert states(queue) == BACK


def test_the_probe_that_tried_is_no_more(queue: Queue, worker: Claimant) -> None:
    """The others find out for themselves, and one of them tries from then on."""
    away(queue, worker)
    jobs.reap(queue)
    assert states(queue) == PAUSED
    jobs.arm(queue, wanted("nc2", "users disks"))
    jobs.reap(queue)
    assert states(queue) == {"users": "waiting", "disks": "waiting"}
    jobs.pause(queue, begun(queue, worker), AWAY)
    assert states(queue) == {"users": "waiting", "disks": "paused"}
