"""The processes of `nicamon worker`, with some of the test's own in place of workers."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from queueing import MINUTE, put

from nicassh import tasks as jobs
from nicassh.collector import Pool
from nicassh.config.settings import Config
from nicassh.tasks import Priority, Queue
from nicassh.tasks.table import WORKERS

CALM = Config(workers=1, max_load=1e6, load_exponent=0, min_memory=0)


@pytest.fixture
def pool(queue: Queue) -> Iterator[Pool]:
    """One worker, and one more for urgent jobs, because the first is busy with others."""
    put(queue, every=MINUTE, priority=Priority.CRITICAL)
    jobs.enter(queue)
    queue.write(lambda connection: connection.execute(sa.update(WORKERS).values(priority=Priority.LOW)))
    pool = Pool(queue, [sys.executable, "-c", "import time; time.sleep(60)"], CALM, lambda: False)
    pool._tend(0.0)
    for _ in range(2):
        pool._open_lane()
    assert pool._lane is not None
    assert pool._lane.poll() is None
    yield pool
    pool._end()


def test_a_new_inventory_is_for_the_lane_as_well(pool: Pool) -> None:
    """It would go on with the old one for as long as there are urgent jobs."""
    assert pool._lane is not None
    pool._renew()
    assert pool._lane.wait(10) < 0
    assert pool._workers[0].wait(10) < 0


def test_a_worker_that_takes_the_place_of_another_does_not_rest_for_the_lane(pool: Pool) -> None:
    """The one that came last rests, and that must be the lane."""
    assert pool._lane is not None
    (worker,) = pool._workers
    worker.kill()
    worker.wait(10)
    pool._tend(0.0)
    assert pool._lane.poll() is None
    pool._tend(MINUTE)
    assert pool._lane.wait(10) < 0
    (other,) = pool._workers
    assert other.poll() is None


def test_what_is_said_of_a_worker_that_failed(pool: Pool, caplog: pytest.LogCaptureFixture) -> None:
    """Its own exit code, though another ended well at the same time."""
    for worker in pool._workers:
        worker.terminate()
        worker.wait(10)
    pool._workers = []
    for code in (0, 70):
        pool._command = ["sh", "-c", f"exit {code}"]
        pool._workers.append(pool._begin())
    for worker in pool._workers:
        worker.wait(10)
    pool._tend(0.0)
    assert "code 70" in caplog.text
