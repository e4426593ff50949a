"""The queue as one program sees it: a database, its clock, and how long a claim holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from nicassh.database import Clock, Difference, create, explained, retried
from nicassh.tasks.priority import Priority
from nicassh.tasks.table import CLASSES, METADATA

T = TypeVar("T")
_CHUNK = 500
_MUTEX = sa.select(CLASSES.c.priority).where(CLASSES.c.priority == Priority.CRITICAL).with_for_update()


def chunks(ids: Sequence[T]) -> Iterator[Sequence[T]]:
    """Parts that fit into one IN (…): old SQLite takes 999 variables."""
    return (ids[index : index + _CHUNK] for index in range(0, len(ids), _CHUNK))


class Queue:
    """The jobs of one database.

    `lease` is for how many seconds a worker keeps what it holds without a sign of life; `sessions` is how
    many SSH sessions a node may have at once, of which the last is for critical jobs; `reserved` how many
    workers critical jobs leave to the others; `ceiling` the seconds between two tries of a permanent job
    that fails, unless its own period is longer. `clock` tells the time.
    """

    def __init__(
        self, engine: sa.Engine, *, lease: float = 30.0, sessions: int = 3, reserved: int = 1, ceiling: float = 900.0,
        clock: Clock | None = None,
    ) -> None:  # fmt: skip
        self.engine = engine
        self.lease, self.sessions, self.reserved, self.ceiling = lease, sessions, reserved, ceiling
        self.clock = clock or Clock()

    def create(self) -> list[Difference]:
        """Makes the tables that are missing, and asks for the time; see `db.create`."""
        with explained(self.engine):
            added = create(self.engine, METADATA)
        self.write(_classes)
        self.read(self.clock.ask)
        return added

    def now(self) -> float:
        """Seconds since 1970 by the clock of the database, which all monitoring hosts share."""
        return self.clock.now()

    def read(self, work: Callable[[sa.Connection], T]) -> T:
        """What `work` gives, in a transaction that only reads. Raises DatabaseError."""
        with explained(self.engine), self.engine.begin() as connection:
            return work(connection)

    def write(self, work: Callable[[sa.Connection], T]) -> T:
        """What `work` gives, in a transaction of its own, which is begun anew where it met another's.

        Raises DatabaseError.
        """
        return retried(self.engine, work)

    def lock(self, connection: sa.Connection) -> bool:
        """Lets one worker at a time claim. Whether it may have waited, so that what it read before is old.

        SQLite's write transaction is that lock already.
        """
        if self.engine.dialect.name == "sqlite":
            return False
        connection.execute(_MUTEX)
        return True


def _classes(connection: sa.Connection) -> None:
    """One row for each class, which carries its account and is what a claim locks."""
    if connection.scalar(sa.select(sa.func.count()).select_from(CLASSES)):
        return
    with suppress(IntegrityError), connection.begin_nested():  # another program was quicker
        connection.execute(sa.insert(CLASSES), [{"priority": p, "turn": 0.0} for p in Priority])
