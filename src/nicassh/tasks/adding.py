"""Adding: jobs that are done once, for which no two with the same key exist at a time."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from nicassh.tasks.arming import fresh
from nicassh.tasks.claimant import Claimant
from nicassh.tasks.job import PROBE, Batch, Job
from nicassh.tasks.priority import Priority, checked
from nicassh.tasks.queue import Queue, chunks
from nicassh.tasks.table import FAILED, JOBS, RUNNING, WAITING

_LOG = logging.getLogger("nicamon")


def add(
    queue: Queue, kind: str, argument: str = "", *, node: str = "", priority: int = Priority.MEDIUM,
    delay: float = 0.0, force: bool = False,
) -> bool:  # fmt: skip
    """Adds a job that is done once; False where the same one waits, is deferred or runs already.

    One that runs is marked to run once more; one that failed for good begins anew. With `force` the one that
    waits gets the new priority. `delay` is in seconds. Raises DatabaseError.
    """
    if checked(priority) != priority:
        _LOG.warning("%s %s: there is no priority %s, medium is taken", kind, argument or node, priority)
    priority = checked(priority)
    now = queue.now()
    row = {**fresh(kind, node, argument, priority, now), "next_try": now + delay}
    row["active_key"] = f"once {kind} {node} {argument}"
    # What was there may be done before it is marked; and then a new one is added after all.
    while True:
        if queue.write(lambda connection: _insert(connection, row)):
            return True
        if (begun := queue.write(lambda connection: _renew(connection, row, force))) is not None:
            return begun


def _insert(connection: sa.Connection, row: dict[str, object]) -> bool:
    """Inserts a row; False where its key is taken."""
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(JOBS), [row])
    except IntegrityError:
        # By itself and not with the update: MariaDB now holds the other's row in a way in which two would block
        # each other.
        return False
    return True


def _renew(connection: sa.Connection, row: dict[str, object], force: bool) -> bool | None:
    """What a request is to the job that has its key; whether that begins anew, None where it has ended since."""
    same = sa.update(JOBS).where(JOBS.c.active_key == row["active_key"])
    if connection.execute(same.where(JOBS.c.state == FAILED).values(**row)).rowcount:
        return True
    wish = {"again": sa.case((JOBS.c.state == RUNNING, sa.true()), else_=JOBS.c.again)}
    if force:
        wish["priority"] = sa.case((JOBS.c.state == WAITING, row["priority"]), else_=JOBS.c.priority)
    return False if connection.execute(same.values(**wish)).rowcount else None


def forget(queue: Queue, batch: Batch) -> None:
    """Removes what was given back of a batch of jobs that are done once. Raises DatabaseError."""

    def work(connection: sa.Connection) -> None:
        for part in chunks([job.id for job in batch.jobs]):
            mine = sa.and_(JOBS.c.id.in_(part), JOBS.c.state == WAITING, JOBS.c.every.is_(None))
            connection.execute(sa.delete(JOBS).where(mine))

    queue.write(work)


def take(queue: Queue, claimant: Claimant, pairs: Iterable[tuple[str, str]], priority: int = Priority.HIGH) -> Batch:
    """Adds probes on nodes to be run once, as jobs that this worker holds already; `pairs` are node and probe.

    Should the worker die, they are due for another one. Raises DatabaseError.
    """
    token, now = str(uuid4()), queue.now()
    held = {"state": RUNNING, "worker": claimant.id, "token": token, "lease_until": now + queue.lease}
    rows = [{**fresh(PROBE, node, probe, priority, now), **held} for node, probe in pairs]

    def insert(connection: sa.Connection) -> Batch:
        connection.execute(sa.insert(JOBS), rows)
        fields = [JOBS.c[name] for name in Job.__dataclass_fields__]
        jobs = connection.execute(sa.select(*fields).where(JOBS.c.state == RUNNING, JOBS.c.token == token)).all()
        return Batch(priority, token, tuple(Job(*job) for job in jobs))

    claimant.batch = queue.write(insert)
    return claimant.batch
