"""Who claims: a worker of the queue with its sign of life, known by a uuid and never by its process number."""

from __future__ import annotations

import os
import socket
from collections import deque
from dataclasses import dataclass, field
from uuid import uuid4

import sqlalchemy as sa

from nicassh.tasks.choice import MEMORY
from nicassh.tasks.job import Batch
from nicassh.tasks.queue import Queue
from nicassh.tasks.table import JOBS, RUNNING, WAITING, WORKERS


@dataclass
class Claimant:
    """One worker. `batch` is what it claimed last and has not begun with; `open` the classes of the batches that are
    under way, by token; `serving` the class at which others count it, and `renewed` when it last said so. `spent`
    are class and seconds of batches that came to their end and are not in the mean of their classes yet.
    """

    id: str = field(default_factory=lambda: str(uuid4()))
    host: str = field(default_factory=socket.gethostname)
    batch: Batch | None = None
    open: dict[str, int] = field(default_factory=dict)
    serving: int | None = None
    renewed: float = 0.0
    spent: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=5 * MEMORY))

    def row(self, queue: Queue) -> dict[str, object]:
        """Its row among the workers, fresh."""
        now = queue.now()
        return {"id": self.id, "host": self.host, "pid": os.getpid(), "begun": now, "lease_until": now + queue.lease}


def enter(queue: Queue) -> Claimant:
    """A new worker that counts as alive for one lease. Raises DatabaseError."""
    claimant = Claimant()
    queue.write(lambda connection: connection.execute(sa.insert(WORKERS), [claimant.row(queue)]))
    return claimant


def leave(queue: Queue, claimant: Claimant) -> int:
    """Gives back what a worker holds and strikes it off; how many jobs that were. Raises DatabaseError."""

    def work(connection: sa.Connection) -> int:
        number = connection.execute(_release(JOBS.c.worker == claimant.id)).rowcount
        connection.execute(sa.delete(WORKERS).where(WORKERS.c.id == claimant.id))
        return number

    claimant.batch = None
    claimant.open.clear()
    return queue.write(work)


def release(queue: Queue, claimant: Claimant) -> int:
    """Gives back all that a worker holds, so that it is idle; how many jobs that were. Raises DatabaseError."""

    def work(connection: sa.Connection) -> int:
        number = connection.execute(_release(JOBS.c.worker == claimant.id)).rowcount
        connection.execute(sa.update(WORKERS).where(WORKERS.c.id == claimant.id).values(priority=None))
        return number

    claimant.batch = claimant.serving = None
    claimant.open.clear()
    return queue.write(work)


def beat(queue: Queue, claimant: Claimant) -> bool:
    """A sign of life: the worker and what it holds are its own for one more lease.

    False where the lease ran out meanwhile and the jobs are another's: their results must not count.
    Raises DatabaseError.
    """

    def work(connection: sa.Connection) -> bool:
        queue.clock.ask(connection)
        until = queue.now() + queue.lease
        mine = sa.and_(JOBS.c.state == RUNNING, JOBS.c.worker == claimant.id)
        connection.execute(sa.update(JOBS).where(mine).values(lease_until=until))
        alive = sa.update(WORKERS).where(WORKERS.c.id == claimant.id).values(lease_until=until)
        return bool(connection.execute(alive).rowcount)

    return queue.write(work)


def rank(queue: Queue, claimant: Claimant) -> int:
    """How many workers of its machine came before it: the last ones rest where the machine bears fewer."""
    others = sa.select(WORKERS.c.id, WORKERS.c.begun).where(
        WORKERS.c.host == claimant.host, WORKERS.c.lease_until > queue.now()
    )
    rows = queue.read(lambda connection: connection.execute(others).all())
    before = [row.id for row in sorted(rows, key=lambda row: (row.begun, row.id))]
    return before.index(claimant.id) if claimant.id in before else len(before)


def _release(whose: sa.ColumnElement[bool]) -> sa.Update:
    """A run that had begun and was given up in order is no attempt that failed."""
    begun = sa.case((JOBS.c.started.is_not(None) & (JOBS.c.attempts > 0), JOBS.c.attempts - 1), else_=JOBS.c.attempts)
    held = sa.and_(JOBS.c.state == RUNNING, whose)
    # MariaDB changes one column after another: `attempts` first, as long as `started` is what it was.
    return sa.update(JOBS).where(held).ordered_values((JOBS.c.attempts, begun), ("state", WAITING), *FREED.items())


FREED = {"worker": None, "token": None, "lease_until": None, "started": None}
"""What a job that nobody holds has in these columns."""
