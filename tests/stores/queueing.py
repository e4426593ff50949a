"""A queue in a time that the test drives, jobs in few words, and the rows as the database has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from nicassh import tasks as jobs
from nicassh.database import Clock
from nicassh.tasks import PROBE, Batch, Claimant, Ended, Priority, Queue, Wanted
from nicassh.tasks.arming import fresh
from nicassh.tasks.table import JOBS

MOMENT = 1_790_000_040.0
"""When each test begins: a whole minute."""
MINUTE, HOUR = 60, 3600


class Driven(Clock):
    """A clock that stands still until a test moves it on, whatever the database says."""

    def __init__(self, moment: float = MOMENT) -> None:
        super().__init__(lambda: self.moment)
        self.moment = moment

    def ask(self, connection: sa.Connection) -> None:
        """Nobody is asked."""


def later(queue: Queue, seconds: float) -> float:
    """Moves the queue's time on; the moment that it is then."""
    assert isinstance(queue.clock, Driven)
    queue.clock.moment += seconds
    return queue.clock.moment


def until(queue: Queue, moment: float) -> None:
    """Moves the queue's time on to a moment, unless that is over."""
    assert isinstance(queue.clock, Driven)
    queue.clock.moment = max(queue.clock.moment, moment)


def rows(queue: Queue, **fields: object) -> list[Any]:
    """The rows of the jobs that have these values, in the order of their ids."""
    query = sa.select(JOBS).where(*(JOBS.c[name] == value for name, value in fields.items())).order_by(JOBS.c.id)
    return list(queue.read(lambda connection: connection.execute(query).all()))


def row(queue: Queue, **fields: object) -> Any:
    """The one row of a job."""
    (only,) = rows(queue, **fields)
    return only


def put(queue: Queue, node: str = "nc2", argument: str = "load", **fields: object) -> int:
    """Puts the row of a job into the table as it stands; its id."""
    priority = int(str(fields.get("priority", int(Priority.MEDIUM))))
    values = {**fresh(PROBE, node, argument, priority, queue.now()), **fields}
    return int(queue.write(lambda connection: connection.execute(sa.insert(JOBS), values).inserted_primary_key[0]))


def wanted(nodes: str, probes: str = "load", priority: Priority = Priority.MEDIUM, every: int = MINUTE) -> list[Wanted]:
    """Permanent jobs: each of these probes on each of these nodes."""
    return [Wanted(PROBE, node, probe, priority, every) for node in nodes.split() for probe in probes.split()]


def claimed(queue: Queue, claimant: Claimant, limit: int = 100, window: int = 100) -> Batch:
    """The batch that a worker gets, of which there is one."""
    batch = jobs.claim(queue, claimant, limit, window)
    assert batch is not None
    return batch


def begun(queue: Queue, claimant: Claimant, limit: int = 100) -> Batch:
    """A batch that a worker gets and begins with."""
    batch = claimed(queue, claimant, limit)
    jobs.start(queue, batch, batch.jobs)
    claimant.batch = None
    return batch


def run(queue: Queue, claimant: Claimant, error: str = "", limit: int = 100) -> Batch:
    """A batch that a worker gets, begins with, and ends at once, well or with an error."""
    batch = begun(queue, claimant, limit)
    jobs.finish(queue, claimant, batch, ended(batch, error))
    return batch


def ended(batch: Batch, error: str = "", hopeless: bool = False) -> Sequence[Ended]:
    """How all jobs of a batch ended."""
    return [Ended(job, error, hopeless) for job in batch.jobs]


def named(batch: Batch | None) -> list[tuple[str, str]]:
    """Node and probe of the jobs of a batch, in its order."""
    return [(job.node, job.argument) for job in batch.jobs] if batch else []
