"""The turn to make or change tables: one program at a time, and who has it where the wait was too long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from nicassh.model.errors import DatabaseError

_MAKING = 0x6E696361
"""The number of PostgreSQL's lock under which tables are made."""
_LOOK = 0.1
"""Seconds between two tries of PostgreSQL's lock: one that waits inside the server could not ask who holds it."""
_HOLDER = {
    "postgresql": sa.text(
        "SELECT concat('process ', pid, ', ', usename, '@', coalesce(host(client_addr), 'socket'), ', since ',"
        " date_trunc('second', xact_start)) FROM pg_locks JOIN pg_stat_activity USING (pid)"
        " WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = :name"
        " AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    ),
    "mysql": sa.text(
        "SELECT concat('connection ', id, ', ', user, '@', host, ', at it for ', time, ' s')"
        " FROM information_schema.processlist WHERE id = is_used_lock(:name)"
    ),
}
_HINT = "wait until that program has ended, or end it; nothing was changed here"


@contextmanager
def turn(connection: sa.Connection, patience: float) -> Iterator[None]:
    """Keeps others from making tables meanwhile; on SQLite the writing transaction does.

    Raises DatabaseError that says who has the turn where it is not free after `patience` seconds.
    """
    if connection.dialect.name == "sqlite":
        yield
    elif connection.dialect.name == "postgresql":
        _postgresql(connection, patience)  # the lock ends with the transaction
        yield
    else:
        # MariaDB commits at each CREATE, so its lock is of the connection. One name is for all databases of a server.
        name = f"nicamon {connection.engine.url.database}"[:64]
        # 1: it is ours. 0: another has it still. NULL: the server broke the wait off.
        if connection.scalar(sa.select(sa.func.get_lock(name, patience))) != 1:
            raise _taken(connection, name, patience)
        try:
            yield
        finally:
            connection.execute(sa.select(sa.func.release_lock(name)))


def _postgresql(connection: sa.Connection, patience: float) -> None:
    until = time.monotonic() + patience
    while not connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(_MAKING))):
        if time.monotonic() > until:
            raise _taken(connection, _MAKING, patience)
        time.sleep(_LOOK)


def _taken(connection: sa.Connection, name: object, patience: float) -> DatabaseError:
    holder = connection.scalar(_HOLDER[connection.dialect.name.replace("mariadb", "mysql")], {"name": name})
    who = f" ({holder})" if holder else ""
    return DatabaseError(f"another program makes or upgrades the tables for more than {patience:g} s{who}", _HINT)
