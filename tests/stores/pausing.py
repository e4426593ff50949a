"""A farm of which one node gets out of reach, and what its tasks are then."""

from __future__ import annotations

from task_rows import HOUR, begun, named, rows, wanted

from nicassh import tasks
from nicassh.tasks import ClaimedBatch, Priority, Registration, TaskList, TaskResult

AWAY = {"nc2": "no answer within 10 s"}
PAUSED = {"load": "waiting", "users": "paused", "disks": "paused", "software": "paused"}
BACK = dict.fromkeys(PAUSED, "waiting")


def armed(task_list: TaskList) -> None:
    """Makes the tasks of a node, a cheap and urgent one and others; and of a node that is well."""
    urgent = wanted("nc2 nc3", "load", Priority.CRITICAL)
    tasks.sync_periodic(
        task_list, [*urgent, *wanted("nc2", "users disks"), *wanted("nc2", "software", Priority.LOW, HOUR)]
    )


def states(task_list: TaskList, node: str = "nc2") -> dict[str, str]:
    """The states of a node's tasks by probe."""
    return {one.argument: one.state for one in rows(task_list, node=node)}


def away(task_list: TaskList, collector: Registration) -> ClaimedBatch:
    """What is due runs, and the node is out of reach; the other one answers."""
    batch = begun(task_list, collector)
    tasks.pause_nodes(task_list, batch, AWAY)
    tasks.complete(task_list, collector, batch, [TaskResult(task) for task in batch.tasks if task.node != "nc2"])
    return batch


def only(task_list: TaskList, registration: Registration, probe: str) -> ClaimedBatch:
    """The batch of one task of the node, which alone is due."""
    tasks.cancel(task_list)
    tasks.run_now(task_list, ["nc2"], probe)
    batch = begun(task_list, registration)
    assert named(batch) == [("nc2", probe)]
    return batch
