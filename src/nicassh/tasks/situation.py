"""The situation that the next choice is made in: what is due, and what the workers are at."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from nicassh.tasks.queue import Queue
from nicassh.tasks.table import CLASSES, JOBS, WAITING, WORKERS

_NOW: sa.BindParameter[float] = sa.bindparam("now")
_alive = WORKERS.c.lease_until > _NOW
DUE = sa.and_(JOBS.c.state == WAITING, JOBS.c.next_try <= sa.bindparam("due", type_=sa.Double))
"""A job that may run at the moment `due`: not before its time, and at it."""
# In the order of the index, or PostgreSQL would read all jobs in search of a class that has none.
_FIRST = sa.select(JOBS.c.node).where(DUE, JOBS.c.priority == CLASSES.c.priority).order_by(JOBS.c.next_try).limit(1)
_SITUATION = sa.select(
    CLASSES.c.priority,
    CLASSES.c.turn,
    CLASSES.c.seconds,
    _FIRST.scalar_subquery().label("first"),
    sa.select(sa.func.count())
    .where(_alive, WORKERS.c.id != sa.bindparam("me"), WORKERS.c.priority == CLASSES.c.priority)
    .scalar_subquery()
    .label("workers"),
    sa.select(sa.func.count()).where(_alive).scalar_subquery().label("active"),
).order_by(CLASSES.c.priority)


@dataclass
class Situation:
    """What a choice is made of: the classes with due jobs, busy workers by class, live workers, virtual times.

    `chores`: one class waits, and its first job concerns no node. `seconds` is what a batch of each class takes on
    average, None where none has come to its end yet.
    """

    waiting: list[int]
    chores: bool
    running: dict[int, int]
    active: int
    passes: dict[int, float]
    seconds: dict[int, float | None]


def situation(connection: sa.Connection, now: float, due: float, asking: str) -> Situation:
    """The situation now, with the jobs due at a moment, for the worker that asks: its own class does not count."""
    rows = connection.execute(_SITUATION, {"now": now, "due": due, "me": asking}).all()
    first = {row.priority: row.first for row in rows if row.first is not None}
    return Situation(
        waiting=list(first),
        chores=list(first.values()) == [""],
        running={row.priority: row.workers for row in rows if row.workers},
        active=max((row.active for row in rows), default=1),
        passes={row.priority: row.turn for row in rows},
        seconds={row.priority: row.seconds for row in rows},
    )


def look(queue: Queue) -> Situation:
    """The situation now, for who only looks. Raises DatabaseError."""
    return queue.read(lambda connection: situation(connection, queue.now(), queue.now(), ""))
