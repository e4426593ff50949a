"""The processes of `nicamon daemon`, with some of the test's own in place of collectors."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from task_rows import MINUTE, put

from nicassh import tasks
from nicassh.collector import Pool
from nicassh.config.settings import Config
from nicassh.tasks import Priority, TaskList
from nicassh.tasks.model import COLLECTORS

CALM = Config(collectors=1, max_load=1e6, load_exponent=0, min_memory=0)


@pytest.fixture
def pool(task_list: TaskList) -> Iterator[Pool]:
    """One collector, and one more for urgent tasks, because the first is busy with others."""
    put(task_list, every=MINUTE, priority=Priority.CRITICAL)
    tasks.register(task_list)
    task_list.write(lambda connection: connection.execute(sa.update(COLLECTORS).values(priority=Priority.LOW)))
    pool = Pool(task_list, [sys.executable, "-c", "import time; time.sleep(60)"], CALM, lambda: False)
    pool.start_missing(0.0)
    for _ in range(2):
        pool.start_urgent()
    assert pool.urgent is not None
    assert pool.urgent.poll() is None
    yield pool
    pool.end()


def test_a_new_inventory_is_for_the_urgent_collector_as_well(pool: Pool) -> None:
    """It would go on with the old one for as long as there are urgent tasks."""
    assert pool.urgent is not None
    pool.restart()
    assert pool.urgent.wait(10) < 0
    assert pool.collectors[0].wait(10) < 0


def test_a_collector_that_takes_the_place_of_another_does_not_rest_for_the_urgent_one(pool: Pool) -> None:
    """The one that came last rests, and that must be the urgent one."""
    assert pool.urgent is not None
    (collector,) = pool.collectors
    collector.kill()
    collector.wait(10)
    pool.start_missing(0.0)
    assert pool.urgent.poll() is None
    pool.start_missing(MINUTE)
    assert pool.urgent.wait(10) < 0
    (other,) = pool.collectors
    assert other.poll() is None


def test_what_is_said_of_a_collector_that_failed(
    task_list: TaskList, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its own exit code, though another ended well at the same time."""
    first_ends_well = f"mkdir {tmp_path}/ended || exit 70"
    pool = Pool(task_list, ["sh", "-c", first_ends_well], replace(CALM, collectors=2), lambda: False)
    pool.start_missing(0.0)
    assert sorted(collector.wait(10) for collector in pool.collectors) == [0, 70]
    pool.start_missing(0.0)
    assert "code 70" in caplog.text
    assert pool.collectors == []
    pool.end()
