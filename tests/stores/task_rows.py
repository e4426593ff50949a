"""A task list in a time that the test drives, tasks in few words, and the rows as the database has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from nicassh import tasks
from nicassh.database import Clock
from nicassh.tasks import PROBE, ClaimedBatch, PeriodicTask, Priority, Registration, TaskList, TaskResult
from nicassh.tasks.enqueueing import new_row
from nicassh.tasks.model import TASKS

MOMENT = 1_790_000_040.0
"""When each test begins: a whole minute."""
MINUTE, HOUR = 60, 3600


class Driven(Clock):
    """A clock that stands still until a test moves it on, whatever the database says."""

    def __init__(self, moment: float = MOMENT) -> None:
        super().__init__(lambda: self.moment)
        self.moment = moment

    def ask(self, connection: sa.Connection) -> None:
        """Nobody is asked."""


def later(task_list: TaskList, seconds: float) -> float:
    """Moves the task list's time on; the moment that it is then."""
    assert isinstance(task_list.clock, Driven)
    task_list.clock.moment += seconds
    return task_list.clock.moment


def until(task_list: TaskList, moment: float) -> None:
    """Moves the task list's time on to a moment, unless that is over."""
    assert isinstance(task_list.clock, Driven)
    task_list.clock.moment = max(task_list.clock.moment, moment)


def rows(task_list: TaskList, **fields: object) -> list[Any]:
    """The rows of the tasks that have these values, in the order of their ids."""
    query = sa.select(TASKS).where(*(TASKS.c[name] == value for name, value in fields.items())).order_by(TASKS.c.id)
    return list(task_list.read(lambda connection: connection.execute(query).all()))


def row(task_list: TaskList, **fields: object) -> Any:
    """The one row of a task."""
    (only,) = rows(task_list, **fields)
    return only


def put(task_list: TaskList, node: str = "nc2", argument: str = "load", **fields: object) -> int:
    """Puts the row of a task into the table as it stands; its id."""
    priority = int(str(fields.get("priority", int(Priority.MEDIUM))))
    values = {**new_row(PROBE, node, argument, priority, task_list.now()), **fields}
    return int(task_list.write(lambda connection: connection.execute(sa.insert(TASKS), values).inserted_primary_key[0]))


def wanted(
    nodes: str, probes: str = "load", priority: Priority = Priority.MEDIUM, every: int = MINUTE
) -> list[PeriodicTask]:
    """Periodic tasks: each of these probes on each of these nodes."""
    return [PeriodicTask(PROBE, node, probe, priority, every) for node in nodes.split() for probe in probes.split()]


def claimed(task_list: TaskList, registration: Registration, limit: int = 100, window: int = 100) -> ClaimedBatch:
    """The batch that a collector gets, of which there is one."""
    batch = tasks.claim(task_list, registration, limit, window)
    assert batch is not None
    return batch


def begun(task_list: TaskList, registration: Registration, limit: int = 100) -> ClaimedBatch:
    """A batch that a collector gets and begins with."""
    batch = claimed(task_list, registration, limit)
    tasks.start(task_list, batch, batch.tasks)
    registration.batch = None
    return batch


def run(task_list: TaskList, registration: Registration, error: str = "", limit: int = 100) -> ClaimedBatch:
    """A batch that a collector gets, begins with, and ends at once, well or with an error."""
    batch = begun(task_list, registration, limit)
    tasks.complete(task_list, registration, batch, ended(batch, error))
    return batch


def ended(batch: ClaimedBatch, error: str = "", hopeless: bool = False) -> Sequence[TaskResult]:
    """How all tasks of a batch ended."""
    return [TaskResult(task, error, hopeless) for task in batch.tasks]


def named(batch: ClaimedBatch | None) -> list[tuple[str, str]]:
    """Node and probe of the tasks of a batch, in its order."""
    return [(task.node, task.argument) for task in batch.tasks] if batch else []
