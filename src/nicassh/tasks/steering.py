"""Steering: what an operator does to jobs: try again, drop, run now."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from nicassh.tasks import backoff
from nicassh.tasks.queue import Queue, chunks
from nicassh.tasks.table import FAILED, JOBS, PAUSED, RUNNING, WAITING

Nodes = Collection[str] | None
"""Names of nodes, or None for the jobs of all nodes and of none."""


def now(queue: Queue, nodes: Nodes = None, argument: str = "") -> int:
    """Makes permanent jobs due at once, paused ones too; one that runs is run again. Raises DatabaseError."""
    fields = {"state": WAITING, "next_try": queue.now(), "retrial": 0, "attempts": 0}

    def work(connection: sa.Connection) -> int:
        chosen = sa.and_(_which(argument), JOBS.c.every.is_not(None))
        again = sa.update(JOBS).where(chosen, JOBS.c.state == RUNNING).values(again=True)
        due = sa.update(JOBS).where(chosen, JOBS.c.state != RUNNING).values(**fields)
        return _each(connection, again, nodes) + _each(connection, due, nodes)

    return queue.write(work)


def retry(queue: Queue, nodes: Nodes = None, argument: str = "") -> int:
    """Gives jobs that failed, are deferred after a failure or paused a fresh start. Raises DatabaseError."""
    fields = {"state": WAITING, "next_try": queue.now(), "created": queue.now(), "retrial": 0, "attempts": 0}
    trouble = sa.or_(JOBS.c.state.in_([FAILED, PAUSED]), sa.and_(JOBS.c.state == WAITING, JOBS.c.retrial > 0))
    update = sa.update(JOBS).where(_which(argument), trouble).values(**fields)
    return queue.write(lambda connection: _each(connection, update, nodes))


def cancel(queue: Queue, nodes: Nodes = None, argument: str = "") -> int:
    """Removes jobs that are done once, and puts due permanent ones off to their next moment.

    A job that runs is left alone. Raises DatabaseError.
    """
    moment = queue.now()
    idle = sa.and_(_which(argument), JOBS.c.state != RUNNING)

    def work(connection: sa.Connection) -> int:
        removed = _each(connection, sa.delete(JOBS).where(idle, JOBS.c.every.is_(None)), nodes)
        due = sa.and_(idle, JOBS.c.state == WAITING, JOBS.c.next_try <= moment)
        periods = connection.scalars(sa.select(JOBS.c.every).where(due, JOBS.c.every.is_not(None)).distinct()).all()
        for every in periods:
            later = sa.update(JOBS).where(due, JOBS.c.every == every).values(next_try=backoff.due(moment, every))
            removed += _each(connection, later, nodes)
        return removed

    return queue.write(work)


def _which(argument: str) -> sa.ColumnElement[bool]:
    return JOBS.c.argument == argument if argument else sa.true()


def _each(connection: sa.Connection, statement: Any, nodes: Nodes) -> int:
    """Executes a statement on the jobs of some nodes; how many it met."""
    parts = [statement] if nodes is None else [statement.where(JOBS.c.node.in_(part)) for part in chunks(sorted(nodes))]
    met: list[int] = [connection.execute(part).rowcount for part in parts]
    return sum(met)
