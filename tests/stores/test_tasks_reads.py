"""What the databases read and lock for a claim and its end: the tasks of the batch, however long the task list is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa
from servers import Server
from task_rows import HOUR, MOMENT, Driven, ended, wanted

from nicassh import tasks
from nicassh.database import connect
from nicassh.tasks import PROBE, ClaimedBatch, PeriodicTask, Priority, Registration, TaskList
from nicassh.tasks.enqueueing import new_row
from nicassh.tasks.model import RUNNING, TASKS

T = TypeVar("T")
LEARN = {"sqlite": "SELECT 1", "mariadb": "ANALYZE TABLE tasks", "postgresql": "ANALYZE tasks"}
"""What a server does by itself after a while. SQLite does not, unless it is told to."""
READ = {
    "mariadb": "SELECT sum(variable_value) FROM information_schema.session_status "
    "WHERE variable_name IN ('handler_read_key', 'handler_read_next', 'handler_read_rnd_next', 'handler_read_first')",
    "postgresql": "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'tasks'",
}


class Counting(TaskList):
    """A task list that knows how many rows its last transaction read; of SQLite, how many steps its programs took."""

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
    task_list = Counting(connect(database), clock=Driven())
    task_list.create()
    yield task_list
    task_list.engine.dispose()


def fill(task_list: TaskList, due: int, deferred: int = 0, **fields: object) -> None:
    """Puts so many tasks into the table, each of a node of its own."""
    made = [{**new_row(PROBE, f"n{one}", "load", Priority.MEDIUM, MOMENT), **fields} for one in range(due + deferred)]
    for row in made[due:]:
        row["next_try"] = MOMENT + HOUR
    task_list.write(lambda connection: connection.execute(sa.insert(TASKS), made))


def reads(task_list: Counting, collector: Registration) -> list[int]:
    """What a claim of ten tasks, their begin and their end read."""
    batch, found = tasks.claim(task_list, collector, 10), []
    assert batch is not None
    found.append(task_list.rows)
    for step in (
        lambda: tasks.start(task_list, batch, batch.tasks),
        lambda: tasks.complete(task_list, collector, batch, ended(batch)),
    ):
        step()
        found.append(task_list.rows)
    collector.batch = None
    return found


def test_a_long_task_list_costs_no_more_than_a_short_one(counting: Counting) -> None:
    """Whether the database knows how its tables are filled, or has not looked at them yet."""
    collector = tasks.register(counting)
    fill(counting, 40)
    reads(counting, collector)
    short = reads(counting, collector)
    fill(counting, 6000, deferred=6000)
    for _ in range(2):
        long = reads(counting, collector)
        assert all(more < 1.5 * few for more, few in zip(long, short, strict=True)), (long, short)
        counting.write(lambda connection: connection.exec_driver_sql(LEARN[connection.dialect.name]))


def test_busy_nodes_are_looked_for_among_what_runs(serving: Callable[[str], Server]) -> None:
    """MariaDB would read all tasks in the order of their nodes, as soon as many of them run."""
    with serving("mariadb").fresh() as url:
        task_list = TaskList(connect(url), clock=Driven())
        task_list.create()
        fill(task_list, 2000, state=RUNNING, **{"token": "another's"})
        fill(task_list, 2000)
        asked: list[tuple[str, Any]] = []
        sa.event.listen(task_list.engine, "before_cursor_execute", lambda *words: asked.append((words[2], words[3])))
        tasks.claim(task_list, tasks.register(task_list), 10)
        (query,) = [one for one in asked if "GROUP BY tasks.node" in one[0]]
        steps = task_list.read(lambda c: c.exec_driver_sql("EXPLAIN " + query[0], query[1]).mappings().all())
        task_list.engine.dispose()
    assert [step["key"] for step in steps] == ["tasks_due", "tasks_due"], steps


class Open(TaskList):
    """A task list whose transactions stay open until they are rolled back."""

    def write(self, work: Callable[[sa.Connection], T]) -> T:
        self.connection = self.engine.connect()
        return work(self.connection)


def test_a_claim_locks_what_it_takes_and_nothing_else(server: Server) -> None:
    with server.fresh() as url:
        task_list = Open(engine := connect(url), clock=Driven())
        TaskList(engine).create()
        collector = tasks.register(other := TaskList(engine, clock=Driven()))
        fill(other, 30, deferred=30)
        taken = tasks.claim(task_list, collector, 10)
        assert isinstance(taken, ClaimedBatch)
        free = sa.select(TASKS.c.id).with_for_update(skip_locked=True)
        left = other.write(lambda connection: connection.scalars(free).all())
        task_list.connection.close()
        engine.dispose()
    assert len(taken.tasks) == 10
    assert len(left) == 50
    assert not {task.id for task in taken.tasks} & set(left)


@pytest.mark.parametrize(("priority", "each"), [(Priority.MEDIUM, 10), (Priority.LOW, 1)])
def test_housekeeping_are_claimed_while_another_claims_some(server: Server, priority: Priority, each: int) -> None:
    with server.fresh() as url:
        other = TaskList(connect(url), clock=Driven())
        other.create()
        tasks.sync_periodic(other, [PeriodicTask("nothing", "", f"{one}", priority, HOUR) for one in range(20)])
        task_list = Open(other.engine, clock=Driven())
        first, second = (tasks.claim(one, tasks.register(other), 10, 20) for one in (task_list, other))
        task_list.connection.close()
        other.engine.dispose()
    assert first is not None
    assert second is not None
    assert len(first.tasks) == len(second.tasks) == each
    assert not {task.id for task in first.tasks} & {task.id for task in second.tasks}


def test_two_that_claim_at_the_same_moment_share_no_node(server: Server) -> None:
    with server.fresh() as url:
        other = TaskList(connect(url), clock=Driven())
        other.create()
        tasks.sync_periodic(other, wanted("nc2", "load memory disks"))
        task_list = Open(other.engine, clock=Driven())
        first = tasks.claim(task_list, tasks.register(other), 1)
        with ThreadPoolExecutor() as pool:
            second = pool.submit(tasks.claim, other, tasks.register(other), 10)
            time.sleep(0.3)  # for the mistake to be made: who waits in order may come later
            task_list.connection.commit()
            assert second.result() is None
        task_list.connection.close()
        other.engine.dispose()
    assert first is not None
