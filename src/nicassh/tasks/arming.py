"""Arming: the permanent jobs, one row for each probe of each node, kept as inventory and probes say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from nicassh.tasks.job import Wanted
from nicassh.tasks.queue import Queue, chunks
from nicassh.tasks.table import JOBS, RUNNING, WAITING

_KNOWN = sa.select(JOBS.c.id, JOBS.c.kind, JOBS.c.node, JOBS.c.argument, JOBS.c.priority, JOBS.c.every)
_CHANGE = (
    sa.update(JOBS)
    .where(JOBS.c.id == sa.bindparam("this"))
    .values(
        priority=sa.bindparam("class"),
        every=sa.bindparam("period"),
        # A shorter period counts from now on, a longer one from the next run.
        next_try=sa.case((JOBS.c.next_try > sa.bindparam("latest"), sa.bindparam("latest")), else_=JOBS.c.next_try),
    )
)


def arm(queue: Queue, wanted: Iterable[Wanted]) -> int:
    """Makes the permanent jobs those that are wanted: new ones are due at once, others go. How many changed.

    A job that is running goes when it is armed the next time. Raises DatabaseError.
    """
    goal = {(job.kind, job.node, job.argument): job for job in wanted}
    known = {(row.kind, row.node, row.argument): row for row in queue.read(_permanent)}
    new = [job for key, job in goal.items() if key not in known]
    old = [row.id for key, row in known.items() if key not in goal]
    other = [(known[key], job) for key, job in goal.items() if key in known and _differs(known[key], job)]
    if not (new or old or other):
        return 0
    return queue.write(lambda connection: _arm(queue, connection, new, old, other))


def _arm(
    queue: Queue, connection: sa.Connection, new: list[Wanted], old: list[int], other: list[tuple[Any, Wanted]]
) -> int:
    # Two programs may arm at once: the one that had to wait looks again.
    queue.lock(connection)
    known = {(row.kind, row.node, row.argument) for row in _permanent(connection)}
    new = [job for job in new if (job.kind, job.node, job.argument) not in known]
    now = queue.now()
    if new:
        connection.execute(sa.insert(JOBS), [_row(job, now) for job in new])
    for part in chunks(old):
        connection.execute(sa.delete(JOBS).where(JOBS.c.id.in_(part), JOBS.c.state != RUNNING))
    if other:
        changes = [
            {"this": row.id, "class": job.priority, "period": job.every, "latest": now + job.every}
            for row, job in other
        ]
        connection.execute(_CHANGE, changes)
    return len(new) + len(old) + len(other)


def _permanent(connection: sa.Connection) -> Sequence[Any]:
    return connection.execute(_KNOWN.where(JOBS.c.every.is_not(None))).all()


def _differs(row: Any, job: Wanted) -> bool:
    return (row.priority, row.every) != (job.priority, job.every)


def _row(job: Wanted, now: float) -> dict[str, object]:
    return {**fresh(job.kind, job.node, job.argument, job.priority, now), "every": job.every, "active_key": job.key}


def fresh(kind: str, node: str, argument: str, priority: int, now: float) -> dict[str, object]:
    """A new row that is due at once."""
    return {
        "kind": kind, "node": node, "argument": argument, "priority": int(priority), "every": None, "active_key": None,
        "created": now, "next_try": now, "retrial": 0, "state": WAITING, "attempts": 0, "again": False, "error": "",
    }  # fmt: skip
