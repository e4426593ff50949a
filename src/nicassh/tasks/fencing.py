"""The fence: what a worker brings after its lease is not stored, because it may have slept meanwhile."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from nicassh.tasks.claimant import FREED, Claimant
from nicassh.tasks.job import Batch, Job
from nicassh.tasks.queue import Queue, chunks
from nicassh.tasks.table import JOBS, RUNNING, WAITING

_OURS = (
    sa.select(JOBS.c.id, JOBS.c.node, JOBS.c.argument, JOBS.c.lease_until)
    .where(JOBS.c.id.in_(sa.bindparam("ids", expanding=True)), JOBS.c.token == sa.bindparam("claim"))
    .order_by(JOBS.c.id)
    .with_for_update()
)
_FREE = (
    sa.update(JOBS)
    .where(JOBS.c.id.in_(sa.bindparam("ids", expanding=True)), JOBS.c.token == sa.bindparam("claim"))
    .values(state=WAITING, **FREED)
)


def held(queue: Queue, connection: sa.Connection, runs: Iterable[tuple[Batch, Iterable[Job]]]) -> set[tuple[str, str]]:
    """Node and probe of those of these jobs that their worker still holds, inside a transaction.

    They stay so until the transaction ends: what it writes is of a worker that is awake. A job whose lease has run
    out is freed, to be run again; its answer may be as old as the sleep was long.
    """
    queue.clock.ask(connection)
    now = queue.now()
    found: set[tuple[str, str]] = set()
    for batch, jobs in runs:
        for part in chunks([job.id for job in jobs]):
            rows = connection.execute(_OURS, {"ids": part, "claim": batch.token}).all()
            found.update((row.node, row.argument) for row in rows if row.lease_until >= now)
            if over := [row.id for row in rows if row.lease_until < now]:
                connection.execute(_FREE, {"ids": over, "claim": batch.token})
    return found


def lapsed(queue: Queue, claimant: Claimant) -> int:
    """Frees what a worker holds beyond its lease; how many jobs. What is still to come of them is not to be believed.

    Raises DatabaseError.
    """

    def work(connection: sa.Connection) -> int:
        queue.clock.ask(connection)
        mine = sa.and_(JOBS.c.state == RUNNING, JOBS.c.worker == claimant.id, JOBS.c.lease_until < queue.now())
        return connection.execute(sa.update(JOBS).where(mine).values(state=WAITING, **FREED)).rowcount

    return queue.write(work)
