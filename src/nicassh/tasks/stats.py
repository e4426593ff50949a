"""The task list in numbers and rows: by class, by collector, and task by task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from nicassh.tasks.model import COLLECTORS, FAILED, FINISHED_TASKS, PAUSED, RUNNING, TASKS, WAITING, Priority
from nicassh.tasks.operator import Nodes
from nicassh.tasks.task_list import TaskList

SPANS = (1, 10, 60)
"""Minutes over which finished tasks are counted."""
_REMEMBERED = 60
"""Minutes for which the numbers of finished tasks are kept."""


@dataclass(frozen=True)
class ClassCount:
    """The numbers of tasks of one class.

    waiting:   are due and not claimed
    running:   a collector holds them
    scheduled: come due later, at their time
    deferred:  come due later, after a failure
    paused:    their node is out of reach
    failed:    failed for good
    oldest:    seconds for which the first of the waiting tasks has been due; None where none waits
    rates:     finished tasks a minute, over each of SPANS
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
class CollectorStatus:
    """A collector that is alive.

    started:   when it registered [s since 1970]
    heartbeat: seconds since its last heartbeat
    priority:  the class of the tasks that it holds; None where it is idle
    tasks:     how many tasks it holds
    running:   how many of them have begun
    """

    id: str
    host: str
    pid: int
    started: float
    heartbeat: float
    priority: int | None
    tasks: int
    running: int


def class_counts(task_list: TaskList) -> list[ClassCount]:
    """Count the tasks of each of the five classes. Raises DatabaseError."""
    now = task_list.now()
    is_due = TASKS.c.next_try <= now
    columns = {
        "waiting": sa.and_(TASKS.c.state == WAITING, is_due),
        "running": TASKS.c.state == RUNNING,
        "scheduled": sa.and_(TASKS.c.state == WAITING, sa.not_(is_due), TASKS.c.failures == 0),
        "deferred": sa.and_(TASKS.c.state == WAITING, sa.not_(is_due), TASKS.c.failures > 0),
        "paused": TASKS.c.state == PAUSED,
        "failed": TASKS.c.state == FAILED,
    }
    sums = [sa.func.sum(sa.case((test, 1), else_=0)).label(name) for name, test in columns.items()]
    oldest = sa.func.min(sa.case((columns["waiting"], TASKS.c.next_try))).label("oldest")
    query = sa.select(TASKS.c.priority, *sums, oldest).group_by(TASKS.c.priority)
    rows = {row.priority: row for row in task_list.read(lambda connection: connection.execute(query).all())}
    rates = _rates(task_list, now)
    return [_class_count(one, rows.get(one), list(columns), rates[one], now) for one in Priority]


def _class_count(priority: int, row: Any, names: list[str], rates: tuple[float, ...], now: float) -> ClassCount:
    numbers = {name: int(getattr(row, name) or 0) if row else 0 for name in names}
    oldest = None if row is None or row.oldest is None else max(0.0, now - row.oldest)
    return ClassCount(priority=int(priority), **numbers, oldest=oldest, rates=rates)


def _rates(task_list: TaskList, now: float) -> dict[int, tuple[float, ...]]:
    """Return the finished tasks a minute of each class. The minute in which a span begins counts for its part."""
    minute, passed = int(now // 60), now % 60 / 60
    count = FINISHED_TASKS.c
    recent = [
        sa.func.sum(
            sa.case(
                (count.minute > minute - span, count.number),
                (count.minute == minute - span, count.number * (1 - passed)),
                else_=0,
            )
        )
        for span in SPANS
    ]
    query = sa.select(count.priority, *recent).group_by(count.priority)
    rows: Sequence[Any] = task_list.read(lambda connection: connection.execute(query).all())
    found = {row[0]: tuple(float(total) / span for total, span in zip(row[1:], SPANS, strict=True)) for row in rows}
    return {priority: found.get(priority, (0.0,) * len(SPANS)) for priority in Priority}


def forget_finished(task_list: TaskList) -> None:
    """Delete the numbers of tasks that were finished more than an hour ago. Raises DatabaseError."""
    oldest = int(task_list.now() // 60) - _REMEMBERED
    old = sa.delete(FINISHED_TASKS).where(FINISHED_TASKS.c.minute < oldest)
    task_list.write(lambda connection: connection.execute(old))


def live_collectors(task_list: TaskList) -> list[CollectorStatus]:
    """List the collectors that are alive, the oldest first. Raises DatabaseError."""
    now = task_list.now()
    held = sa.select(sa.func.count()).where(TASKS.c.collector == COLLECTORS.c.id, TASKS.c.state == RUNNING)
    query = sa.select(
        COLLECTORS,
        held.scalar_subquery().label("tasks"),
        held.where(TASKS.c.started.is_not(None)).scalar_subquery().label("running"),
    ).where(COLLECTORS.c.lease_until > now)
    rows = task_list.read(lambda connection: connection.execute(query.order_by(COLLECTORS.c.started)).all())
    return [
        CollectorStatus(
            row.id, row.host, row.pid, row.started, now - (row.lease_until - task_list.lease), row.priority, row.tasks,
            row.running,
        )
        for row in rows
    ]  # fmt: skip


def task_rows(task_list: TaskList, troubled: bool = False, nodes: Nodes = None) -> Sequence[sa.RowMapping]:
    """List the tasks, the next one first, each with `host`, the monitoring host that runs it.

    nodes:    only the tasks of these nodes
    troubled: only those that failed for good, and those that wait or run after a failure

    Raises DatabaseError.
    """
    query: sa.Select[Any] = sa.select(TASKS, COLLECTORS.c.host).outerjoin(
        COLLECTORS, COLLECTORS.c.id == TASKS.c.collector
    )
    if troubled:
        deferred = sa.and_(TASKS.c.state.in_([WAITING, RUNNING]), TASKS.c.failures > 0)
        query = query.where(sa.or_(TASKS.c.state == FAILED, deferred))
    query = query.order_by(TASKS.c.next_try, TASKS.c.id)
    rows = task_list.read(lambda connection: connection.execute(query).mappings().all())
    return rows if nodes is None else [row for row in rows if row["node"] in nodes]


def state_in_words(row: sa.RowMapping, now: float) -> str:
    """Return what a person calls the state of a task: a waiting one is due, scheduled, or deferred after a failure."""
    if row["state"] != WAITING:
        return str(row["state"])
    if row["next_try"] <= now:
        return "waiting"
    return "deferred" if row["failures"] else "scheduled"


def due_node_count(task_list: TaskList) -> int:
    """Count the nodes that have a task which is due. Raises DatabaseError."""
    is_due = sa.and_(TASKS.c.state == WAITING, TASKS.c.next_try <= task_list.now(), TASKS.c.node != "")
    query = sa.select(sa.func.count(TASKS.c.node.distinct())).where(is_due)
    return task_list.read(lambda connection: connection.scalar(query)) or 0


def periodic_nodes(task_list: TaskList) -> set[str]:
    """Return the nodes that have periodic tasks: those of the inventory. Raises DatabaseError."""
    query = sa.select(TASKS.c.node).where(TASKS.c.every.is_not(None), TASKS.c.node != "").distinct()
    return set(task_list.read(lambda connection: connection.scalars(query).all()))


def seconds_until_next(task_list: TaskList) -> float | None:
    """Return the seconds until the next task comes due, below 0 where one is due; None where none waits.

    Raises DatabaseError.
    """
    query = sa.select(sa.func.min(TASKS.c.next_try)).where(TASKS.c.state == WAITING)
    moment = task_list.read(lambda connection: connection.scalar(query))
    return None if moment is None else moment - task_list.now()
