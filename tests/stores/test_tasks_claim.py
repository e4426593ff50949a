"""What a collector gets when it asks: which tasks, how many, in which order, and never another's."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from multitude import at_once
from task_rows import MINUTE, MOMENT, begun, claimed, ended, later, named, put, row, rows, run, until

from nicassh import tasks
from nicassh.database import connect
from nicassh.model.errors import DatabaseError
from nicassh.tasks import Priority, Registration, TaskList
from nicassh.tasks.model import TASKS


def test_the_longest_due_goes_first(task_list: TaskList, collector: Registration) -> None:
    """CL2: an old task that was deferred comes after those that were due before it."""
    put(task_list, "deferred", created=MOMENT - 400, next_try=MOMENT - 100, failures=2)
    put(task_list, "second", created=MOMENT - 200, next_try=MOMENT - 200)
    put(task_list, "first", created=MOMENT - 300, next_try=MOMENT - 300)
    put(task_list, "fourth", created=MOMENT - 500, next_try=MOMENT - 99)
    assert [node for node, _ in named(claimed(task_list, collector, limit=3))] == ["first", "second", "deferred"]


def test_a_task_is_due_at_its_moment(task_list: TaskList, collector: Registration) -> None:
    """CL3: not before, and not only after it."""
    put(task_list, next_try=MOMENT + 12.345678)
    later(task_list, 12.345)
    assert tasks.claim(task_list, collector) is None
    assert tasks.due_node_count(task_list) == 0
    until(task_list, MOMENT + 12.345678)
    assert tasks.due_node_count(task_list) == 1
    assert len(claimed(task_list, collector).tasks) == 1


def test_who_lost_the_lease_changes_nothing(
    task_list: TaskList, collector: Registration, caplog: pytest.LogCaptureFixture
) -> None:
    """CL4: neither a start nor an end of any kind counts, and the log says so; who has it now is left in peace."""
    put(task_list, every=MINUTE)
    old = begun(task_list, collector)
    later(task_list, task_list.lease + 1)
    assert tasks.reap(task_list) == 1
    other = tasks.register(task_list)
    new = begun(task_list, other)
    before = row(task_list)
    tasks.start(task_list, old, old.tasks)
    tasks.stop_overdue(task_list, old, old.tasks)
    tasks.pause_nodes(task_list, old, {"nc2": "no route"})
    for error in ("", "failed: no"):
        assert tasks.complete(task_list, collector, old, ended(old, error)) == 0
    assert "lease" in caplog.text
    assert row(task_list) == before
    assert tasks.complete(task_list, other, new, ended(new)) == 1


def test_what_it_holds_already_comes_first(task_list: TaskList, collector: Registration) -> None:
    """CL5: nothing more is claimed as long as the last batch has not begun."""
    for number in range(6):
        put(task_list, f"nc{number}")
    batch = claimed(task_list, collector, limit=3)
    put(task_list, "urgent", priority=Priority.CRITICAL)
    assert tasks.claim(task_list, collector, 3) == batch
    assert len(rows(task_list, state="running")) == 3


@pytest.mark.parametrize(
    ("priority", "kind", "number"),
    [
        pytest.param(Priority.CRITICAL, "tidy", 5, id="CL6-critical"),
        pytest.param(Priority.MEDIUM, "tidy", 5, id="CL6-medium"),
        pytest.param(Priority.LOW, "tidy", 1, id="CL6-low"),
        pytest.param(Priority.BACKGROUND, "tidy", 1, id="CL6-background"),
        pytest.param(Priority.MEDIUM, "probe", 5, id="CL6-medium-probes"),
        pytest.param(Priority.LOW, "probe", 3, id="CL6-low-probes"),
    ],
)
def test_how_many(priority: Priority, kind: str, number: int, task_list: TaskList, collector: Registration) -> None:
    """CL6: below medium one housekeeping task at a time, or as many probes as are asked side by side."""
    for one in range(8):
        put(task_list, f"nc{one}", kind=kind, priority=int(priority))
    assert len(claimed(task_list, collector, limit=5, window=3).tasks) == number
    assert len(rows(task_list, state="waiting")) == 8 - number


def test_housekeeping_and_probes_below_medium_are_not_mixed(task_list: TaskList, collector: Registration) -> None:
    for number, kind in enumerate(["probe", "tidy", "probe", "tidy"]):
        put(task_list, f"nc{number}", kind=kind, priority=Priority.LOW, next_try=MOMENT - 10 + number)
    assert named(run(task_list, collector)) == [("nc0", "load"), ("nc2", "load")]
    assert [node for node, _ in named(run(task_list, collector))] == ["nc1"]


def test_a_claim_that_is_not_committed_is_none(task_list: TaskList, collector: Registration) -> None:
    """CL7: the task is anybody's at once."""
    put(task_list)

    def fail(_connection: sa.Connection) -> None:
        raise ConnectionError("cut")

    sa.event.listen(task_list.engine, "commit", fail)
    with pytest.raises(ConnectionError):
        tasks.claim(task_list, collector)
    sa.event.remove(task_list.engine, "commit", fail)
    other = tasks.register(task_list)
    assert len(claimed(task_list, other).tasks) == 1
    assert tasks.claim(task_list, collector) is None


def test_two_that_choose_at_once_do_not_choose_alike(database: str, task_list: TaskList) -> None:
    """CL8: ten collectors, one of them at the high class: of two that ask, one takes the background class."""
    for number in range(60):
        put(task_list, f"nc{number}", priority=Priority.HIGH if number % 2 else Priority.BACKGROUND)
    for registration in [tasks.register(task_list) for _ in range(10)][:1]:
        claimed(task_list, registration, limit=1)
    pair = [TaskList(connect(database), clock=task_list.clock) for _ in range(2)]
    claimants = [tasks.register(one) for one in pair]
    for _ in range(10):
        asked = zip(pair, claimants, strict=True)
        batches = at_once(*(lambda q=q, c=c: claimed(q, c, limit=1, window=1) for q, c in asked))
        assert sorted(batch.priority for batch in batches) == [Priority.HIGH, Priority.BACKGROUND]
        for one, registration in zip(pair, claimants, strict=True):
            tasks.release(one, registration)
            assert tasks.claim(one, registration, down_to=0) is None
    for one in pair:
        one.engine.dispose()


def test_a_node_has_no_more_sessions_than_it_may(task_list: TaskList) -> None:
    """Three, of which the last is for critical tasks, and one of each class; tasks of one batch share one."""
    got = []
    for priority in (*reversed(Priority), Priority.CRITICAL):
        put(task_list, "nc2", f"slow{priority}", priority=priority)
        batch = tasks.claim(task_list, tasks.register(task_list), 9)
        got.append(batch and batch.priority)
    assert got == [Priority.BACKGROUND, Priority.LOW, None, None, Priority.CRITICAL, None]


def test_a_crowded_node_holds_nobody_up(task_list: TaskList) -> None:
    for number in range(3):
        put(task_list, "nc2", f"slow{number}", next_try=MOMENT - 5)
    put(task_list, "nc3", "load")
    put(task_list, "", "", kind="tidy")
    batches = [tasks.claim(task_list, tasks.register(task_list), 1) for _ in range(4)]
    assert [batch and named(batch)[0][0] for batch in batches] == ["nc2", "nc3", "", None]


def test_classes_below_what_it_is_for_are_left_alone(task_list: TaskList, collector: Registration) -> None:
    put(task_list, priority=Priority.MEDIUM)
    assert tasks.claim(task_list, collector, down_to=Priority.HIGH) is None
    assert tasks.claim(task_list, collector, down_to=Priority.MEDIUM) is not None


def test_a_database_that_is_gone_is_an_error(task_list: TaskList, collector: Registration) -> None:
    TASKS.drop(task_list.engine)
    with pytest.raises(DatabaseError):
        tasks.claim(task_list, collector)
