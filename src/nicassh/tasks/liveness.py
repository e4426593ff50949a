"""The life of a collector: it registers, renews its lease by heartbeats, and loses its tasks when it is dead.

A collector is known by a uuid and never by its process number. What it writes after its lease has run out does not
count, because it may have slept meanwhile and its answers may be as old as its sleep was long.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from nicassh.tasks import scheduler
from nicassh.tasks.model import COLLECTORS, FAILED, PAUSED, RUNNING, TASKS, WAITING, ClaimedBatch, Task
from nicassh.tasks.task_list import TaskList, chunks

NO_CLAIM = {"collector": None, "token": None, "lease_until": None, "started": None}
"""What a task that nobody holds has in these columns."""
MOST_DEATHS = 3
"""Collectors that may die over a periodic task before it is put off."""
JITTER = Random()  # noqa: S311 it keeps retries apart, no secret
_CLOCK_SET_BACK = 60.0
"""Seconds. A lease that ends later than now, its length and this was written before the clock was set back."""
_MARGIN = 5.0
"""Seconds by which a task may come due later than its period says."""


def _has_ended(lease: sa.ColumnElement[float]) -> sa.ColumnElement[bool]:
    return sa.or_(lease < sa.bindparam("now", type_=sa.Double), lease > sa.bindparam("far", type_=sa.Double))


_MINE = sa.and_(TASKS.c.id.in_(sa.bindparam("ids", expanding=True)), TASKS.c.token == sa.bindparam("claim"))
_HELD = (
    sa.select(TASKS.c.id, TASKS.c.node, TASKS.c.argument, TASKS.c.lease_until)
    .where(_MINE).order_by(TASKS.c.id).with_for_update()
)  # fmt: skip
_GIVE_BACK = sa.update(TASKS).where(_MINE).values(state=WAITING, **NO_CLAIM)
_LOST = sa.and_(TASKS.c.state == RUNNING, _has_ended(TASKS.c.lease_until))
_DELETE_DEAD = sa.delete(COLLECTORS).where(_has_ended(COLLECTORS.c.lease_until))
_FREE = (
    sa.update(TASKS)
    .where(TASKS.c.id == sa.bindparam("this"), _LOST)
    .values(state=sa.bindparam("becomes"), next_try=sa.bindparam("due"), error=sa.bindparam("why"), **NO_CLAIM)
)
_OTHER = TASKS.alias("other")
_NODE_IS_TRIED = sa.exists().where(
    _OTHER.c.node == TASKS.c.node,
    _OTHER.c.state.in_([WAITING, RUNNING]),
    _OTHER.c.every.is_not(None),
    _OTHER.c.failures > 0,
)
# A task that has not failed, and over which no collectors died, comes due within its own period.
_LONGEST_WAIT = sa.case(
    (sa.and_(TASKS.c.failures == 0, TASKS.c.attempts <= MOST_DEATHS), TASKS.c.every + _MARGIN),
    (TASKS.c.every > sa.bindparam("ceiling"), TASKS.c.every),
    else_=sa.bindparam("ceiling"),
)
_IS_TOO_FAR = TASKS.c.next_try - _LONGEST_WAIT > sa.bindparam("now")
_STRANDED = sa.select(TASKS.c.id).where(
    sa.or_(
        sa.and_(TASKS.c.state == PAUSED, sa.not_(_NODE_IS_TRIED)),
        sa.and_(TASKS.c.state == WAITING, TASKS.c.every.is_not(None), _IS_TOO_FAR),
    )
)
_MAKE_DUE = (
    sa.update(TASKS)
    .where(TASKS.c.id.in_(sa.bindparam("ids", expanding=True)), TASKS.c.state.in_([WAITING, PAUSED]))
    .values(state=WAITING, next_try=sa.bindparam("now"))
)


@dataclass
class Registration:
    """One collector, as the task list knows it.

    batch:         what it claimed last and has not begun
    open_batches:  the classes of the batches that it runs, by token
    served_class:  the class that its row in the database says it serves, and
    renewed:       when it last wrote that row [s since 1970]
    costs:         class and seconds of the batches that ended and are not in the mean of their classes yet, and
    costs_counted: how many of them a claim has counted
    """

    id: str = field(default_factory=lambda: str(uuid4()))
    host: str = field(default_factory=socket.gethostname)
    batch: ClaimedBatch | None = None
    open_batches: dict[str, int] = field(default_factory=dict)
    served_class: int | None = None
    renewed: float = 0.0
    costs: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=5 * scheduler.MEMORY))
    costs_counted: int = field(default=0, init=False)

    def row(self, task_list: TaskList) -> dict[str, object]:
        """Return its row among the collectors, as of now."""
        now = task_list.now()
        return {
            "id": self.id, "host": self.host, "pid": os.getpid(), "started": now, "lease_until": now + task_list.lease,
        }  # fmt: skip

    def open_class(self) -> int | None:
        """Return the most urgent class of the batches that it runs; None where it runs none."""
        return min(self.open_batches.copy().values(), default=None)


def register(task_list: TaskList) -> Registration:
    """Add a new collector, which counts as alive for one lease. Raises DatabaseError."""
    registration = Registration()
    task_list.write(lambda connection: connection.execute(sa.insert(COLLECTORS), [registration.row(task_list)]))
    return registration


def unregister(task_list: TaskList, registration: Registration) -> int:
    """Give back what a collector holds, delete its row, and return how many tasks it held. Raises DatabaseError."""

    def work(connection: sa.Connection) -> int:
        number = connection.execute(_give_back_all(registration)).rowcount
        connection.execute(sa.delete(COLLECTORS).where(COLLECTORS.c.id == registration.id))
        return number

    registration.batch = None
    registration.open_batches.clear()
    return task_list.write(work)


def release(task_list: TaskList, registration: Registration) -> int:
    """Give back what a collector holds, so that it is idle, and return how many tasks it held. Raises DatabaseError."""

    def work(connection: sa.Connection) -> int:
        number = connection.execute(_give_back_all(registration)).rowcount
        connection.execute(sa.update(COLLECTORS).where(COLLECTORS.c.id == registration.id).values(priority=None))
        return number

    registration.batch = registration.served_class = None
    registration.open_batches.clear()
    return task_list.write(work)


def _give_back_all(registration: Registration) -> sa.Update:
    """Return the statement that frees all its tasks. A run that was stopped in order is no attempt."""
    begun = sa.and_(TASKS.c.started.is_not(None), TASKS.c.attempts > 0)
    attempts = sa.case((begun, TASKS.c.attempts - 1), else_=TASKS.c.attempts)
    held = sa.and_(TASKS.c.state == RUNNING, TASKS.c.collector == registration.id)
    # MariaDB changes one column after another: `attempts` must come while `started` is still what it was.
    return (
        sa.update(TASKS).where(held).ordered_values((TASKS.c.attempts, attempts), ("state", WAITING), *NO_CLAIM.items())
    )


def heartbeat(task_list: TaskList, registration: Registration) -> bool:
    """Renew the lease of a collector and of all tasks that it holds.

    False where the lease had run out and other collectors may have the tasks. Raises DatabaseError.
    """

    def work(connection: sa.Connection) -> bool:
        task_list.clock.ask(connection)
        until = task_list.now() + task_list.lease
        mine = sa.and_(TASKS.c.state == RUNNING, TASKS.c.collector == registration.id)
        connection.execute(sa.update(TASKS).where(mine).values(lease_until=until))
        alive = sa.update(COLLECTORS).where(COLLECTORS.c.id == registration.id).values(lease_until=until)
        return bool(connection.execute(alive).rowcount)

    return task_list.write(work)


def rank(task_list: TaskList, registration: Registration) -> int:
    """Count the collectors that registered before on its host: the last ones rest where the host can bear fewer."""
    alive = sa.select(COLLECTORS.c.id, COLLECTORS.c.started).where(
        COLLECTORS.c.host == registration.host, COLLECTORS.c.lease_until > task_list.now()
    )
    rows = task_list.read(lambda connection: connection.execute(alive).all())
    ids = [row.id for row in sorted(rows, key=lambda row: (row.started, row.id))]
    return ids.index(registration.id) if registration.id in ids else len(ids)


def still_held(
    task_list: TaskList, connection: sa.Connection, runs: Iterable[tuple[ClaimedBatch, Iterable[Task]]]
) -> set[tuple[str, str]]:
    """Return node and probe of those tasks that the collector still holds, inside a transaction.

    Their rows stay locked until the transaction ends, so what it writes comes from a living collector. A task whose
    lease has run out is given back and run again.
    """
    task_list.clock.ask(connection)
    now = task_list.now()
    found: set[tuple[str, str]] = set()
    for batch, tasks in runs:
        for part in chunks([task.id for task in tasks]):
            rows = connection.execute(_HELD, {"ids": part, "claim": batch.token}).all()
            found.update((row.node, row.argument) for row in rows if row.lease_until >= now)
            if over := [row.id for row in rows if row.lease_until < now]:
                connection.execute(_GIVE_BACK, {"ids": over, "claim": batch.token})
    return found


def free_lapsed(task_list: TaskList, registration: Registration) -> int:
    """Give back what a collector holds beyond its lease, and return how many tasks. Raises DatabaseError."""

    def work(connection: sa.Connection) -> int:
        task_list.clock.ask(connection)
        mine = sa.and_(
            TASKS.c.state == RUNNING, TASKS.c.collector == registration.id, TASKS.c.lease_until < task_list.now()
        )
        return connection.execute(sa.update(TASKS).where(mine).values(state=WAITING, **NO_CLAIM)).rowcount

    return task_list.write(work)


def reap(task_list: TaskList) -> int:
    """Free the tasks of dead collectors, delete these, and return how many tasks were freed.

    A lease that has not run out is left alone. Periodic tasks that would wait without end are made due: those of a
    paused node that no task tries any more, and those whose moment is far away because the clock was set back.
    Raises DatabaseError.
    """

    def work(connection: sa.Connection) -> int:
        task_list.clock.ask(connection)  # a wrong clock of this program would take the tasks of living collectors
        now = task_list.now()
        moment = {"now": now, "far": now + _CLOCK_SET_BACK + task_list.lease}
        lost = connection.execute(sa.select(TASKS).where(_LOST), moment).all()
        if lost:
            connection.execute(_FREE, [{**_freed(task_list, row, now), **moment} for row in lost])
        connection.execute(_DELETE_DEAD, moment)
        for part in chunks(connection.scalars(_STRANDED, {"now": now, "ceiling": task_list.ceiling}).all()):
            connection.execute(_MAKE_DUE, {"ids": part, "now": now})
        return len(lost)

    return task_list.write(work)


def _freed(task_list: TaskList, row: Any, now: float) -> dict[str, object]:
    """Return how a task goes on after its collector died: due at once, unless collectors seem to die of it."""
    names = {"this": row.id, "now": now, "becomes": WAITING, "due": row.next_try, "why": row.error}
    if row.started is None:
        return names
    names["why"] = f"its collector gave no more sign of life while it ran (run {row.attempts})"
    if row.every is None and row.attempts > scheduler.MAX_LEVEL:
        return {**names, "becomes": FAILED}
    if row.attempts > MOST_DEATHS:
        level = row.attempts - MOST_DEATHS
        names["due"] = now + scheduler.periodic_retry_delay(level, row.every or 0, task_list.ceiling, JITTER)
    return names


def stop_overdue(task_list: TaskList, batch: ClaimedBatch, overdue: Sequence[Task]) -> None:
    """Put tasks that ran for longer than their class may one class lower, for another collector.

    A task that is done once has failed for good after its 16th run. Raises DatabaseError.
    """
    error = f"stopped after {scheduler.TIME_LIMITS[batch.priority] // 60} minutes"
    was_last = sa.and_(TASKS.c.every.is_(None), TASKS.c.attempts > scheduler.MAX_LEVEL)
    now = task_list.now()
    change = (
        sa.update(TASKS)
        .where(TASKS.c.id.in_([task.id for task in overdue]), TASKS.c.token == batch.token)
        .values(
            state=sa.case((was_last, FAILED), else_=WAITING),
            priority=scheduler.priority_after_timeout(batch.priority),
            created=now,
            next_try=now,
            error=error,
            **NO_CLAIM,
        )
    )
    task_list.write(lambda connection: connection.execute(change))
