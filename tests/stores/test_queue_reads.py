"""What the databases read and lock for a claim and its end: the jobs of the batch, however long the queue is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from queueing import HOUR, MOMENT, Driven, ended, wanted
from servers import Server

from nicassh import tasks as jobs
from nicassh.database import connect
from nicassh.tasks import PROBE, Batch, Claimant, Priority, Queue, Wanted
from nicassh.tasks.arming import fresh
from nicassh.tasks.table import JOBS, RUNNING

T = TypeVar("T")
LEARN = {"sqlite": "SELECT 1", "mariadb": "ANALYZE TABLE jobs", "postgresql": "ANALYZE jobs"}
"""What a server does by itself after a while. SQLite does not, unless it is told to."""
READ = {
    "mariadb": "SELECT sum(variable_value) FROM information_schema.session_status "
    "WHERE variable_name IN ('handler_read_key', 'handler_read_next', 'handler_read_rnd_next', 'handler_read_first')",
    "postgresql": "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'jobs'",
}


class Counting(Queue):
    """A queue that knows how many rows its last transaction read; of SQLite, how many steps its programs took."""

    rows = 0

    def write(self, work: Callable[[sa.Connection], T]) -> T:
        def counted(connection: sa.Connection) -> T:
            with self._count(connection):
                return work(connection)

        return super().write(counted)

    @contextmanager
    def _count(self, connection: sa.Connection) -> Iterator[None]:
        kind = connection.dialect.name
        self.rows = 0
        if kind == "sqlite":
            database: Any = connection.connection.driver_connection
            database.set_progress_handler(self._step, 1)
            yield
            database.set_progress_handler(None, 0)
        else:
            before = connection.exec_driver_sql(READ[kind]).scalar_one()
            yield
            self.rows = int(connection.exec_driver_sql(READ[kind]).scalar_one() - before)

    def _step(self) -> None:
        self.rows += 1


@pytest.fixture
def counting(database: str) -> Iterator[Counting]:
    queue = Counting(connect(database), clock=Driven())
    queue.create()
    yield queue
    queue.engine.dispose()


def fill(queue: Queue, due: int, deferred: int = 0, **fields: object) -> None:
    """Puts so many jobs into the table, each of a node of its own."""
    made = [{**fresh(PROBE, f"n{one}", "load", Priority.MEDIUM, MOMENT), **fields} for one in range(due + deferred)]
    for row in made[due:]:
        row["next_try"] = MOMENT + HOUR
    queue.write(lambda connection: connection.execute(sa.insert(JOBS), made))


def reads(queue: Counting, worker: Claimant) -> list[int]:
    """What a claim of ten jobs, their begin and their end read."""
    batch, found = jobs.claim(queue, worker, 10), []
    assert batch is not None
    found.append(queue.rows)
    for step in (
        lambda: jobs.start(queue, batch, batch.jobs),
        lambda: jobs.finish(queue, worker, batch, ended(batch)),
    ):
        step()
        found.append(queue.rows)
    worker.batch = None
    return found


def test_a_long_queue_costs_no_more_than_a_short_one(counting: Counting) -> None:
    """Whether the database knows how its tables are filled, or has not looked at them yet."""
    worker = jobs.enter(counting)
    fill(counting, 40)
    reads(counting, worker)
    short = reads(counting, worker)
    fill(counting, 6000, deferred=6000)
    for _ in range(2):
        long = reads(counting, worker)
        assert all(more < 1.5 * few for more, few in zip(long, short, strict=True)), (long, short)
        counting.write(lambda connection: connection.exec_driver_sql(LEARN[connection.dialect.name]))


def test_busy_nodes_are_looked_for_among_what_runs(serving: Callable[[str], Server]) -> None:
    """MariaDB would read all jobs in the order of their nodes, as soon as many of them run."""
    with serving("mariadb").fresh() as url:
        queue = Queue(connect(url), clock=Driven())
        queue.create()
        fill(queue, 2000, state=RUNNING, **{"token": "another's"})
        fill(queue, 2000)
        asked: list[tuple[str, Any]] = []
        sa.event.listen(queue.engine, "before_cursor_execute", lambda *words: asked.append((words[2], words[3])))
        jobs.claim(queue, jobs.enter(queue), 10)
        (query,) = [one for one in asked if "GROUP BY jobs.node" in one[0]]
        steps = queue.read(lambda c: c.exec_driver_sql("EXPLAIN " + query[0], query[1]).mappings().all())
        queue.engine.dispose()
    assert [step["key"] for step in steps] == ["jobs_due", "jobs_due"], steps


class Open(Queue):
    """A queue whose transactions stay open until they are rolled back."""

    def write(self, work: Callable[[sa.Connection], T]) -> T:
        self.connection = self.engine.connect()
        return work(self.connection)


def test_a_claim_locks_what_it_takes_and_nothing_else(server: Server) -> None:
    with server.fresh() as url:
        queue = Open(engine := connect(url), clock=Driven())
        Queue(engine).create()
        worker = jobs.enter(other := Queue(engine, clock=Driven()))
        fill(other, 30, deferred=30)
        taken = jobs.claim(queue, worker, 10)
        assert isinstance(taken, Batch)
        free = sa.select(JOBS.c.id).with_for_update(skip_locked=True)
        left = other.write(lambda connection: connection.scalars(free).all())
        queue.connection.close()
        engine.dispose()
    assert len(taken.jobs) == 10
    assert len(left) == 50
    assert not {job.id for job in taken.jobs} & set(left)


@pytest.mark.parametrize(("priority", "each"), [(Priority.MEDIUM, 10), (Priority.LOW, 1)])
def test_chores_are_claimed_while_another_claims_some(server: Server, priority: Priority, each: int) -> None:
    with server.fresh() as url:
        other = Queue(connect(url), clock=Driven())
        other.create()
        jobs.arm(other, [Wanted("nothing", "", f"{one}", priority, HOUR) for one in range(20)])
        queue = Open(other.engine, clock=Driven())
        first, second = (jobs.claim(one, jobs.enter(other), 10, 20) for one in (queue, other))
        queue.connection.close()
        other.engine.dispose()
    assert first is not None
    assert second is not None
    assert len(first.jobs) == len(second.jobs) == each
    assert not {job.id for job in first.jobs} & {job.id for job in second.jobs}


def test_two_that_claim_at_the_same_moment_share_no_node(server: Server) -> None:
    with server.fresh() as url:
        other = Queue(connect(url), clock=Driven())
        other.create()
        jobs.arm(other, wanted("nc2", "load memory disks"))
        queue = Open(other.engine, clock=Driven())
        first = jobs.claim(queue, jobs.enter(other), 1)
        with ThreadPoolExecutor() as pool:
            second = pool.submit(jobs.claim, other, jobs.enter(other), 10)
            time.sleep(0.3)  # for the mistake to be made: who waits in order may come later
            queue.connection.commit()
            assert second.result() is None
        queue.connection.close()
        other.engine.dispose()
    assert first is not None
