"""The task list as one program sees it: a database, its clock, and the limits that hold for all collectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from nicassh.database import Clock, Difference, create, dialect_of, translate_errors, with_retry
from nicassh.tasks.model import METADATA, TASK_CLASSES, Priority

T = TypeVar("T")
Connection = sa.Connection
"""A connection to the database, in a transaction."""
_CHUNK = 500
_MUTEX = sa.select(TASK_CLASSES.c.priority).where(TASK_CLASSES.c.priority == Priority.CRITICAL).with_for_update()


def chunks(ids: Sequence[T]) -> Iterator[Sequence[T]]:
    """Yield parts that fit into one IN (…): old SQLite takes 999 variables."""
    return (ids[index : index + _CHUNK] for index in range(0, len(ids), _CHUNK))


class TaskList:
    """The tasks of one database.

    lease:    seconds that a collector keeps what it holds without a heartbeat
    sessions: SSH sessions that a node may have at once; the last one is for critical tasks
    reserved: collectors that critical tasks leave to the other classes
    ceiling:  seconds between two tries of a periodic task that fails, unless its own period is longer
    clock:    tells the time of the database
    """

    def __init__(
        self, engine: sa.Engine, *, lease: float = 30.0, sessions: int = 3, reserved: int = 1, ceiling: float = 900.0,
        clock: Clock | None = None,
    ) -> None:  # fmt: skip
        self.engine = engine
        self.lease, self.sessions, self.reserved, self.ceiling = lease, sessions, reserved, ceiling
        self.clock = clock or Clock()

    def create(self) -> list[Difference]:
        """Make the tables that are missing, ask for the time, and return what was added."""
        with translate_errors(self.engine):
            added = create(self.engine, METADATA)
        self.write(_insert_classes)
        self.read(self.clock.ask)
        return added

    def now(self) -> float:
        """Return the seconds since 1970 by the clock of the database, which all monitoring hosts share."""
        return self.clock.now()

    def read(self, work: Callable[[sa.Connection], T]) -> T:
        """Return what `work` returns in a transaction that only reads. Raises DatabaseError."""
        with translate_errors(self.engine), self.engine.begin() as connection:
            return work(connection)

    def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Return what `work` returns in a transaction of its own. It is begun anew where it met another transaction.

        Raises DatabaseError.
        """
        return with_retry(self.engine, work)

    def lock(self, connection: sa.Connection) -> bool:
        """Wait until no other collector claims; the lock ends with the transaction.

        True where another collector may have changed the tasks meanwhile, so that they must be read again. On SQLite a
        transaction that writes is such a lock already, and nothing is done.
        """
        if not dialect_of(self.engine).concurrent:
            return False
        connection.execute(_MUTEX)
        return True


def _insert_classes(connection: sa.Connection) -> None:
    """Insert one row for each task class: it holds the account of the class, and a claim locks it."""
    if connection.scalar(sa.select(sa.func.count()).select_from(TASK_CLASSES)):
        return
    with suppress(IntegrityError), connection.begin_nested():  # another program was quicker
        connection.execute(sa.insert(TASK_CLASSES), [{"priority": one, "virtual_time": 0.0} for one in Priority])
