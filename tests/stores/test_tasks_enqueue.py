"""Tasks that are done once: no two of a key, no request lost."""

from __future__ import annotations

import pytest
from multitude import at_once
from task_rows import MINUTE, MOMENT, begun, claimed, ended, later, named, put, row, rows, run

from nicassh import tasks
from nicassh.database import connect
from nicassh.tasks import Priority, Registration, TaskList


def test_the_same_twice(task_list: TaskList) -> None:
    """AD1: one row, and the second is told."""
    assert tasks.enqueue(task_list, "prune")
    assert not tasks.enqueue(task_list, "prune")
    assert tasks.enqueue(task_list, "prune", "older")
    assert tasks.enqueue(task_list, "prune", node="nc2")
    assert len(rows(task_list)) == 3


def test_while_it_runs(task_list: TaskList, collector: Registration) -> None:
    """AD3: it is run once more, at once, and as a new task."""
    tasks.enqueue(task_list, "prune")
    batch = begun(task_list, collector)
    later(task_list, 20)
    assert not tasks.enqueue(task_list, "prune")
    assert not tasks.enqueue(task_list, "prune")
    assert tasks.complete(task_list, collector, batch, ended(batch)) == 1
    assert (row(task_list).next_try, row(task_list).created, row(task_list).rerun_requested) == (
        MOMENT + 20,
        MOMENT + 20,
        False,
    )
    run(task_list, collector)
    assert rows(task_list) == []


@pytest.mark.parametrize(
    ("force", "claim", "priority"),
    [
        pytest.param(False, False, 40, id="AD4"),
        pytest.param(True, False, 20, id="AD5"),
        pytest.param(True, True, 40, id="AD6"),
    ],
)
def test_another_priority(
    force: bool, claim: bool, priority: int, task_list: TaskList, collector: Registration
) -> None:
    """AD4: it stays. AD5: by force the one that waits is changed. AD6: the one that is held is not."""
    tasks.enqueue(task_list, "prune", priority=Priority.LOW)
    if claim:
        claimed(task_list, collector)
    assert not tasks.enqueue(task_list, "prune", priority=Priority.HIGH, force=force)
    assert row(task_list).priority == priority


def test_not_before_its_time(task_list: TaskList, collector: Registration) -> None:
    """AD7."""
    tasks.enqueue(task_list, "prune", delay=100)
    later(task_list, 99.9)
    assert tasks.claim(task_list, collector) is None
    later(task_list, 0.2)
    assert tasks.claim(task_list, collector) is not None


@pytest.mark.parametrize("odd", [25, 0, -10, 51, 10**9])
def test_a_priority_that_is_none(odd: int, task_list: TaskList, caplog: pytest.LogCaptureFixture) -> None:
    """AD8: medium is taken, and the log says so."""
    tasks.enqueue(task_list, "prune", priority=odd)
    assert row(task_list).priority == Priority.MEDIUM
    assert f"no priority {odd}" in caplog.text
    assert [count.waiting for count in tasks.class_counts(task_list)] == [0, 0, 1, 0, 0]


def test_after_it_was_done(task_list: TaskList, collector: Registration) -> None:
    """AD9."""
    tasks.enqueue(task_list, "prune")
    run(task_list, collector)
    later(task_list, MINUTE)
    assert tasks.enqueue(task_list, "prune")
    assert row(task_list).created == MOMENT + MINUTE


def test_after_it_failed_for_good(task_list: TaskList, collector: Registration) -> None:
    """What nobody will run any more stands in nobody's way."""
    tasks.enqueue(task_list, "prune", priority=Priority.LOW)
    batch = begun(task_list, collector)
    tasks.complete(task_list, collector, batch, ended(batch, "no", hopeless=True))
    later(task_list, MINUTE)
    assert tasks.enqueue(task_list, "prune", priority=Priority.HIGH)
    fresh = row(task_list)
    assert (fresh.state, fresh.priority, fresh.created, fresh.attempts) == ("waiting", 20, MOMENT + MINUTE, 0)
    assert not tasks.enqueue(task_list, "prune")


def test_a_deferred_one_is_left_to_its_time(task_list: TaskList, collector: Registration) -> None:
    tasks.enqueue(task_list, "prune")
    run(task_list, collector, "OSError: no space")
    before = row(task_list)
    assert not tasks.enqueue(task_list, "prune")
    assert row(task_list) == before


def test_requests_at_the_moment_in_which_it_ends(database: str, task_list: TaskList, collector: Registration) -> None:
    """AD3: either the one that runs is run again, or a new one is there; never none of them."""
    other = TaskList(connect(database), clock=task_list.clock)
    for _ in range(30):
        tasks.enqueue(task_list, "prune")
        batch = begun(task_list, collector)
        at_once(
            lambda b=batch: tasks.complete(task_list, collector, b, ended(b)), lambda: tasks.enqueue(other, "prune")
        )
        assert len(run(task_list, collector).tasks) == 1
        assert rows(task_list) == []
    other.engine.dispose()


def test_taken_by_who_asks(task_list: TaskList, collector: Registration) -> None:
    """Probes on nodes to be run now are held from the first moment; should the collector die, they are due."""
    put(task_list, "nc2", "load", every=MINUTE)
    batch = tasks.enqueue_claimed(task_list, collector, [("nc2", "load"), ("nc3", "disks")])
    assert sorted(named(batch)) == [("nc2", "load"), ("nc3", "disks")]
    assert tasks.claim(task_list, collector) == batch
    other = tasks.register(task_list)
    assert tasks.claim(task_list, other) is None or named(other.batch) == [("nc2", "load")]
    collector.batch = None
    assert tasks.complete(task_list, collector, batch, ended(batch)) == 2
    assert [one.every for one in rows(task_list)] == [MINUTE]
    tasks.enqueue_claimed(task_list, collector, [("nc4", "load")])
    later(task_list, task_list.lease + 1)
    assert tasks.reap(task_list) >= 1
    assert ("nc4", "load") in named(run(task_list, tasks.register(task_list)))
