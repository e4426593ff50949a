"""Claiming: one short transaction in which a worker chooses a class and takes what is due of it."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import sqlalchemy as sa

from nicassh.tasks.choice import averaged, charge, choose
from nicassh.tasks.claimant import Claimant
from nicassh.tasks.job import PROBE, Batch, Job
from nicassh.tasks.priority import Priority
from nicassh.tasks.queue import Queue, chunks
from nicassh.tasks.situation import DUE, Situation, situation
from nicassh.tasks.table import CLASSES, JOBS, RUNNING, WORKERS

_FIELDS = [JOBS.c[name] for name in Job.__dataclass_fields__]
# The index that is forced reads what runs; MariaDB would take the one of nodes, in order but from end to end.
_CROWDED = (
    sa.select(JOBS.c.node)
    .where(JOBS.c.state == RUNNING)
    .group_by(JOBS.c.node)
    .having(
        sa.or_(
            sa.func.count(JOBS.c.token.distinct()) >= sa.bindparam("sessions"),
            sa.func.min(JOBS.c.priority) <= sa.bindparam("class"),
        )
    )
    .with_hint(JOBS, "FORCE INDEX (jobs_due)", "mariadb")
    .with_hint(JOBS, "FORCE INDEX (jobs_due)", "mysql")
)
_DUE = (
    sa.select(*_FIELDS)
    .where(DUE, JOBS.c.priority == sa.bindparam("class"))
    .order_by(JOBS.c.next_try, JOBS.c.id)
    .limit(sa.bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_NEXT = _DUE.where(sa.or_(JOBS.c.node == "", JOBS.c.node.not_in(_CROWDED)))
# The length and not the name: by the index of nodes MariaDB would lock, and sort, all chores.
_CHORES = _DUE.where(sa.func.length(JOBS.c.node) == 0)
# A token is what running jobs have and no others. PostgreSQL, asked for a state, would look for all rows that have it.
_TAKE = (
    sa.update(JOBS)
    .where(JOBS.c.id.in_(sa.bindparam("ids", expanding=True)), JOBS.c.token.is_(None))
    .values(
        state=RUNNING,
        worker=sa.bindparam("me"),
        token=sa.bindparam("claim"),
        lease_until=sa.bindparam("until"),
        started=None,
        again=False,
    )
)
_BUSY = (
    sa.update(WORKERS)
    .where(WORKERS.c.id == sa.bindparam("me"))
    .values(priority=sa.bindparam("class"), lease_until=sa.bindparam("until"))
)
_OF_CLASS = sa.update(CLASSES).where(CLASSES.c.priority == sa.bindparam("class"))
_MEAN = _OF_CLASS.values(seconds=sa.bindparam("mean"))
_CHARGE = _OF_CLASS.values(turn=sa.bindparam("passed"))


def claim(
    queue: Queue, claimant: Claimant, limit: int = 1, window: int = 1, *,
    down_to: int = Priority.NEGLIGIBLE, due_by: float | None = None,
) -> Batch | None:  # fmt: skip
    """Takes up to `limit` due jobs of one class; None where nothing is due that may run.

    Below medium a batch is one chore, or as many probes as run side by side (`window`), so that slow
    work is not held back by one worker. Classes below `down_to` are left alone, and what was not due at the
    moment `due_by`. A worker that still holds a batch gets that one. Raises DatabaseError.
    """
    if claimant.batch:
        return claimant.batch

    def work(connection: sa.Connection) -> Claimant:
        # A copy: where the transaction is begun anew, it begins from the same.
        trying = replace(claimant, spent=claimant.spent.copy())
        trying.batch = _claim(queue, trying, connection, limit, window, down_to, due_by)
        return trying

    done = queue.write(work)
    claimant.batch, claimant.spent = done.batch, done.spent
    claimant.serving, claimant.renewed = done.serving, done.renewed
    return claimant.batch


def _claim(
    queue: Queue, claimant: Claimant, connection: sa.Connection, limit: int, window: int, down_to: int,
    due_by: float | None,
) -> Batch | None:  # fmt: skip
    due = queue.now() if due_by is None else min(queue.now(), due_by)
    found = situation(connection, queue.now(), due, claimant.id)
    # The lock is for choices among classes, and for nodes, of which no other may take as well; chores need neither.
    if found.waiting and not found.chores and queue.lock(connection) and len(found.waiting) > 1:
        found = situation(connection, queue.now(), due, claimant.id)  # another may have chosen meanwhile
    now = queue.now()
    waiting = [priority for priority in found.waiting if priority <= down_to]
    if len(found.waiting) > 1:
        _account(connection, found, claimant)
    while choice := choose(waiting, found.running, found.active, passes=found.passes, reserved=queue.reserved):
        if jobs := _next(queue, connection, found, choice.priority, due, limit, window):
            if choice.turn:
                _charge(connection, found, waiting, choice.priority)
            return _take(queue, claimant, connection, Batch(choice.priority, str(uuid4()), tuple(jobs)), now)
        waiting.remove(choice.priority)  # its nodes are busy with what is more urgent, or with as much as they may
    _tell(queue, claimant, connection, min(claimant.open.copy().values(), default=None), now)
    return None


def _next(
    queue: Queue, connection: sa.Connection, found: Situation, priority: int, due: float, limit: int, window: int
) -> list[Job]:
    """The due jobs of a class that its next batch is made of.

    A node that is being asked for jobs of this class or a better one is left out: what they learn, that it is
    out of reach perhaps, serves all.
    """
    upper = priority <= Priority.MEDIUM
    # The last session of a node is for critical jobs.
    sessions = max(1, queue.sessions - (priority != Priority.CRITICAL))
    most = limit if upper else 1 if found.chores else min(limit, window)
    parameters = {"due": due, "class": priority, "limit": most, "sessions": sessions}
    rows = connection.execute(_CHORES if found.chores else _NEXT, parameters).all()
    jobs = [Job(*row) for row in rows]
    if jobs and not upper:
        alike = [job for job in jobs if job.kind == PROBE]
        jobs = alike if jobs[0].kind == PROBE else jobs[:1]
    return jobs


def _take(queue: Queue, claimant: Claimant, connection: sa.Connection, batch: Batch, now: float) -> Batch | None:
    """Marks the jobs as held, where nobody else was quicker: the guard on their token decides, not the lock."""
    until = now + queue.lease
    ids = [job.id for job in batch.jobs]
    taken = 0
    for part in chunks(ids):
        names = {"ids": part, "me": claimant.id, "claim": batch.token, "until": until}
        taken += connection.execute(_TAKE, names).rowcount
    if taken != len(ids):
        mine = set(connection.scalars(sa.select(JOBS.c.id).where(JOBS.c.state == RUNNING, JOBS.c.token == batch.token)))
        batch = Batch(batch.priority, batch.token, tuple(job for job in batch.jobs if job.id in mine))
    _tell(queue, claimant, connection, batch.priority if batch.jobs else None, now)
    return batch if batch.jobs else None


def _tell(queue: Queue, claimant: Claimant, connection: sa.Connection, priority: int | None, now: float) -> None:
    """Says in the worker's row which class it serves, unless that was said not long ago."""
    if claimant.serving == priority and (priority is None or now < claimant.renewed + queue.lease / 3):
        return
    claimant.serving, claimant.renewed = priority, now
    names = {"me": claimant.id, "class": priority, "until": now + queue.lease}
    if not connection.execute(_BUSY, names).rowcount:  # struck off while it slept
        connection.execute(sa.insert(WORKERS), [{**claimant.row(queue), "priority": priority}])


def _account(connection: sa.Connection, found: Situation, claimant: Claimant) -> None:
    """What the worker's last batches took goes into the mean of their classes."""
    while claimant.spent:
        priority, seconds = claimant.spent.popleft()
        found.seconds[priority] = averaged(found.seconds[priority], seconds)
        connection.execute(_MEAN, {"class": priority, "mean": found.seconds[priority]})


def _charge(connection: sa.Connection, found: Situation, waiting: list[int], priority: int) -> None:
    """What a batch of this class is expected to take goes on its account."""
    # The first batch of a class is as good as free: a guess that is too high would keep it waiting for long.
    passed = charge(found.passes, waiting, priority, found.seconds[priority] or 0.0)
    changed = [{"class": one, "passed": moment} for one, moment in passed.items() if moment != found.passes[one]]
    if changed:
        connection.execute(_CHARGE, changed)
