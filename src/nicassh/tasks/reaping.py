"""Reaping: what dead workers held is anybody's again, once their lease has run out and not before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from nicassh.tasks import backoff
from nicassh.tasks.claimant import FREED
from nicassh.tasks.finishing import JITTER
from nicassh.tasks.job import Batch, Job
from nicassh.tasks.queue import Queue, chunks
from nicassh.tasks.table import FAILED, FINISHED, JOBS, PAUSED, RUNNING, WAITING, WORKERS

PATIENCE = 3
"""Workers that may die over a permanent job before it is put off."""
_REMEMBERED = 60
"""Minutes for which finished jobs are counted."""
_FAR = 60.0
"""No lease reaches so far ahead of its own length [s], unless the clock was set back since."""
_MARGIN = 5.0
"""Seconds by which a job may come due later than its period says."""


def _over(lease: sa.ColumnElement[float]) -> sa.ColumnElement[bool]:
    return sa.or_(lease < sa.bindparam("now", type_=sa.Double), lease > sa.bindparam("far", type_=sa.Double))


_LOST = sa.and_(JOBS.c.state == RUNNING, _over(JOBS.c.lease_until))
_DEAD = sa.delete(WORKERS).where(_over(WORKERS.c.lease_until))
_SPENT = sa.and_(JOBS.c.every.is_(None), JOBS.c.attempts > backoff.MAX_LEVEL)
_FREE = (
    sa.update(JOBS)
    .where(JOBS.c.id == sa.bindparam("this"), _LOST)
    .values(state=sa.bindparam("becomes"), next_try=sa.bindparam("due"), error=sa.bindparam("why"), **FREED)
)

_TRIER = JOBS.alias("trier")
_TRIED = sa.exists().where(
    _TRIER.c.node == JOBS.c.node,
    _TRIER.c.state.in_([WAITING, RUNNING]),
    _TRIER.c.every.is_not(None),
    _TRIER.c.retrial > 0,
)
# One that has not failed, and of which no workers died, comes due within its own period.
_LONGEST = sa.case(
    (sa.and_(JOBS.c.retrial == 0, JOBS.c.attempts <= PATIENCE), JOBS.c.every + _MARGIN),
    (JOBS.c.every > sa.bindparam("ceiling"), JOBS.c.every),
    else_=sa.bindparam("ceiling"),
)
_IN_VAIN = sa.select(JOBS.c.id).where(
    sa.or_(
        sa.and_(JOBS.c.state == PAUSED, sa.not_(_TRIED)),
        sa.and_(JOBS.c.state == WAITING, JOBS.c.every.is_not(None), JOBS.c.next_try - _LONGEST > sa.bindparam("now")),
    )
)
_WAKE = (
    sa.update(JOBS)
    .where(JOBS.c.id.in_(sa.bindparam("ids", expanding=True)), JOBS.c.state.in_([WAITING, PAUSED]))
    .values(state=WAITING, next_try=sa.bindparam("now"))
)


def reap(queue: Queue) -> int:
    """Frees the jobs whose lease ran out and strikes their workers off; how many jobs.

    Permanent jobs that would wait in vain are due again: for a node that nothing tries any more, or for a moment
    that is far because the clock was set back. Raises DatabaseError.
    """

    def work(connection: sa.Connection) -> int:
        queue.clock.ask(connection)  # its own one, set wrong since, would take the jobs of all who live
        now = queue.now()
        moment = {"now": now, "far": now + _FAR + queue.lease}
        lost = connection.execute(sa.select(JOBS).where(_LOST), moment).all()
        if lost:
            connection.execute(_FREE, [{**_freed(queue, row, now), **moment} for row in lost])
        connection.execute(_DEAD, moment)
        for part in chunks(connection.scalars(_IN_VAIN, {"now": now, "ceiling": queue.ceiling}).all()):
            connection.execute(_WAKE, {"ids": part, "now": now})
        return len(lost)

    return queue.write(work)


def overrun(queue: Queue, batch: Batch, late: Sequence[Job]) -> None:
    """Puts jobs that ran for too long one class lower, for another worker; the last run of one was the 16th.

    Raises DatabaseError.
    """
    error = f"stopped after {backoff.RUNTIME[batch.priority] // 60} minutes"
    now = queue.now()
    change = (
        sa.update(JOBS)
        .where(JOBS.c.id.in_([job.id for job in late]), JOBS.c.token == batch.token)
        .values(
            state=sa.case((_SPENT, FAILED), else_=WAITING),
            priority=backoff.overrun(batch.priority),
            created=now,
            next_try=now,
            error=error,
            **FREED,
        )
    )
    queue.write(lambda connection: connection.execute(change))


def tidy(queue: Queue) -> None:
    """Forgets what was finished more than an hour ago. Raises DatabaseError."""
    oldest = int(queue.now() // 60) - _REMEMBERED
    queue.write(lambda connection: connection.execute(sa.delete(FINISHED).where(FINISHED.c.minute < oldest)))


def _freed(queue: Queue, row: Any, now: float) -> dict[str, object]:
    """A job after its worker died: due at once, unless it seems to be what workers die of."""
    names = {"this": row.id, "now": now, "becomes": WAITING, "due": row.next_try, "why": row.error}
    if row.started is None:
        return names
    names["why"] = f"its worker gave no more sign of life while it ran (run {row.attempts})"
    if row.every is None and row.attempts > backoff.MAX_LEVEL:
        return {**names, "becomes": FAILED}
    if row.attempts > PATIENCE:
        names["due"] = now + backoff.periodic(row.attempts - PATIENCE, row.every or 0, queue.ceiling, JITTER)
    return names
