"""The version of the fixed tables in a database, and whether this program can work with it."""

from __future__ import annotations

import sqlalchemy as sa

from nicassh.database.sqlite import OURS
from nicassh.model.errors import DatabaseError

CURRENT = "0004"
"""The version of the fixed tables that this program works with: the last of `migrations/versions`."""
RENAMED = "0004"
"""The last version that gave tables other names: of a version before it nothing can be read."""
TABLE = "schema_version"
FIXED = frozenset(
    {
        "collectors",
        "content_hash",
        "finished_tasks",
        "host_clocks",
        "node_locks",
        "outcomes",
        "outcomes_intervals",
        "retention_horizon",
        "rollup_progress",
        "settings",
        "task_classes",
        "tasks",
    }
)
"""The tables that migrations make and change. All others follow from the records that they are made of."""


def version(connection: sa.Connection) -> str:
    """Return the version that the database has; empty where it has none yet.

    Raises DatabaseError for another's database.
    """
    look = sa.inspect(connection)
    if not look.has_table(TABLE):
        return ""
    if "version_num" not in {column["name"] for column in look.get_columns(TABLE)}:
        raise foreign(TABLE)
    return connection.exec_driver_sql(f"SELECT version_num FROM {TABLE}").scalar() or ""  # noqa: S608 a constant


def exists(connection: sa.Connection) -> bool:
    """Say whether nicamon has made its tables in the database, also before it had versions."""
    return sa.inspect(connection).has_table("outcomes")


def check_not_newer(found: str) -> None:
    """Raise DatabaseError for a version that this program does not know.

    A newer program has changed the tables: they may mean something else now. Or no nicamon has made this version.
    """
    state = judged(found)
    if state == "newer":
        raise DatabaseError(
            f"the database has the schema {found}, and this nicamon knows none after {CURRENT}",
            "a newer nicamon has upgraded it: run that one here too; nothing was read or written",
        )
    if state == "unknown":
        raise DatabaseError(
            f"the database has the schema {found[:40]!r}, which is none of nicamon's (0001 to {CURRENT})",
            f"is it another program's? Else its table {TABLE} was changed: restore the last `nicamon db backup`",
        )


def check_not_older(connection: sa.Connection, found: str) -> None:
    """Raise DatabaseError where tables still have names that this program does not know: it would find them empty."""
    if exists(connection) and found < RENAMED:
        raise DatabaseError(
            f"the database has {f'the schema {found}' if found else 'no schema version'}: its tables have former names",
            "end the daemon, save it with `nicamon db backup FILE`, then run `nicamon db upgrade`",
        )


def judged(found: str) -> str:
    """Say what a version is to this program: none, current, older, newer, or unknown."""
    if not found or found == CURRENT:
        return "current" if found else "none"
    if found in {f"{number:04d}" for number in range(1, int(CURRENT))}:
        return "older"
    return "newer" if len(found) == len(CURRENT) and found.isdecimal() and found > CURRENT else "unknown"


def foreign(*tables: str) -> DatabaseError:
    """Return the words for a database that another program has made."""
    return DatabaseError(
        f"the database is another program's: {', '.join(tables[:5])}{' …' if tables[5:] else ''}",
        "nothing was changed; take a database of nicamon's own: see the setting `database`",
    )


def check_not_foreign(connection: sa.Connection) -> None:
    """Raise DatabaseError where there are tables, and none that nicamon makes first."""
    tables = sorted(sa.inspect(connection).get_table_names())
    if tables and not OURS & set(tables):
        raise foreign(*tables)
