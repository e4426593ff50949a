"""Missing tables made, and missing columns; by one program at a time."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn, SetColumnComment

from nicassh.database import schema, views
from nicassh.database.comparison import Difference, differences, review
from nicassh.database.dialects import BUSY, dialect_of
from nicassh.database.engine import writing
from nicassh.database.record_tables import views_of
from nicassh.model.errors import DatabaseError


def create(
    engine: sa.Engine, metadata: sa.MetaData, allow_changes: bool = False, patience: float = BUSY
) -> list[Difference]:
    """Make the tables that are missing, and the columns: a probe's new field, unknown in the rows there are.

    The views of a TableSet are made too. `allow_changes` makes them anew, allows migrations that do more than add, and
    has TimescaleDB take over tables that have rows already. Of several programs that do so at the same moment one goes
    first, and the others wait for it, `patience` seconds at the most. Returns what it added. Raises DatabaseError, with
    the SQL to review, where a table needs more than that.
    """
    dialect = dialect_of(engine)
    with writing(engine).begin() as connection, dialect.exclusive(connection, patience):
        published = views_of(metadata)
        changed = schema.version(connection) != schema.CURRENT
        if allow_changes and changed:  # a migration may change what they are made of
            views.drop(connection, published)
        _migrate(connection, allow_changes)
        found = differences(connection, metadata)
        missing = [metadata.tables[one.table] for one in found if one.is_additive and not one.column]
        metadata.create_all(connection, tables=missing, checkfirst=False)
        for one in found:
            if one.is_additive and one.column:
                _add(connection, metadata.tables[one.table].c[one.column])
        if timescale := dialect.timescale(connection):
            timescale.convert(connection, metadata, allow_changes)
        serious = [one for one in found if not one.is_additive]
        if not serious:
            _make_views(connection, published, allow_changes, changed)
        hypertables = timescale.hypertables(connection) if timescale and serious else ()
        statements = list(review(serious, metadata, connection.dialect, hypertables))
    if serious:
        raise _refusal(serious, statements)
    return found


def _make_views(connection: sa.Connection, published: Mapping[str, Any], anew: bool, changed: bool) -> None:
    """Make the views that are missing; all of them `anew`, or as far as this account may after a migration."""
    if anew:
        views.drop(connection, published)
    elif changed:
        views.drop_allowed(connection, published)
    views.make(connection, published)


def _refusal(serious: Sequence[Difference], statements: Sequence[str]) -> DatabaseError:
    """Return the error for tables that need more than an addition, with the SQL to review."""
    what = "; ".join(str(one) for one in serious[:3]) + (f"; and {len(serious) - 3} more" if serious[3:] else "")
    return DatabaseError(
        f"the tables are not as this nicamon and its probes want them: {what}",
        "\n".join(["save the database (`nicamon db backup FILE`), review this SQL, then run it:", *statements]),
    )


def _add(connection: sa.Connection, column: sa.Column[Any]) -> None:
    table = connection.dialect.identifier_preparer.format_table(column.table)
    declared = CreateColumn(column).compile(dialect=connection.dialect)
    connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {declared}")
    if connection.dialect.supports_comments and not connection.dialect.inline_comments:
        connection.execute(SetColumnComment(column))


def _migrate(connection: sa.Connection, allow_changes: bool = False) -> None:
    """Give the database the fixed tables of this program: by itself where that only adds, else `allow_changes`.

    Raises DatabaseError where a newer program was there, or where somebody must look on.
    """
    found = schema.version(connection)
    schema.check_not_newer(found)
    if not found:
        schema.check_not_foreign(connection)
    allow_changes = allow_changes or not schema.exists(connection)  # an empty database has nothing to lose
    if found != schema.CURRENT:
        # It tells of its parts while it is loaded, and of each step, at the level of our batches.
        logging.getLogger("alembic").setLevel(logging.WARNING)
        # Alembic takes long to load, and is needed once in a database's life.
        from nicassh.database.upgrade import upgrade  # noqa: PLC0415

        upgrade(connection, found, allow_changes)
