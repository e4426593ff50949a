"""Complete tasks: what becomes of them when a run begins, goes well, fails, or finds its node out of reach.

Every statement on a claimed task names the token of its claim: a collector whose lease ran out changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from nicassh.tasks import scheduler
from nicassh.tasks.liveness import JITTER, NO_CLAIM, Registration
from nicassh.tasks.model import (
    FAILED,
    FINISHED_TASKS,
    PAUSED,
    PROBE,
    RUNNING,
    TASKS,
    WAITING,
    ClaimedBatch,
    Task,
    TaskResult,
)  # fmt: skip
from nicassh.tasks.task_list import TaskList, chunks

_LOG = logging.getLogger("nicamon")
_NOW: sa.BindParameter[float] = sa.bindparam("now")
# Not by state as well: only running tasks have a token, and PostgreSQL would look for all that run.
_MINE = sa.and_(TASKS.c.id.in_(sa.bindparam("ids", expanding=True)), TASKS.c.token == sa.bindparam("claim"))
_START = sa.update(TASKS).where(_MINE).values(started=_NOW, attempts=TASKS.c.attempts + 1)
_NEXT_TRY = sa.case((TASKS.c.rerun_requested, _NOW), else_=sa.bindparam("due"))
_RESCHEDULE = (
    sa.update(TASKS)
    .where(_MINE)
    .values(
        state=WAITING, next_try=_NEXT_TRY, finished=_NOW,
        created=sa.case((TASKS.c.rerun_requested, _NOW), else_=TASKS.c.created),
        failures=0, attempts=0, rerun_requested=False, error="", **NO_CLAIM,
    )
)  # fmt: skip
_DELETE = sa.delete(TASKS).where(_MINE, TASKS.c.rerun_requested.is_(sa.false()))
_FAIL = (
    sa.update(TASKS)
    .where(TASKS.c.id == sa.bindparam("this"), TASKS.c.token == sa.bindparam("claim"))
    .values(
        state=sa.bindparam("becomes"), next_try=_NEXT_TRY, failures=sa.bindparam("level"), finished=_NOW,
        rerun_requested=False, priority=sa.bindparam("class"), error=sa.bindparam("why"), **NO_CLAIM,
    )
)  # fmt: skip
_COUNT = (
    sa.update(FINISHED_TASKS)
    .where(
        FINISHED_TASKS.c.minute == sa.bindparam("in_minute"),
        FINISHED_TASKS.c.priority == sa.bindparam("class"),
        FINISHED_TASKS.c.collector == sa.bindparam("me"),
    )
    .values(number=FINISHED_TASKS.c.number + sa.bindparam("more"))
)
_RESUME = (
    sa.update(TASKS)
    .where(TASKS.c.state == PAUSED, TASKS.c.node.in_(sa.bindparam("nodes", expanding=True)))
    .values(state=WAITING, next_try=_NOW)
)
# Locked, and the rows always in the same order: of two collectors that meet the same node the second one sees what the
# first one did.
_PERIODIC_OF_NODES = (
    sa.select(TASKS)
    .where(
        TASKS.c.node.in_(sa.bindparam("nodes", expanding=True)), TASKS.c.kind == PROBE, TASKS.c.every.is_not(None)
    )
    .order_by(TASKS.c.id)
    .with_for_update()
)  # fmt: skip
_PAUSE = (
    sa.update(TASKS)
    .where(TASKS.c.id.in_(sa.bindparam("ids", expanding=True)))
    .values(state=PAUSED, rerun_requested=False, **NO_CLAIM)
)
_TRY_LATER = (
    sa.update(TASKS)
    .where(TASKS.c.id == sa.bindparam("this"))
    .values(state=WAITING, next_try=sa.bindparam("due"), failures=sa.bindparam("level"), error=sa.bindparam("why"))
)


def start(task_list: TaskList, batch: ClaimedBatch, tasks: Iterable[Task]) -> None:
    """Count an attempt of tasks just before their run begins. Raises DatabaseError."""
    ids = [task.id for task in tasks]
    if ids:
        task_list.write(lambda connection: _execute(connection, _START, batch, ids, now=task_list.now()))


def complete(
    task_list: TaskList, registration: Registration, batch: ClaimedBatch, results: Sequence[TaskResult]
) -> int:
    """Reschedule periodic tasks, delete the others, put off those that failed; return how many were still held.

    Raises DatabaseError.
    """
    if not results:
        return 0
    held = task_list.write(lambda connection: _complete(task_list, registration, connection, batch, results))
    if held < len(results):
        _LOG.warning("%d tasks ended after their lease, so they are run again", len(results) - held)
    return held


def _complete(
    task_list: TaskList, registration: Registration, connection: sa.Connection, batch: ClaimedBatch,
    results: Sequence[TaskResult],
) -> int:  # fmt: skip
    now = task_list.now()
    counted = 0
    went_well = [result.task for result in results if not result.error]
    for every in {task.every for task in went_well}:
        ids = [task.id for task in went_well if task.every == every]
        deleted = _execute(connection, _DELETE, batch, ids) if every is None else 0
        counted += deleted
        if deleted < len(ids):
            due = scheduler.next_due(now, every) if every else now
            counted += _execute(connection, _RESCHEDULE, batch, ids, now=now, due=due)
    for result in results:
        if result.error:
            counted += connection.execute(_FAIL, _failed(task_list, result, batch, now)).rowcount
    # A node that answers again is asked for everything.
    answered = [result.task for result in results if result.node_answered or not result.error]
    back = {task.node for task in answered if task.node and (task.failures or task.every is None)}
    if back:
        connection.execute(_RESUME, {"nodes": sorted(back), "now": now})
    if counted:
        _count_finished(connection, registration, batch.priority, now, counted)
    return counted


def _failed(task_list: TaskList, result: TaskResult, batch: ClaimedBatch, now: float) -> dict[str, object]:
    """Return how a task goes on after a run that failed."""
    task = result.task
    names = {"this": task.id, "claim": batch.token, "now": now, "why": result.error, "class": task.priority}
    if task.every is not None:
        level = min(task.failures + 1, scheduler.MAX_LEVEL)
        wait = scheduler.periodic_retry_delay(level, task.every, task_list.ceiling, JITTER)
        return {**names, "becomes": WAITING, "level": level, "due": now + wait}
    level = scheduler.next_level(task.failures, now - task.created)
    if result.hopeless or level > scheduler.MAX_LEVEL:
        return {**names, "becomes": FAILED, "level": task.failures, "due": now}
    wait = scheduler.retry_delay(level, JITTER)
    priority = scheduler.lower_priority(task.priority, level)
    return {**names, "becomes": WAITING, "level": level, "due": now + wait, "class": priority}


def _execute(
    connection: sa.Connection, statement: sa.Executable, batch: ClaimedBatch, ids: Sequence[int], **names: object
) -> int:
    """Execute a statement on tasks of the batch, in parts, and return how many rows it changed."""
    parts = [connection.execute(statement, {"ids": p, "claim": batch.token, **names}).rowcount for p in chunks(ids)]
    return sum(parts)


def _count_finished(
    connection: sa.Connection, registration: Registration, priority: int, now: float, number: int
) -> None:
    """Add to the number of tasks that this collector finished in this minute."""
    minute = int(now // 60)
    names = {"in_minute": minute, "class": priority, "me": registration.id, "more": number}
    if not connection.execute(_COUNT, names).rowcount:
        row = {"minute": minute, "priority": priority, "collector": registration.id, "number": number}
        connection.execute(sa.insert(FINISHED_TASKS), [row])


def pause_nodes(task_list: TaskList, batch: ClaimedBatch, reasons: Mapping[str, str]) -> None:
    """Pause all periodic tasks of nodes that are out of reach, but one each, which tries the node again later.

    So such a node costs one time-out, and not one for each of its probes. `reasons` says why, by node. Tasks that
    other collectors run go on. Tasks of the batch that are done once end here: that the node is out of reach was their
    result. Raises DatabaseError.
    """
    if not reasons:
        return
    done_once = sa.and_(
        TASKS.c.node.in_(sorted(reasons)), TASKS.c.state == RUNNING, TASKS.c.token == batch.token,
        TASKS.c.every.is_(None),
    )  # fmt: skip

    def work(connection: sa.Connection) -> None:
        connection.execute(sa.delete(TASKS).where(done_once))
        rows = connection.execute(_PERIODIC_OF_NODES, {"nodes": sorted(reasons)}).all()
        idle = [row for row in rows if row.state == WAITING or row.token == batch.token]
        if idle:
            _pause(connection, [row.id for row in idle])
            connection.execute(_TRY_LATER, _next_tries(task_list, idle, reasons))

    task_list.write(work)


def pause_with_node(task_list: TaskList, failed: Collection[Task]) -> None:
    """Pause tasks that failed on a paused node, unless no other task tries that node again. Raises DatabaseError."""
    if not failed:
        return
    mine = {task.id for task in failed}

    def work(connection: sa.Connection) -> None:
        rows = connection.execute(_PERIODIC_OF_NODES, {"nodes": sorted({task.node for task in failed})}).all()
        paused = {row.node for row in rows if row.state == PAUSED}
        # Only the success of a task that has failed says that its node is back: `complete` resumes a node for such.
        tried = {row.node for row in rows if row.state != PAUSED and row.failures and row.id not in mine}
        ids = []
        for row in sorted(rows, key=_cost):
            if row.id in mine and row.state == WAITING and row.node in paused:
                ids += [row.id] if row.node in tried else []
                tried.add(row.node)
        _pause(connection, ids)

    task_list.write(work)


def _pause(connection: sa.Connection, ids: Sequence[int]) -> None:
    for part in chunks(ids):
        connection.execute(_PAUSE, {"ids": part})


def _next_tries(task_list: TaskList, rows: Collection[Any], reasons: Mapping[str, str]) -> list[dict[str, object]]:
    """Return, for each node, the task that is to try it again, and when."""
    cheapest: dict[str, Any] = {}
    for row in sorted(rows, key=_cost):
        cheapest.setdefault(row.node, row)
    tries = []
    for node, row in cheapest.items():
        level = min(row.failures + 1, scheduler.MAX_LEVEL)
        wait = scheduler.periodic_retry_delay(level, row.every, task_list.ceiling, JITTER)
        tries.append({"this": row.id, "due": task_list.now() + wait, "level": level, "why": reasons[node]})
    return tries


def _cost(row: Any) -> tuple[int, int, int]:
    """Return what the cheapest task has least of: the most urgent tasks ask a node for the least."""
    return row.priority, row.every, row.id
