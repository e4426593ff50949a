"""Listing: the jobs one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from nicassh.tasks.queue import Queue
from nicassh.tasks.steering import Nodes
from nicassh.tasks.table import FAILED, JOBS, RUNNING, WAITING, WORKERS


def listed(queue: Queue, troubled: bool = False, nodes: Nodes = None) -> Sequence[sa.RowMapping]:
    """All jobs with `host`, the monitoring host that runs them, the next one first; those of some nodes, or in trouble.

    In trouble are those that failed for good and those that wait after a failure. Raises DatabaseError.
    """
    query: sa.Select[Any] = sa.select(JOBS, WORKERS.c.host).outerjoin(WORKERS, WORKERS.c.id == JOBS.c.worker)
    if troubled:
        deferred = sa.and_(JOBS.c.state.in_([WAITING, RUNNING]), JOBS.c.retrial > 0)
        query = query.where(sa.or_(JOBS.c.state == FAILED, deferred))
    query = query.order_by(JOBS.c.next_try, JOBS.c.id)
    rows = queue.read(lambda connection: connection.execute(query).mappings().all())
    return rows if nodes is None else [row for row in rows if row["node"] in nodes]


def state_of(row: sa.RowMapping, now: float) -> str:
    """What a person calls the state of a job: a waiting one is due, scheduled, or deferred after a failure."""
    if row["state"] != WAITING:
        return str(row["state"])
    if row["next_try"] <= now:
        return "waiting"
    return "deferred" if row["retrial"] else "scheduled"
