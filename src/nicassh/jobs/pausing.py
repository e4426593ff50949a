"""Pausing: a node that cannot be reached costs one time-out, not one for each of its probes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa

from nicassh.jobs import backoff
from nicassh.jobs.claimant import FREED
from nicassh.jobs.finishing import JITTER
from nicassh.jobs.job import PROBE, Batch, Job
from nicassh.jobs.queue import Queue
from nicassh.jobs.table import JOBS, PAUSED, RUNNING, WAITING

_NODES = JOBS.c.node.in_(sa.bindparam("nodes", expanding=True))
_PERMANENT = sa.and_(_NODES, JOBS.c.kind == PROBE, JOBS.c.every.is_not(None))
_OWN = sa.or_(JOBS.c.state == WAITING, sa.and_(JOBS.c.state == RUNNING, JOBS.c.token == sa.bindparam("claim")))


def pause(queue: Queue, batch: Batch, reasons: Mapping[str, str]) -> None:
    """Pauses all permanent jobs of some nodes but one, which tries again after a while: the cheapest.

    `reasons` says why, by node. Jobs done once end here: that the node is out of reach was their result.
    Raises DatabaseError.
    """
    if not reasons:
        return

    def work(connection: sa.Connection) -> None:
        nodes = sorted(reasons)
        mine = sa.and_(_NODES, JOBS.c.state == RUNNING, JOBS.c.token == batch.token, JOBS.c.every.is_(None))
        connection.execute(sa.delete(JOBS).where(mine), {"nodes": nodes})
        query = sa.select(JOBS.c.id, JOBS.c.node, JOBS.c.priority, JOBS.c.every, JOBS.c.retrial).where(_PERMANENT)
        rows = connection.execute(query, {"nodes": nodes}).all()
        connection.execute(_PAUSE, {"nodes": nodes, "claim": batch.token})
        tries = _tries(queue, rows, reasons)
        if tries:
            connection.execute(_TRY, tries)

    queue.write(work)


def follow(queue: Queue, failed: Collection[Job]) -> None:
    """Pauses jobs that failed on a node that is paused: they do not try it each on their own. Raises DatabaseError."""
    if not failed:
        return

    def work(connection: sa.Connection) -> None:
        nodes = sorted({job.node for job in failed})
        query = sa.select(JOBS.c.node.distinct()).where(_NODES, JOBS.c.state == PAUSED)
        gone = connection.scalars(query, {"nodes": nodes}).all()
        ids = [job.id for job in failed if job.node in gone]
        if ids:
            deferred = sa.and_(JOBS.c.id.in_(ids), JOBS.c.state == WAITING, JOBS.c.every.is_not(None))
            connection.execute(sa.update(JOBS).where(deferred).values(state=PAUSED))

    queue.write(work)


def _tries(queue: Queue, rows: Collection[Any], reasons: Mapping[str, str]) -> list[dict[str, object]]:
    """For each node the job that is to try it again, and when."""
    cheapest: dict[str, Any] = {}
    for row in sorted(rows, key=lambda row: (row.priority, row.every, row.id)):
        cheapest.setdefault(row.node, row)
    tries = []
    for node, row in cheapest.items():
        level = min(row.retrial + 1, backoff.MAX_LEVEL)
        wait = backoff.periodic(level, row.every, queue.ceiling, JITTER)
        tries.append({"this": row.id, "due": queue.now() + wait, "level": level, "why": reasons[node]})
    return tries


_PAUSE = sa.update(JOBS).where(_PERMANENT, _OWN).values(state=PAUSED, again=False, **FREED)
_TRY = (
    sa.update(JOBS)
    .where(JOBS.c.id == sa.bindparam("this"), JOBS.c.state == PAUSED)
    .values(state=WAITING, next_try=sa.bindparam("due"), retrial=sa.bindparam("level"), error=sa.bindparam("why"))
)
