"""What an operator does to tasks: run them now, try them again, cancel them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from nicassh.tasks import scheduler
from nicassh.tasks.model import FAILED, PAUSED, RUNNING, TASKS, WAITING
from nicassh.tasks.task_list import TaskList, chunks

Nodes = Collection[str] | None
"""Names of nodes; None for all tasks, also those that concern no node."""


def run_now(task_list: TaskList, nodes: Nodes = None, argument: str = "") -> int:
    """Make periodic tasks due at once, also paused ones; one that runs is run again. Return how many.

    `argument` is the name of a probe; empty: all. Raises DatabaseError.
    """
    fields = {"state": WAITING, "next_try": task_list.now(), "failures": 0, "attempts": 0}

    def work(connection: sa.Connection) -> int:
        chosen = sa.and_(_chosen(argument), TASKS.c.every.is_not(None))
        rerun = sa.update(TASKS).where(chosen, TASKS.c.state == RUNNING).values(rerun_requested=True)
        due = sa.update(TASKS).where(chosen, TASKS.c.state != RUNNING).values(**fields)
        return _execute(connection, rerun, nodes) + _execute(connection, due, nodes)

    return task_list.write(work)


def retry(task_list: TaskList, nodes: Nodes = None, argument: str = "") -> int:
    """Give a fresh start to tasks that failed, are deferred after a failure, or are paused. Return how many.

    Raises DatabaseError.
    """
    now = task_list.now()
    fields = {"state": WAITING, "next_try": now, "created": now, "failures": 0, "attempts": 0}
    deferred = sa.and_(TASKS.c.state == WAITING, TASKS.c.failures > 0)
    in_trouble = sa.or_(TASKS.c.state.in_([FAILED, PAUSED]), deferred)
    update = sa.update(TASKS).where(_chosen(argument), in_trouble).values(**fields)
    return task_list.write(lambda connection: _execute(connection, update, nodes))


def cancel(task_list: TaskList, nodes: Nodes = None, argument: str = "") -> int:
    """Delete tasks that are done once, and put due periodic ones off to their next moment. Return how many.

    A task that runs is left alone. Raises DatabaseError.
    """
    now = task_list.now()
    idle = sa.and_(_chosen(argument), TASKS.c.state != RUNNING)

    def work(connection: sa.Connection) -> int:
        number = _execute(connection, sa.delete(TASKS).where(idle, TASKS.c.every.is_(None)), nodes)
        due = sa.and_(idle, TASKS.c.state == WAITING, TASKS.c.next_try <= now)
        periods = connection.scalars(sa.select(TASKS.c.every).where(due, TASKS.c.every.is_not(None)).distinct()).all()
        for every in periods:
            later = sa.update(TASKS).where(due, TASKS.c.every == every).values(next_try=scheduler.next_due(now, every))
            number += _execute(connection, later, nodes)
        return number

    return task_list.write(work)


def _chosen(argument: str) -> sa.ColumnElement[bool]:
    return TASKS.c.argument == argument if argument else sa.true()


def _execute(connection: sa.Connection, statement: Any, nodes: Nodes) -> int:
    """Execute a statement on the tasks of some nodes, and return how many rows it changed."""
    parts = (
        [statement] if nodes is None else [statement.where(TASKS.c.node.in_(part)) for part in chunks(sorted(nodes))]
    )
    changed: list[int] = [connection.execute(part).rowcount for part in parts]
    return sum(changed)
