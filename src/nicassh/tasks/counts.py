"""Counts: the queue in numbers, by class and by worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from nicassh.tasks.priority import Priority
from nicassh.tasks.queue import Queue
from nicassh.tasks.table import FAILED, FINISHED, JOBS, PAUSED, RUNNING, WAITING, WORKERS

SPANS = (1, 10, 60)
"""Minutes over which finished jobs are counted."""


@dataclass(frozen=True)
class Count:
    """The jobs of one class. `oldest` is for how many seconds the first of the waiting ones has been due.

    `waiting` are due; `scheduled` come due later in their own time, `deferred` after a failure. `rates` are
    jobs a minute over each of SPANS.
    """

    priority: int
    waiting: int
    running: int
    scheduled: int
    deferred: int
    paused: int
    failed: int
    oldest: float | None
    rates: tuple[float, ...]


@dataclass(frozen=True)
class Alive:
    """A worker. `beat` is how many seconds ago it gave a sign of life; `jobs` are those it holds."""

    id: str
    host: str
    pid: int
    begun: float
    beat: float
    priority: int | None
    jobs: int
    started: int


def counts(queue: Queue) -> list[Count]:
    """The numbers of the five classes. Raises DatabaseError."""
    now = queue.now()
    due = JOBS.c.next_try <= now
    columns = {
        "waiting": sa.and_(JOBS.c.state == WAITING, due),
        "running": JOBS.c.state == RUNNING,
        "scheduled": sa.and_(JOBS.c.state == WAITING, sa.not_(due), JOBS.c.retrial == 0),
        "deferred": sa.and_(JOBS.c.state == WAITING, sa.not_(due), JOBS.c.retrial > 0),
        "paused": JOBS.c.state == PAUSED,
        "failed": JOBS.c.state == FAILED,
    }
    sums = [sa.func.sum(sa.case((test, 1), else_=0)).label(name) for name, test in columns.items()]
    oldest = sa.func.min(sa.case((columns["waiting"], JOBS.c.next_try))).label("oldest")
    query = sa.select(JOBS.c.priority, *sums, oldest).group_by(JOBS.c.priority)
    rows = {row.priority: row for row in queue.read(lambda connection: connection.execute(query).all())}
    rates = _rates(queue, now)
    return [_count(priority, rows.get(priority), list(columns), rates[priority], now) for priority in Priority]


def workers(queue: Queue) -> list[Alive]:
    """The workers that are alive, the oldest first. Raises DatabaseError."""
    now = queue.now()
    held = sa.select(sa.func.count()).where(JOBS.c.worker == WORKERS.c.id, JOBS.c.state == RUNNING)
    query = sa.select(
        WORKERS,
        held.scalar_subquery().label("jobs"),
        held.where(JOBS.c.started.is_not(None)).scalar_subquery().label("started"),
    ).where(WORKERS.c.lease_until > now)
    rows = queue.read(lambda connection: connection.execute(query.order_by(WORKERS.c.begun)).all())
    return [
        Alive(
            row.id, row.host, row.pid, row.begun, now - (row.lease_until - queue.lease), row.priority, row.jobs,
            row.started,
        )
        for row in rows
    ]  # fmt: skip


def nodes_due(queue: Queue) -> int:
    """How many nodes have a job that is due. Raises DatabaseError."""
    due = sa.and_(JOBS.c.state == WAITING, JOBS.c.next_try <= queue.now(), JOBS.c.node != "")
    query = sa.select(sa.func.count(JOBS.c.node.distinct())).where(due)
    return queue.read(lambda connection: connection.scalar(query)) or 0


def armed(queue: Queue) -> set[str]:
    """The nodes that have permanent jobs: those of the inventory. Raises DatabaseError."""
    query = sa.select(JOBS.c.node).where(JOBS.c.every.is_not(None), JOBS.c.node != "").distinct()
    return set(queue.read(lambda connection: connection.scalars(query).all()))


def soonest(queue: Queue) -> float | None:
    """In how many seconds the next job comes due, below 0 where one is; None where none waits. Raises DatabaseError."""
    query = sa.select(sa.func.min(JOBS.c.next_try)).where(JOBS.c.state == WAITING)
    moment = queue.read(lambda connection: connection.scalar(query))
    return None if moment is None else moment - queue.now()


def _rates(queue: Queue, now: float) -> dict[int, tuple[float, ...]]:
    """Jobs a minute of each class over the spans, the minute in which a span begins counted for its part."""
    minute, passed = int(now // 60), now % 60 / 60
    recent = [
        sa.func.sum(
            sa.case(
                (FINISHED.c.minute > minute - span, FINISHED.c.number),
                (FINISHED.c.minute == minute - span, FINISHED.c.number * (1 - passed)),
                else_=0,
            )
        )
        for span in SPANS
    ]
    query = sa.select(FINISHED.c.priority, *recent).group_by(FINISHED.c.priority)
    rows: Sequence[Any] = queue.read(lambda connection: connection.execute(query).all())
    found = {row[0]: tuple(float(total) / span for total, span in zip(row[1:], SPANS, strict=True)) for row in rows}
    return {priority: found.get(priority, (0.0,) * len(SPANS)) for priority in Priority}


def _count(priority: int, row: Any, names: list[str], rates: tuple[float, ...], now: float) -> Count:
    numbers = {name: int(getattr(row, name) or 0) if row else 0 for name in names}
    oldest = None if row is None or row.oldest is None else max(0.0, now - row.oldest)
    return Count(priority=int(priority), **numbers, oldest=oldest, rates=rates)
