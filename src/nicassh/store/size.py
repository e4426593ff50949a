"""Sizes: how much each table of a database holds, and from when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nicassh.database import Moment, dialect_of, translate_errors


@dataclass(frozen=True)
class Size:
    """What one table holds: rows, bytes on the disk (None: the database does not tell), first and last time."""

    table: str
    rows: int
    bytes: int | None
    oldest: datetime | None
    newest: datetime | None


def sizes(engine: sa.Engine, metadata: sa.MetaData) -> list[Size]:
    """Return the tables there are, by name; times where `metadata` describes them. Raises DatabaseError."""
    with translate_errors(engine), engine.connect() as connection:
        names = sorted(sa.inspect(connection).get_table_names())
        stored = dialect_of(engine).sizes(connection)
        return [Size(name, *_counted(connection, metadata, name, stored.get(name))) for name in names]


def _counted(
    connection: sa.Connection, metadata: sa.MetaData, name: str, stored: int | None
) -> tuple[int, int | None, datetime | None, datetime | None]:
    """Return rows, bytes, first and last time of a table."""
    table = metadata.tables.get(name)
    # What `retention_horizon` has as `since` is a number: no row is of that time.
    columns = {} if table is None else {column.name: column for column in table.c if isinstance(column.type, Moment)}
    times = [columns[name] for name in ("at", "since") if name in columns]
    count: list[Any] = [sa.func.count(), *(kind(time) for time in times[:1] for kind in (sa.func.min, sa.func.max))]
    source = table if table is not None else sa.table(name)
    rows, *limits = connection.execute(sa.select(*count).select_from(source)).one()
    oldest, newest = limits or (None, None)
    return rows, stored, oldest, newest
