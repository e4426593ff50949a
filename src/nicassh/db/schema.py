"""The version of the fixed tables in a database, and whether this program can work with it."""

from __future__ import annotations

import sqlalchemy as sa

from nicassh.errors import DatabaseError

WANTED = "0003"
"""The version of the fixed tables that this program works with: the last of `migrations/versions`."""
TABLE = "schema_version"
FIXED = frozenset(
    {
        "classes",
        "clocks",
        "digests",
        "finished",
        "jobs",
        "kept",
        "outcomes",
        "outcomes_intervals",
        "rolled",
        "settings",
        "turns",
        "workers",
    }
)
"""The tables that migrations make and change. All others follow from the records that they are made of."""


def version(connection: sa.Connection) -> str:
    """The version that the database has; empty where it has none yet."""
    if not sa.inspect(connection).has_table(TABLE):
        return ""
    return connection.exec_driver_sql(f"SELECT version_num FROM {TABLE}").scalar() or ""  # noqa: S608 a constant


def refuse_newer(found: str) -> None:
    """Raises DatabaseError where a newer program has changed the tables: they may mean something else now."""
    if found > WANTED:
        raise DatabaseError(
            f"the database has the schema {found}, and this nicamon knows none after {WANTED}",
            "a newer nicamon has upgraded it: run that one here too; nothing was read or written",
        )


def bring_up(connection: sa.Connection, by_hand: bool = False) -> None:
    """Gives the database the fixed tables of this program: by itself where that only adds, else `by_hand`.

    Raises DatabaseError where a newer program was there, or where somebody must look on.
    """
    found = version(connection)
    refuse_newer(found)
    if found != WANTED:
        from nicassh.db.upgrade import upgrade  # Alembic takes long to load, and is needed once in a database's life

        upgrade(connection, found, by_hand)
