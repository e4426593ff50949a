"""When a task that failed comes back, and as what."""

from __future__ import annotations

import pytest
from task_rows import HOUR, MINUTE, MOMENT, begun, ended, later, named, put, row, rows, run, until, wanted

from nicassh import tasks
from nicassh.tasks import Priority, Registration, TaskList, scheduler


def test_a_task_that_failed_is_deferred(task_list: TaskList, collector: Registration) -> None:
    """BO1: to the next level, free, and as old as it was."""
    tasks.enqueue(task_list, "report")
    later(task_list, 3)
    run(task_list, collector, "OSError: no space")
    one = row(task_list)
    assert (one.state, one.failures, one.attempts, one.created) == ("waiting", 1, 1, MOMENT)
    assert 82 <= one.next_try - (MOMENT + 3) <= 111
    assert (one.collector, one.token, one.lease_until, one.started) == (None,) * 4
    assert one.error == "OSError: no space"


def test_a_task_that_always_fails(task_list: TaskList, collector: Registration) -> None:
    """BO2: 16 runs in 3.8 days, down to the last class; then it stays visible as failed, with the last error."""
    tasks.enqueue(task_list, "report", priority=Priority.HIGH)
    classes = []
    for number in range(scheduler.MAX_LEVEL + 1):
        assert row(task_list).state == "waiting"
        until(task_list, row(task_list).next_try)
        run(task_list, collector, f"failed: run {number}")
        classes.append(row(task_list).priority)
    assert classes == [20] * 3 + [30] * 3 + [40] * 2 + [50] * 8
    assert 327_472 <= task_list.now() - MOMENT <= 330_952
    assert (row(task_list).state, row(task_list).error) == ("failed", "failed: run 15")
    later(task_list, 100 * HOUR)
    assert tasks.claim(task_list, collector) is None
    assert [one["error"] for one in tasks.task_rows(task_list, troubled=True)] == ["failed: run 15"]
    assert [count.failed for count in tasks.class_counts(task_list)] == [0, 0, 0, 0, 1]


def test_a_task_that_failed_for_good_can_be_tried_again(task_list: TaskList, collector: Registration) -> None:
    """BO2: as a new one, which may fail 16 times again."""
    put(task_list, state="failed", failures=15, attempts=16, created=MOMENT - 400_000)
    assert tasks.retry(task_list) == 1
    assert (row(task_list).created, row(task_list).attempts) == (MOMENT, 0)
    run(task_list, collector, "failed: again")
    assert (row(task_list).state, row(task_list).failures) == ("waiting", 1)


def test_a_task_that_waited_for_a_month_skips_levels(task_list: TaskList, collector: Registration) -> None:
    put(task_list, created=MOMENT - 20_000, failures=1)
    put(task_list, "nc3", created=MOMENT - 600_000)
    run(task_list, collector, "failed: no")
    assert [(one.state, one.failures) for one in rows(task_list)] == [("waiting", 6), ("failed", 0)]


def test_a_run_that_is_longer_than_its_delay_stays_deferred(task_list: TaskList, collector: Registration) -> None:
    """BO3: what a run said counts, not the time at which it ended; the delay counts from its end."""
    tasks.enqueue(task_list, "report")
    batch = begun(task_list, collector)
    for _ in range(12):
        later(task_list, 10)
        tasks.heartbeat(task_list, collector)
    tasks.complete(task_list, collector, batch, ended(batch, "failed: no"))
    assert 82 <= row(task_list).next_try - task_list.now() <= 111
    assert tasks.claim(task_list, collector) is None


def test_a_deferred_task_is_one_among_others_when_its_time_has_come(
    task_list: TaskList, collector: Registration
) -> None:
    """BO5: it does not wait before, and its age gives it no advance then."""
    put(task_list, "old", created=MOMENT - HOUR)
    run(task_list, collector, "failed: no")
    due = row(task_list).next_try
    put(task_list, "earlier", next_try=due - 1)
    put(task_list, "after", next_try=due + 1)
    later(task_list, due - MOMENT - 0.5)
    assert tasks.class_counts(task_list)[2].deferred == 1
    assert [node for node, _ in named(tasks.claim(task_list, tasks.register(task_list), 9))] == ["earlier"]
    later(task_list, 2)
    assert [node for node, _ in named(tasks.claim(task_list, collector, 9))] == ["old", "after"]


def test_a_periodic_task_comes_back_by_the_ceiling(task_list: TaskList, collector: Registration) -> None:
    """BO6: it keeps its class, never gives up, and the first success makes it as new."""
    tasks.sync_periodic(task_list, wanted("nc2", priority=Priority.HIGH))
    for number in range(40):
        run(task_list, collector, "failed: no")
        wait = row(task_list).next_try - task_list.now()
        assert row(task_list).failures == min(number + 1, 15)
        assert 82 <= wait <= task_list.ceiling
        assert number < 3 or wait >= task_list.ceiling / 2
        until(task_list, row(task_list).next_try)
    run(task_list, collector)
    assert (row(task_list).failures, row(task_list).priority, row(task_list).state) == (0, 20, "waiting")
    assert 0 < row(task_list).next_try - task_list.now() <= MINUTE


def test_a_rare_task_is_not_tried_more_often_than_it_would_be_run(task_list: TaskList, collector: Registration) -> None:
    tasks.sync_periodic(task_list, wanted("nc2", every=24 * HOUR))
    for _ in range(15):
        run(task_list, collector, "failed: no")
        wait = row(task_list).next_try - task_list.now()
        until(task_list, row(task_list).next_try)
    assert 12 * HOUR <= wait <= 24 * HOUR


def test_tasks_that_failed_together_come_back_apart(task_list: TaskList, collector: Registration) -> None:
    """BO7: over 29 seconds, and no two of them hold more than 15 %."""
    tasks.sync_periodic(task_list, wanted(" ".join(f"n{number}" for number in range(1000))))
    run(task_list, collector, "failed: no", limit=1000)
    waits = sorted(one.next_try - MOMENT for one in rows(task_list))
    assert 82 <= waits[0] <= waits[-1] <= 111
    assert waits[-1] - waits[0] >= 25
    assert max(sum(start <= wait < start + 2 for wait in waits) for start in range(82, 112)) <= 150


@pytest.mark.parametrize("every", [None, MINUTE], ids=["once", "periodic"])
def test_what_no_further_try_can_help(every: int | None, task_list: TaskList, collector: Registration) -> None:
    """AD10: one that is done once has failed at once; a periodic one is put off until it is armed anew."""
    put(task_list, kind="juggle", every=every)
    batch = begun(task_list, collector)
    tasks.complete(task_list, collector, batch, ended(batch, "there is no housekeeping task 'juggle'", hopeless=True))
    assert row(task_list).state == ("failed" if every is None else "waiting")
    assert row(task_list).error == "there is no housekeeping task 'juggle'"
    later(task_list, 81)
    assert tasks.claim(task_list, collector) is None
