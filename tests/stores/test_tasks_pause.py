"""A node that cannot be reached costs one time-out, and then one cheap try now and then."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pausing import AWAY, BACK, PAUSED, armed, away, states
from task_rows import MINUTE, MOMENT, begun, ended, later, named, row, rows, run, until, wanted

from nicassh import tasks
from nicassh.tasks import ClaimedBatch, Priority, Registration, TaskList, TaskResult


@pytest.fixture(autouse=True)
def farm(task_list: TaskList) -> None:
    armed(task_list)


def test_one_task_tries_again_and_all_others_wait(task_list: TaskList, collector: Registration) -> None:
    away(task_list, collector)
    assert states(task_list) == PAUSED
    assert states(task_list, "nc3") == {"load": "waiting"}
    trier = row(task_list, node="nc2", argument="load")
    assert 82 <= trier.next_try - MOMENT <= 111
    assert (trier.error, trier.collector, trier.token) == ("no answer within 10 s", None, None)
    later(task_list, 81)
    assert named(run(task_list, collector)) == [("nc3", "load")]
    assert tasks.claim(task_list, collector) is None


def test_it_is_tried_less_and_less_often_up_to_the_ceiling(task_list: TaskList, collector: Registration) -> None:
    waits = []
    tasks.cancel(task_list, ["nc3"])
    for _ in range(12):
        batch = away(task_list, collector)
        assert ("nc2", "load") in named(batch)
        waits.append(row(task_list, node="nc2", argument="load").next_try - task_list.now())
        until(task_list, row(task_list, node="nc2", argument="load").next_try)
    assert 82 <= waits[0] <= 111
    assert 258 <= waits[1] <= 316
    assert all(task_list.ceiling / 2 <= wait <= task_list.ceiling for wait in waits[3:])
    assert states(task_list) == PAUSED


@pytest.mark.parametrize("failed", [False, True], ids=["well", "the probe failed"])
def test_a_node_that_answers_is_asked_for_everything(
    failed: bool, task_list: TaskList, collector: Registration
) -> None:
    """Also where the probe that tried it failed: the node was there to say so."""
    away(task_list, collector)
    moment = later(task_list, 111)
    batch = begun(task_list, collector)
    runs = [TaskResult(task, "failed: no" if failed else "", node_answered=True) for task in batch.tasks]
    tasks.complete(task_list, collector, batch, runs)
    tasks.pause_with_node(task_list, [run.task for run in runs if run.error and not run.node_answered])
    assert states(task_list) == BACK
    assert {one.next_try for one in rows(task_list, node="nc2") if one.argument != "load"} == {moment}


def test_an_answer_to_a_single_request_is_one_too(task_list: TaskList, collector: Registration) -> None:
    away(task_list, collector)
    batch = tasks.enqueue_claimed(task_list, collector, [("nc2", "users")])
    tasks.start(task_list, batch, batch.tasks)
    tasks.complete(task_list, collector, batch, ended(batch))
    assert states(task_list) == BACK


def test_a_single_request_to_a_node_out_of_reach_is_over(task_list: TaskList, collector: Registration) -> None:
    batch = tasks.enqueue_claimed(task_list, collector, [("nc2", "users")])
    tasks.pause_nodes(task_list, batch, AWAY)
    assert rows(task_list, every=None) == []
    assert states(task_list) == PAUSED


@pytest.mark.parametrize("act", [tasks.retry, tasks.run_now])
def test_an_operator_wakes_them(act: object, task_list: TaskList, collector: Registration) -> None:
    away(task_list, collector)
    assert callable(act)
    assert act(task_list, ["nc2"]) == 4
    assert states(task_list) == BACK
    assert {(one.next_try, one.failures) for one in rows(task_list, node="nc2")} == {(MOMENT, 0)}


def test_nothing_to_say(task_list: TaskList, collector: Registration) -> None:
    before = rows(task_list)
    tasks.pause_nodes(task_list, ClaimedBatch(10, "none", ()), {})
    tasks.pause_with_node(task_list, [])
    assert rows(task_list) == before


def test_a_paused_node_stays_so_while_the_inventory_changes(task_list: TaskList, collector: Registration) -> None:
    """A probe that is new finds out for itself; one whose period changes waits on."""
    away(task_list, collector)
    tasks.sync_periodic(
        task_list, [*wanted("nc2 nc3", "load", Priority.CRITICAL), *wanted("nc2", "users mounts", every=MINUTE * 2)]
    )
    assert states(task_list) == {"load": "waiting", "users": "paused", "mounts": "waiting"}
    batch = begun(task_list, collector)
    assert named(batch) == [("nc2", "mounts")]
    tasks.pause_nodes(task_list, batch, AWAY)
    assert states(task_list) == {"load": "waiting", "users": "paused", "mounts": "paused"}


@pytest.mark.parametrize("act", [tasks.retry, tasks.run_now])
def test_an_operator_wakes_the_one_that_tries(
    act: Callable[..., int], task_list: TaskList, collector: Registration
) -> None:
    """The others do not wait for ever for the success of one that has not failed."""
    away(task_list, collector)
    act(task_list, ["nc2"], "load")
    run(task_list, collector)
    tasks.reap(task_list)
    assert states(task_list) == BACK


def test_the_probe_that_tried_is_no_more(task_list: TaskList, collector: Registration) -> None:
    """The others find out for themselves, and one of them tries from then on."""
    away(task_list, collector)
    tasks.reap(task_list)
    assert states(task_list) == PAUSED
    tasks.sync_periodic(task_list, wanted("nc2", "users disks"))
    tasks.reap(task_list)
    assert states(task_list) == {"users": "waiting", "disks": "waiting"}
    tasks.pause_nodes(task_list, begun(task_list, collector), AWAY)
    assert states(task_list) == {"users": "waiting", "disks": "paused"}
