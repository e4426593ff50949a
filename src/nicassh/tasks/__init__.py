"""Tasks: what is to be done, which of it comes next, and when it is tried again; kept in the database.

A periodic task is one row for each probe of each node (`sync_periodic`); it is scheduled anew when it ends. A task
that is done once (`enqueue`) is deleted when it went well. A collector (`register`) takes a batch of due tasks of one
class (`claim`), counts the runs as they begin (`start`) and says how they ended (`complete`, `pause_nodes`). Meanwhile
it renews its lease (`heartbeat`). At its end it gives back the rest (`unregister`); `reap` frees what a dead collector
held.
"""

from __future__ import annotations

from nicassh.tasks.claims import SchedulerState, claim, scheduler_state
from nicassh.tasks.completion import complete, pause_nodes, pause_with_node, start
from nicassh.tasks.enqueueing import discard, enqueue, enqueue_claimed, sync_periodic
from nicassh.tasks.liveness import (
    Registration,
    free_lapsed,
    heartbeat,
    rank,
    reap,
    register,
    release,
    still_held,
    stop_overdue,
    unregister,
)  # fmt: skip
from nicassh.tasks.model import PROBE, ClaimedBatch, PeriodicTask, Priority, Task, TaskResult
from nicassh.tasks.operator import cancel, retry, run_now
from nicassh.tasks.stats import (
    SPANS,
    ClassCount,
    CollectorStatus,
    class_counts,
    due_node_count,
    forget_finished,
    live_collectors,
    periodic_nodes,
    seconds_until_next,
    state_in_words,
    task_rows,
)  # fmt: skip
from nicassh.tasks.task_list import Connection, TaskList

__all__ = [
    "PROBE", "SPANS", "ClaimedBatch", "ClassCount", "CollectorStatus", "Connection", "PeriodicTask", "Priority",
    "Registration", "SchedulerState", "Task", "TaskList", "TaskResult", "cancel", "claim", "class_counts", "complete",
    "discard", "due_node_count", "enqueue", "enqueue_claimed", "forget_finished", "free_lapsed", "heartbeat",
    "live_collectors",
    "pause_nodes", "pause_with_node", "periodic_nodes", "rank", "reap", "register", "release", "retry", "run_now",
    "scheduler_state", "seconds_until_next", "start", "state_in_words", "still_held", "stop_overdue", "sync_periodic",
    "task_rows", "unregister",
]  # fmt: skip
