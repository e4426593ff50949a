"""Claim tasks: in one short transaction a collector chooses a class and takes what is due of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import uuid4

import sqlalchemy as sa

from nicassh.tasks.liveness import Registration
from nicassh.tasks.model import COLLECTORS, PROBE, RUNNING, TASK_CLASSES, TASKS, WAITING, ClaimedBatch, Priority, Task
from nicassh.tasks.scheduler import charge, choose, updated_mean
from nicassh.tasks.task_list import TaskList, chunks

_NOW: sa.BindParameter[float] = sa.bindparam("now")
_IS_ALIVE = COLLECTORS.c.lease_until > _NOW
_IS_DUE = sa.and_(TASKS.c.state == WAITING, TASKS.c.next_try <= sa.bindparam("due", type_=sa.Double))
# In the order of the index: otherwise PostgreSQL would read all tasks in search of a class that has none.
_FIRST = (
    sa.select(TASKS.c.node).where(_IS_DUE, TASKS.c.priority == TASK_CLASSES.c.priority)
    .order_by(TASKS.c.next_try).limit(1)
)  # fmt: skip
_STATE = sa.select(
    TASK_CLASSES.c.priority,
    TASK_CLASSES.c.virtual_time,
    TASK_CLASSES.c.batch_seconds,
    _FIRST.scalar_subquery().label("first"),
    sa.select(sa.func.count())
    .where(_IS_ALIVE, COLLECTORS.c.id != sa.bindparam("me"), COLLECTORS.c.priority == TASK_CLASSES.c.priority)
    .scalar_subquery()
    .label("collectors"),
    sa.select(sa.func.count()).where(_IS_ALIVE).scalar_subquery().label("active"),
).order_by(TASK_CLASSES.c.priority)
# The index that is named reads what runs. MariaDB would take that of the nodes, in order but from end to end.
_BUSY_NODES = (
    sa.select(TASKS.c.node)
    .where(TASKS.c.state == RUNNING)
    .group_by(TASKS.c.node)
    .having(
        sa.or_(
            sa.func.count(TASKS.c.token.distinct()) >= sa.bindparam("sessions"),
            sa.func.min(TASKS.c.priority) <= sa.bindparam("class"),
        )
    )
    .with_hint(TASKS, "FORCE INDEX (tasks_due)", "mariadb")
    .with_hint(TASKS, "FORCE INDEX (tasks_due)", "mysql")
)
_DUE = (
    sa.select(*(TASKS.c[name] for name in Task.__dataclass_fields__))
    .where(_IS_DUE, TASKS.c.priority == sa.bindparam("class"))
    .order_by(TASKS.c.next_try, TASKS.c.id)
    .limit(sa.bindparam("limit"))
    .with_for_update(skip_locked=True)
)
_DUE_ON_FREE_NODES = _DUE.where(sa.or_(TASKS.c.node == "", TASKS.c.node.not_in(_BUSY_NODES)))
# The length and not the name: by the index of the nodes MariaDB would lock, and sort, all housekeeping tasks.
_DUE_HOUSEKEEPING = _DUE.where(sa.func.length(TASKS.c.node) == 0)
# Only running tasks have a token. PostgreSQL, asked for a state, would look for all rows that have it.
_TAKE = (
    sa.update(TASKS)
    .where(TASKS.c.id.in_(sa.bindparam("ids", expanding=True)), TASKS.c.token.is_(None))
    .values(
        state=RUNNING,
        collector=sa.bindparam("me"),
        token=sa.bindparam("claim"),
        lease_until=sa.bindparam("until"),
        started=None,
        rerun_requested=False,
    )
)
_SET_SERVED_CLASS = (
    sa.update(COLLECTORS)
    .where(COLLECTORS.c.id == sa.bindparam("me"))
    .values(priority=sa.bindparam("class"), lease_until=sa.bindparam("until"))
)
_OF_CLASS = sa.update(TASK_CLASSES).where(TASK_CLASSES.c.priority == sa.bindparam("class"))
_SET_MEAN = _OF_CLASS.values(batch_seconds=sa.bindparam("mean"))
_SET_VIRTUAL_TIME = _OF_CLASS.values(virtual_time=sa.bindparam("charged"))


@dataclass
class SchedulerState:
    """What the scheduler knows when it chooses.

    waiting:       the classes with a due task
    housekeeping:  only one class waits, and its first task concerns no node
    running:       how many collectors are busy with each class
    active:        how many collectors are alive
    virtual_times: the time that each class has had over its share [s]
    batch_seconds: what a batch of each class takes on average [s]; None where none has ended yet
    """

    waiting: list[int]
    housekeeping: bool
    running: dict[int, int]
    active: int
    virtual_times: dict[int, float]
    batch_seconds: dict[int, float | None]


def scheduler_state(task_list: TaskList) -> SchedulerState:
    """Read the state of the scheduler now. Raises DatabaseError."""
    return task_list.read(lambda connection: _state(connection, task_list.now(), task_list.now(), ""))


def _state(connection: sa.Connection, now: float, due: float, asking: str) -> SchedulerState:
    """Read the state with the tasks that are due at a moment. The class of the asking collector does not count."""
    rows = connection.execute(_STATE, {"now": now, "due": due, "me": asking}).all()
    first = {row.priority: row.first for row in rows if row.first is not None}
    return SchedulerState(
        waiting=list(first),
        housekeeping=list(first.values()) == [""],
        running={row.priority: row.collectors for row in rows if row.collectors},
        active=max((row.active for row in rows), default=1),
        virtual_times={row.priority: row.virtual_time for row in rows},
        batch_seconds={row.priority: row.batch_seconds for row in rows},
    )


def claim(
    task_list: TaskList, registration: Registration, limit: int = 1, window: int = 1, *,
    down_to: int = Priority.BACKGROUND, due_by: float | None = None,
) -> ClaimedBatch | None:  # fmt: skip
    """Take up to `limit` due tasks of one class; None where nothing is due that may run.

    Below medium a batch is one housekeeping task, or as many probes as run side by side (`window`): one collector does
    not hold slow work back from the others. Classes below `down_to` are left alone, and tasks that were not due at the
    moment `due_by`. A collector that still holds a batch gets that one again. Raises DatabaseError.
    """
    if registration.batch:
        return registration.batch

    def work(connection: sa.Connection) -> Registration:
        # A copy: where the transaction is begun anew, it begins from the same.
        trying = replace(registration, costs=registration.costs.copy())
        trying.batch = _claim(task_list, trying, connection, limit, window, down_to, due_by)
        return trying

    done = task_list.write(work)
    registration.batch = done.batch
    registration.served_class, registration.renewed = done.served_class, done.renewed
    # Other threads may have added costs meanwhile: only those that were counted go.
    for _ in range(min(done.costs_counted, len(registration.costs))):
        registration.costs.popleft()
    return registration.batch


def _claim(
    task_list: TaskList, registration: Registration, connection: sa.Connection, limit: int, window: int, down_to: int,
    due_by: float | None,
) -> ClaimedBatch | None:  # fmt: skip
    due = task_list.now() if due_by is None else min(task_list.now(), due_by)
    state = _state(connection, task_list.now(), due, registration.id)
    # The lock is for choices among classes, and for nodes, which no other may take as well: housekeeping needs neither.
    if state.waiting and not state.housekeeping and task_list.lock(connection) and len(state.waiting) > 1:
        state = _state(connection, task_list.now(), due, registration.id)  # another may have chosen meanwhile
    now = task_list.now()
    waiting = [priority for priority in state.waiting if priority <= down_to]
    if len(state.waiting) > 1:
        _count_costs(connection, state, registration)
    while choice := choose(
        waiting, state.running, state.active, virtual_times=state.virtual_times, reserved=task_list.reserved
    ):
        if tasks := _next_tasks(task_list, connection, state, choice.priority, due, limit, window):
            if choice.by_turn:
                _charge(connection, state, waiting, choice.priority)
            batch = ClaimedBatch(choice.priority, str(uuid4()), tuple(tasks))
            return _take(task_list, registration, connection, batch, now)
        waiting.remove(choice.priority)  # its nodes are busy with more urgent tasks, or have all their sessions
    _set_served_class(task_list, registration, connection, registration.open_class(), now)
    return None


def _next_tasks(
    task_list: TaskList, connection: sa.Connection, state: SchedulerState, priority: int, due: float, limit: int,
    window: int,
) -> list[Task]:  # fmt: skip
    """Return the due tasks of a class that its next batch is made of.

    A node is left out while it is asked for tasks of this class or a better one: what they learn, for example that it
    is out of reach, holds for all its tasks.
    """
    upper = priority <= Priority.MEDIUM
    # The last session of a node is for critical tasks.
    sessions = max(1, task_list.sessions - (priority != Priority.CRITICAL))
    most = limit if upper else 1 if state.housekeeping else min(limit, window)
    parameters = {"due": due, "class": priority, "limit": most, "sessions": sessions}
    rows = connection.execute(_DUE_HOUSEKEEPING if state.housekeeping else _DUE_ON_FREE_NODES, parameters).all()
    tasks = [Task(*row) for row in rows]
    if tasks and not upper:
        tasks = [task for task in tasks if task.kind == PROBE] if tasks[0].kind == PROBE else tasks[:1]
    return tasks


def _take(
    task_list: TaskList, registration: Registration, connection: sa.Connection, batch: ClaimedBatch, now: float
) -> ClaimedBatch | None:
    """Mark the tasks as held. The condition on their token decides who was first, not the lock."""
    until = now + task_list.lease
    ids = [task.id for task in batch.tasks]
    taken = 0
    for part in chunks(ids):
        names = {"ids": part, "me": registration.id, "claim": batch.token, "until": until}
        taken += connection.execute(_TAKE, names).rowcount
    if taken != len(ids):
        held = sa.select(TASKS.c.id).where(TASKS.c.state == RUNNING, TASKS.c.token == batch.token)
        mine = set(connection.scalars(held))
        batch = replace(batch, tasks=tuple(task for task in batch.tasks if task.id in mine))
    _set_served_class(task_list, registration, connection, batch.priority if batch.tasks else None, now)
    return batch if batch.tasks else None


def _set_served_class(
    task_list: TaskList, registration: Registration, connection: sa.Connection, priority: int | None, now: float
) -> None:
    """Write into the collector's row which class it serves, unless that was done a short time ago."""
    is_recent = priority is None or now < registration.renewed + task_list.lease / 3
    if registration.served_class == priority and is_recent:
        return
    registration.served_class, registration.renewed = priority, now
    names = {"me": registration.id, "class": priority, "until": now + task_list.lease}
    if not connection.execute(_SET_SERVED_CLASS, names).rowcount:  # it was reaped while it slept
        connection.execute(sa.insert(COLLECTORS), [{**registration.row(task_list), "priority": priority}])


def _count_costs(connection: sa.Connection, state: SchedulerState, registration: Registration) -> None:
    """Add what the collector's last batches took to the mean of their classes."""
    while registration.costs:
        priority, seconds = registration.costs.popleft()
        registration.costs_counted += 1
        state.batch_seconds[priority] = updated_mean(state.batch_seconds[priority], seconds)
        connection.execute(_SET_MEAN, {"class": priority, "mean": state.batch_seconds[priority]})


def _charge(connection: sa.Connection, state: SchedulerState, waiting: list[int], priority: int) -> None:
    """Charge a class for what its next batch is expected to take."""
    # The first batch of a class costs almost nothing: a guess that is too high would keep the class waiting for long.
    charged = charge(state.virtual_times, waiting, priority, state.batch_seconds[priority] or 0.0)
    changed = [
        {"class": one, "charged": moment} for one, moment in charged.items() if moment != state.virtual_times[one]
    ]
    if changed:
        connection.execute(_SET_VIRTUAL_TIME, changed)
