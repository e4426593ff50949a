"""What a worker gets when it asks: which jobs, how many, in which order, and never another's."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from multitude import at_once
from queueing import MINUTE, MOMENT, begun, claimed, ended, later, named, put, row, rows, run, until

from nicassh import tasks as jobs
from nicassh.database import connect
from nicassh.model.errors import DatabaseError
from nicassh.tasks import Claimant, Priority, Queue
from nicassh.tasks.table import JOBS


def test_the_longest_due_goes_first(queue: Queue, worker: Claimant) -> None:
    """CL2: an old job that was deferred comes after those that were due before it."""
    put(queue, "deferred", created=MOMENT - 400, next_try=MOMENT - 100, retrial=2)
    put(queue, "second", created=MOMENT - 200, next_try=MOMENT - 200)
    put(queue, "first", created=MOMENT - 300, next_try=MOMENT - 300)
    put(queue, "fourth", created=MOMENT - 500, next_try=MOMENT - 99)
    assert [node for node, _ in named(claimed(queue, worker, limit=3))] == ["first", "second", "deferred"]


def test_a_job_is_due_at_its_moment(queue: Queue, worker: Claimant) -> None:
    """CL3: not before, and not only after it."""
    put(queue, next_try=MOMENT + 12.345678)
    later(queue, 12.345)
    assert jobs.claim(queue, worker) is None
    assert jobs.nodes_due(queue) == 0
    until(queue, MOMENT + 12.345678)
    assert jobs.nodes_due(queue) == 1
    assert len(claimed(queue, worker).jobs) == 1


def test_who_lost_the_lease_changes_nothing(queue: Queue, worker: Claimant, caplog: pytest.LogCaptureFixture) -> None:
    """CL4: neither a start nor an end of any kind counts, and the log says so; who has it now is left in peace."""
    put(queue, every=MINUTE)
    old = begun(queue, worker)
    later(queue, queue.lease + 1)
    assert jobs.reap(queue) == 1
    other = jobs.enter(queue)
    new = begun(queue, other)
    before = row(queue)
    jobs.start(queue, old, old.jobs)
    jobs.overrun(queue, old, old.jobs)
    jobs.pause(queue, old, {"nc2": "no route"})
    for error in ("", "failed: no"):
        assert jobs.finish(queue, worker, old, ended(old, error)) == 0
    assert "lease" in caplog.text
    assert row(queue) == before
    assert jobs.finish(queue, other, new, ended(new)) == 1


def test_what_it_holds_already_comes_first(queue: Queue, worker: Claimant) -> None:
    """CL5: nothing more is claimed as long as the last batch has not begun."""
    for number in range(6):
        put(queue, f"nc{number}")
    batch = claimed(queue, worker, limit=3)
    put(queue, "urgent", priority=Priority.CRITICAL)
    assert jobs.claim(queue, worker, 3) == batch
    assert len(rows(queue, state="running")) == 3


@pytest.mark.parametrize(
    ("priority", "kind", "number"),
    [
        pytest.param(Priority.CRITICAL, "tidy", 5, id="CL6-critical"),
        pytest.param(Priority.MEDIUM, "tidy", 5, id="CL6-medium"),
        pytest.param(Priority.LOW, "tidy", 1, id="CL6-low"),
        pytest.param(Priority.NEGLIGIBLE, "tidy", 1, id="CL6-negligible"),
        pytest.param(Priority.MEDIUM, "probe", 5, id="CL6-medium-probes"),
        pytest.param(Priority.LOW, "probe", 3, id="CL6-low-probes"),
    ],
)
def test_how_many(priority: Priority, kind: str, number: int, queue: Queue, worker: Claimant) -> None:
    """CL6: below medium one chore at a time, or as many probes as are asked side by side."""
    for one in range(8):
        put(queue, f"nc{one}", kind=kind, priority=int(priority))
    assert len(claimed(queue, worker, limit=5, window=3).jobs) == number
    assert len(rows(queue, state="waiting")) == 8 - number


def test_chores_and_probes_below_medium_are_not_mixed(queue: Queue, worker: Claimant) -> None:
    for number, kind in enumerate(["probe", "tidy", "probe", "tidy"]):
        put(queue, f"nc{number}", kind=kind, priority=Priority.LOW, next_try=MOMENT - 10 + number)
    assert named(run(queue, worker)) == [("nc0", "load"), ("nc2", "load")]
    assert [node for node, _ in named(run(queue, worker))] == ["nc1"]


def test_a_claim_that_is_not_committed_is_none(queue: Queue, worker: Claimant) -> None:
    """CL7: the job is anybody's at once."""
    put(queue)

    def fail(_connection: sa.Connection) -> None:
        raise ConnectionError("cut")

    sa.event.listen(queue.engine, "commit", fail)
    with pytest.raises(ConnectionError):
        jobs.claim(queue, worker)
    sa.event.remove(queue.engine, "commit", fail)
    other = jobs.enter(queue)
    assert len(claimed(queue, other).jobs) == 1
    assert jobs.claim(queue, worker) is None


def test_two_that_choose_at_once_do_not_choose_alike(database: str, queue: Queue) -> None:
    """CL8: ten workers, one of them at the high class: of two that ask, one gets the negligible class its worker."""
    for number in range(60):
        put(queue, f"nc{number}", priority=Priority.HIGH if number % 2 else Priority.NEGLIGIBLE)
    for claimant in [jobs.enter(queue) for _ in range(10)][:1]:
        claimed(queue, claimant, limit=1)
    pair = [Queue(connect(database), clock=queue.clock) for _ in range(2)]
    claimants = [jobs.enter(one) for one in pair]
    for _ in range(10):
        asked = zip(pair, claimants, strict=True)
        batches = at_once(*(lambda q=q, c=c: claimed(q, c, limit=1, window=1) for q, c in asked))
        assert sorted(batch.priority for batch in batches) == [Priority.HIGH, Priority.NEGLIGIBLE]
        for one, claimant in zip(pair, claimants, strict=True):
            jobs.release(one, claimant)
            assert jobs.claim(one, claimant, down_to=0) is None
    for one in pair:
        one.engine.dispose()


def test_a_node_has_no_more_sessions_than_it_may(queue: Queue) -> None:
    """Three, of which the last is for critical jobs, and one of each class; jobs of one batch share one."""
    got = []
    for priority in (*reversed(Priority), Priority.CRITICAL):
        put(queue, "nc2", f"slow{priority}", priority=priority)
        batch = jobs.claim(queue, jobs.enter(queue), 9)
        got.append(batch and batch.priority)
    assert got == [Priority.NEGLIGIBLE, Priority.LOW, None, None, Priority.CRITICAL, None]


def test_a_crowded_node_holds_nobody_up(queue: Queue) -> None:
    for number in range(3):
        put(queue, "nc2", f"slow{number}", next_try=MOMENT - 5)
    put(queue, "nc3", "load")
    put(queue, "", "", kind="tidy")
    batches = [jobs.claim(queue, jobs.enter(queue), 1) for _ in range(4)]
    assert [batch and named(batch)[0][0] for batch in batches] == ["nc2", "nc3", "", None]


def test_classes_below_what_it_is_for_are_left_alone(queue: Queue, worker: Claimant) -> None:
    put(queue, priority=Priority.MEDIUM)
    assert jobs.claim(queue, worker, down_to=Priority.HIGH) is None
    assert jobs.claim(queue, worker, down_to=Priority.MEDIUM) is not None


def test_a_database_that_is_gone_is_an_error(queue: Queue, worker: Claimant) -> None:
    JOBS.drop(queue.engine)
    with pytest.raises(DatabaseError):
        jobs.claim(queue, worker)
