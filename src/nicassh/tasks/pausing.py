"""Pausing: a node that cannot be reached costs one time-out, not one for each of its probes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from nicassh.tasks import backoff
from nicassh.tasks.claimant import FREED
from nicassh.tasks.finishing import JITTER
from nicassh.tasks.job import PROBE, Batch, Job
from nicassh.tasks.queue import Queue, chunks
from nicassh.tasks.table import JOBS, PAUSED, RUNNING, WAITING

_PERMANENT = sa.and_(
    JOBS.c.node.in_(sa.bindparam("nodes", expanding=True)), JOBS.c.kind == PROBE, JOBS.c.every.is_not(None)
)
# Locked, the rows always in the same order: of two workers that meet the same node the second sees what the first did.
_ROWS = sa.select(JOBS).where(_PERMANENT).order_by(JOBS.c.id).with_for_update()
_PAUSE = (
    sa.update(JOBS).where(JOBS.c.id.in_(sa.bindparam("ids", expanding=True))).values(state=PAUSED, again=False, **FREED)
)
_TRY = (
    sa.update(JOBS)
    .where(JOBS.c.id == sa.bindparam("this"))
    .values(state=WAITING, next_try=sa.bindparam("due"), retrial=sa.bindparam("level"), error=sa.bindparam("why"))
)


def pause(queue: Queue, batch: Batch, reasons: Mapping[str, str]) -> None:
    """Pauses all permanent jobs of some nodes but one, which tries again after a while: the cheapest.

    `reasons` says why, by node. What other workers run goes on. Jobs done once end here: that the node is
    out of reach was their result. Raises DatabaseError.
    """
    if not reasons:
        return
    ones = sa.and_(
        JOBS.c.node.in_(sorted(reasons)), JOBS.c.state == RUNNING, JOBS.c.token == batch.token, JOBS.c.every.is_(None)
    )

    def work(connection: sa.Connection) -> None:
        connection.execute(sa.delete(JOBS).where(ones))
        rows = connection.execute(_ROWS, {"nodes": sorted(reasons)}).all()
        idle = [row for row in rows if row.state == WAITING or row.token == batch.token]
        if idle:
            _pause(connection, [row.id for row in idle])
            connection.execute(_TRY, _tries(queue, idle, reasons))

    queue.write(work)


def follow(queue: Queue, failed: Collection[Job]) -> None:
    """Pauses jobs that failed on a node that is paused, unless they alone try it again. Raises DatabaseError."""
    if not failed:
        return
    mine = {job.id for job in failed}

    def work(connection: sa.Connection) -> None:
        rows = connection.execute(_ROWS, {"nodes": sorted({job.node for job in failed})}).all()
        gone = {row.node for row in rows if row.state == PAUSED}
        # Only of a job that has failed is it known that its success says more than that it went well.
        tried = {row.node for row in rows if row.state != PAUSED and row.retrial and row.id not in mine}
        ids = []
        for row in sorted(rows, key=_cost):
            if row.id in mine and row.state == WAITING and row.node in gone:
                ids += [row.id] if row.node in tried else []
                tried.add(row.node)
        _pause(connection, ids)

    queue.write(work)


def _pause(connection: sa.Connection, ids: Sequence[int]) -> None:
    for part in chunks(ids):
        connection.execute(_PAUSE, {"ids": part})


def _tries(queue: Queue, rows: Collection[Any], reasons: Mapping[str, str]) -> list[dict[str, object]]:
    """For each node the job that is to try it again, and when."""
    cheapest: dict[str, Any] = {}
    for row in sorted(rows, key=_cost):
        cheapest.setdefault(row.node, row)
    tries = []
    for node, row in cheapest.items():
        level = min(row.retrial + 1, backoff.MAX_LEVEL)
        wait = backoff.periodic(level, row.every, queue.ceiling, JITTER)
        tries.append({"this": row.id, "due": queue.now() + wait, "level": level, "why": reasons[node]})
    return tries


def _cost(row: Any) -> tuple[int, int, int]:
    """What the cheapest job has least of: the most urgent ones ask for the least."""
    return row.priority, row.every, row.id
