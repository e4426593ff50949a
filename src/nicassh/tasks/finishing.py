"""Finishing: what becomes of a job whose run began, ended well, or failed.

Every statement is fenced by the token of the claim: a worker whose lease ran out changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

import sqlalchemy as sa

from nicassh.tasks import backoff
from nicassh.tasks.claimant import FREED, Claimant
from nicassh.tasks.job import Batch, Job
from nicassh.tasks.queue import Queue, chunks
from nicassh.tasks.table import FAILED, FINISHED, JOBS, PAUSED, WAITING

_LOG = logging.getLogger("nicamon")
JITTER = Random()  # noqa: S311 it keeps retries apart, no secret
_NOW: sa.BindParameter[float] = sa.bindparam("now")
# Not by state as well: running jobs alone have a token, and PostgreSQL would look for all that run.
_MINE = sa.and_(JOBS.c.id.in_(sa.bindparam("ids", expanding=True)), JOBS.c.token == sa.bindparam("claim"))
_BEGIN = sa.update(JOBS).where(_MINE).values(started=_NOW, attempts=JOBS.c.attempts + 1)
_REARM = (
    sa.update(JOBS)
    .where(_MINE)
    .values(
        state=WAITING, next_try=sa.case((JOBS.c.again, _NOW), else_=sa.bindparam("due")), finished=_NOW,
        created=sa.case((JOBS.c.again, _NOW), else_=JOBS.c.created),
        retrial=0, attempts=0, again=False, error="", **FREED,
    )
)  # fmt: skip
_REMOVE = sa.delete(JOBS).where(_MINE, JOBS.c.again.is_(sa.false()))
_FAIL = (
    sa.update(JOBS)
    .where(JOBS.c.id == sa.bindparam("this"), JOBS.c.token == sa.bindparam("claim"))
    .values(
        state=sa.bindparam("becomes"), next_try=sa.case((JOBS.c.again, _NOW), else_=sa.bindparam("due")),
        retrial=sa.bindparam("level"), finished=_NOW, again=False, priority=sa.bindparam("class"),
        error=sa.bindparam("why"), **FREED,
    )
)  # fmt: skip
_COUNT = (
    sa.update(FINISHED)
    .where(
        FINISHED.c.minute == sa.bindparam("in_minute"),
        FINISHED.c.priority == sa.bindparam("class"),
        FINISHED.c.worker == sa.bindparam("me"),
    )
    .values(number=FINISHED.c.number + sa.bindparam("more"))
)
_REVIVE = (
    sa.update(JOBS)
    .where(JOBS.c.state == PAUSED, JOBS.c.node.in_(sa.bindparam("nodes", expanding=True)))
    .values(state=WAITING, next_try=_NOW)
)


@dataclass(frozen=True)
class Ended:
    """How a run ended: `error` is empty where it did what it was for.

    `hopeless`: no further try can help. `answered`: it failed, but its node was there to say so.
    """

    job: Job
    error: str = ""
    hopeless: bool = False
    answered: bool = False


def start(queue: Queue, batch: Batch, jobs: Iterable[Job]) -> None:
    """Counts an attempt of jobs whose run begins now, before it does. Raises DatabaseError."""
    ids = [job.id for job in jobs]
    if ids:
        queue.write(lambda connection: _each(connection, _BEGIN, batch, ids, now=queue.now()))


def finish(queue: Queue, claimant: Claimant, batch: Batch, runs: Sequence[Ended]) -> int:
    """Re-arms permanent jobs, removes the others, defers those that failed; how many of them were still its own.

    Raises DatabaseError.
    """
    own = queue.write(lambda connection: _finish(queue, claimant, connection, batch, runs)) if runs else 0
    if own < len(runs):
        _LOG.warning("%d jobs ended after their lease, so they are run again", len(runs) - own)
    return own


def _finish(queue: Queue, claimant: Claimant, connection: sa.Connection, batch: Batch, runs: Sequence[Ended]) -> int:
    now = queue.now()
    counted = 0
    well = [run.job for run in runs if not run.error]
    for every in {job.every for job in well}:
        ids = [job.id for job in well if job.every == every]
        removed = _each(connection, _REMOVE, batch, ids) if every is None else 0
        counted += removed
        if removed < len(ids):
            due = backoff.due(now, every) if every else now
            counted += _each(connection, _REARM, batch, ids, now=now, due=due)
    for run in runs:
        if run.error:
            counted += connection.execute(_FAIL, _failed(queue, run, batch, now)).rowcount
    # A node that answers after it was given up is asked for everything again.
    there = [run.job for run in runs if run.answered or not run.error]
    back = {job.node for job in there if job.node and (job.retrial or job.every is None)}
    if back:
        connection.execute(_REVIVE, {"nodes": sorted(back), "now": now})
    if counted:
        _count(connection, claimant, batch.priority, now, counted)
    return counted


def _failed(queue: Queue, run: Ended, batch: Batch, now: float) -> dict[str, object]:
    """The row of a job after a run that failed."""
    job = run.job
    names = {"this": job.id, "claim": batch.token, "now": now, "why": run.error, "class": job.priority}
    if job.every is not None:
        level = min(job.retrial + 1, backoff.MAX_LEVEL)
        wait = backoff.periodic(level, job.every, queue.ceiling, JITTER)
        return {**names, "becomes": WAITING, "level": level, "due": now + wait}
    level = backoff.next_level(job.retrial, now - job.created)
    if run.hopeless or level > backoff.MAX_LEVEL:
        return {**names, "becomes": FAILED, "level": job.retrial, "due": now}
    wait = backoff.delay(level, JITTER)
    return {
        **names,
        "becomes": WAITING,
        "level": level,
        "due": now + wait,
        "class": backoff.demoted(job.priority, level),
    }


def _each(
    connection: sa.Connection, statement: sa.Executable, batch: Batch, ids: Sequence[int], **names: object
) -> int:
    """Executes a statement on the batch's own jobs, in parts; how many rows it met."""
    parts = [connection.execute(statement, {"ids": p, "claim": batch.token, **names}).rowcount for p in chunks(ids)]
    return sum(parts)


def _count(connection: sa.Connection, claimant: Claimant, priority: int, now: float, number: int) -> None:
    """Adds to what this worker finished in this minute."""
    minute = int(now // 60)
    names = {"in_minute": minute, "class": priority, "me": claimant.id, "more": number}
    if not connection.execute(_COUNT, names).rowcount:
        row = {"minute": minute, "priority": priority, "worker": claimant.id, "number": number}
        connection.execute(sa.insert(FINISHED), [row])
