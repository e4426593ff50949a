"""A farm of which one node gets out of reach, and what its jobs are then."""

from __future__ import annotations

from queueing import HOUR, begun, named, rows, wanted

from nicassh import tasks as jobs
from nicassh.tasks import Batch, Claimant, Ended, Priority, Queue

AWAY = {"nc2": "no answer within 10 s"}
PAUSED = {"load": "waiting", "users": "paused", "disks": "paused", "software": "paused"}
BACK = dict.fromkeys(PAUSED, "waiting")


def armed(queue: Queue) -> None:
    """Makes the jobs of a node, a cheap and urgent one and others; and of a node that is well."""
    urgent = wanted("nc2 nc3", "load", Priority.CRITICAL)
    jobs.arm(queue, [*urgent, *wanted("nc2", "users disks"), *wanted("nc2", "software", Priority.LOW, HOUR)])


def states(queue: Queue, node: str = "nc2") -> dict[str, str]:
    """The states of a node's jobs by probe."""
    return {one.argument: one.state for one in rows(queue, node=node)}


def away(queue: Queue, worker: Claimant) -> Batch:
    """What is due runs, and the node is out of reach; the other one answers."""
    batch = begun(queue, worker)
    jobs.pause(queue, batch, AWAY)
    jobs.finish(queue, worker, batch, [Ended(job) for job in batch.jobs if job.node != "nc2"])
    return batch


def only(queue: Queue, claimant: Claimant, probe: str) -> Batch:
    """The batch of one job of the node, which alone is due."""
    jobs.cancel(queue)
    jobs.now(queue, ["nc2"], probe)
    batch = begun(queue, claimant)
    assert named(batch) == [("nc2", probe)]
    return batch
