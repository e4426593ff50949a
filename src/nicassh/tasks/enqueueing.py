"""Enqueue tasks that are done once, and keep the periodic tasks as the inventory and the probes have them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from nicassh.tasks.liveness import Registration
from nicassh.tasks.model import FAILED, PROBE, RUNNING, TASKS, WAITING, ClaimedBatch, PeriodicTask, Priority, Task
from nicassh.tasks.scheduler import checked_priority
from nicassh.tasks.task_list import TaskList, chunks

_LOG = logging.getLogger("nicamon")
_IDENTITY = (TASKS.c.kind, TASKS.c.node, TASKS.c.argument)
_PERIODIC = sa.select(TASKS.c.id, *_IDENTITY, TASKS.c.priority, TASKS.c.every).where(TASKS.c.every.is_not(None))
_CHANGE = (
    sa.update(TASKS)
    .where(TASKS.c.id == sa.bindparam("this"))
    .values(
        priority=sa.bindparam("class"),
        every=sa.bindparam("period"),
        # A shorter period counts from now on, a longer one from the next run.
        next_try=sa.case((TASKS.c.next_try > sa.bindparam("latest"), sa.bindparam("latest")), else_=TASKS.c.next_try),
    )
)


def enqueue(
    task_list: TaskList, kind: str, argument: str = "", *, node: str = "", priority: int = Priority.MEDIUM,
    delay: float = 0.0, force: bool = False,
) -> bool:  # fmt: skip
    """Add a task that is done once. False where the same task waits, is put off or runs already.

    If it runs, it is marked to run once more. If it failed for good, it begins anew. With `force` a waiting one gets
    the new priority. `delay` is in seconds. Raises DatabaseError.
    """
    if checked_priority(priority) != priority:
        _LOG.warning("%s %s: there is no priority %s, medium is taken", kind, argument or node, priority)
    priority = checked_priority(priority)
    now = task_list.now()
    row = {**new_row(kind, node, argument, priority, now), "next_try": now + delay}
    row["unique_key"] = f"once {kind} {node} {argument}"
    # The one that is there may end before it is marked; then a new one is added after all.
    while True:
        if task_list.write(lambda connection: _insert(connection, row)):
            return True
        if (begun := task_list.write(lambda connection: _renew(connection, row, force))) is not None:
            return begun


def _insert(connection: sa.Connection, row: dict[str, object]) -> bool:
    """Insert a row. False where its key is taken."""
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(TASKS), [row])
    except IntegrityError:
        # The update comes in a transaction of its own: MariaDB now holds the row of the other program in a way in
        # which two would block each other.
        return False
    return True


def _renew(connection: sa.Connection, row: dict[str, object], force: bool) -> bool | None:
    """Change the task that has the key of `row`: True where it begins anew, None where it has ended meanwhile."""
    same = sa.update(TASKS).where(TASKS.c.unique_key == row["unique_key"])
    if connection.execute(same.where(TASKS.c.state == FAILED).values(**row)).rowcount:
        return True
    change = {"rerun_requested": sa.case((TASKS.c.state == RUNNING, sa.true()), else_=TASKS.c.rerun_requested)}
    if force:
        change["priority"] = sa.case((TASKS.c.state == WAITING, row["priority"]), else_=TASKS.c.priority)
    return False if connection.execute(same.values(**change)).rowcount else None


def enqueue_claimed(
    task_list: TaskList, registration: Registration, pairs: Iterable[tuple[str, str]], priority: int = Priority.HIGH
) -> ClaimedBatch:
    """Add probes to be run once on nodes, as tasks that this collector has claimed; `pairs` are node and probe.

    If the collector dies, they are due for another one. Raises DatabaseError.
    """
    token, now = str(uuid4()), task_list.now()
    claim = {"state": RUNNING, "collector": registration.id, "token": token, "lease_until": now + task_list.lease}
    rows = [{**new_row(PROBE, node, probe, priority, now), **claim} for node, probe in pairs]

    def insert(connection: sa.Connection) -> ClaimedBatch:
        connection.execute(sa.insert(TASKS), rows)
        fields = [TASKS.c[name] for name in Task.__dataclass_fields__]
        found = connection.execute(sa.select(*fields).where(TASKS.c.state == RUNNING, TASKS.c.token == token)).all()
        return ClaimedBatch(priority, token, tuple(Task(*row) for row in found))

    registration.batch = task_list.write(insert)
    return registration.batch


def discard(task_list: TaskList, batch: ClaimedBatch) -> None:
    """Delete those tasks of a batch that are done once and were given back. Raises DatabaseError."""

    def work(connection: sa.Connection) -> None:
        for part in chunks([task.id for task in batch.tasks]):
            given_back = sa.and_(TASKS.c.id.in_(part), TASKS.c.state == WAITING, TASKS.c.every.is_(None))
            connection.execute(sa.delete(TASKS).where(given_back))

    task_list.write(work)


def sync_periodic(task_list: TaskList, wanted: Iterable[PeriodicTask]) -> int:
    """Make the periodic tasks those that are wanted, and return how many changed.

    New ones are due at once; those that are not wanted any more are deleted, unless they run: then the next call does
    it. Raises DatabaseError.
    """
    goal = {(task.kind, task.node, task.argument): task for task in wanted}
    known = {(row.kind, row.node, row.argument): row for row in task_list.read(_periodic_rows)}
    new = [task for key, task in goal.items() if key not in known]
    old = [row.id for key, row in known.items() if key not in goal]
    changed = [(known[key], task) for key, task in goal.items() if key in known and _differs(known[key], task)]
    if not (new or old or changed):
        return 0
    return task_list.write(lambda connection: _sync(task_list, connection, new, old, changed))


def _sync(
    task_list: TaskList, connection: sa.Connection, new: list[PeriodicTask], old: list[int],
    changed: list[tuple[Any, PeriodicTask]],
) -> int:  # fmt: skip
    # Two programs may do this at once: the one that had to wait reads again.
    task_list.lock(connection)
    known = {(row.kind, row.node, row.argument) for row in _periodic_rows(connection)}
    new = [task for task in new if (task.kind, task.node, task.argument) not in known]
    now = task_list.now()
    if new:
        connection.execute(sa.insert(TASKS), [_periodic_row(task, now) for task in new])
    for part in chunks(old):
        connection.execute(sa.delete(TASKS).where(TASKS.c.id.in_(part), TASKS.c.state != RUNNING))
    if changed:
        changes = [
            {"this": row.id, "class": task.priority, "period": task.every, "latest": now + task.every}
            for row, task in changed
        ]
        connection.execute(_CHANGE, changes)
    return len(new) + len(old) + len(changed)


def _periodic_rows(connection: sa.Connection) -> Sequence[Any]:
    return connection.execute(_PERIODIC).all()


def _differs(row: Any, task: PeriodicTask) -> bool:
    return (row.priority, row.every) != (task.priority, task.every)


def _periodic_row(task: PeriodicTask, now: float) -> dict[str, object]:
    row = new_row(task.kind, task.node, task.argument, task.priority, now)
    return {**row, "every": task.every, "unique_key": task.key}


def new_row(kind: str, node: str, argument: str, priority: int, now: float) -> dict[str, object]:
    """Return the row of a new task that is done once and due at once."""
    return {
        "kind": kind, "node": node, "argument": argument, "priority": int(priority), "every": None,
        "unique_key": None, "created": now, "next_try": now, "failures": 0, "state": WAITING, "attempts": 0,
        "rerun_requested": False, "error": "",
    }  # fmt: skip
