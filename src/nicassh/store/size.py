"""Sizes: how much each table of a database holds, and from when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nicassh.database import Moment, Timescale, explained

_BYTES = {
    "sqlite": "SELECT tbl_name, SUM(pgsize) FROM dbstat JOIN sqlite_master USING (name)"
    " WHERE aggregate = TRUE GROUP BY tbl_name",
    "postgresql": "SELECT relname, pg_total_relation_size(oid) FROM pg_class"
    " WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace",
    # An estimate; the one of MySQL 8 may be a day old.
    "mysql": "SELECT table_name, data_length + index_length FROM information_schema.tables"
    " WHERE table_schema = database() AND table_type = 'BASE TABLE'",
}


@dataclass(frozen=True)
class Size:
    """What one table holds: rows, bytes on the disk (None: the database does not tell), first and last time."""

    table: str
    rows: int
    bytes: int | None
    oldest: datetime | None
    newest: datetime | None


def sizes(engine: sa.Engine, metadata: sa.MetaData) -> list[Size]:
    """The tables there are, by name; times where `metadata` describes them. Raises DatabaseError."""
    with explained(engine), engine.connect() as connection:
        names = sorted(sa.inspect(connection).get_table_names())
        stored = _bytes(connection)
        return [Size(name, *_counted(connection, metadata, name, stored.get(name))) for name in names]


def _bytes(connection: sa.Connection) -> dict[str, int]:
    kind = connection.dialect.name.replace("mariadb", "mysql")
    if kind == "sqlite" and not connection.scalar(sa.text("SELECT sqlite_compileoption_used('ENABLE_DBSTAT_VTAB')")):
        return {}
    found = {name: int(number) for name, number in connection.exec_driver_sql(_BYTES[kind])}
    timescale = Timescale.of(connection)
    return found | timescale.sizes(connection) if timescale else found


def _counted(
    connection: sa.Connection, metadata: sa.MetaData, name: str, stored: int | None
) -> tuple[int, int | None, datetime | None, datetime | None]:
    """Rows, bytes, first and last time of a table."""
    table = metadata.tables.get(name)
    # What `retention_horizon` has as `since` is a number: no row is of that time.
    columns = {} if table is None else {column.name: column for column in table.c if isinstance(column.type, Moment)}
    times = [columns[name] for name in ("at", "since") if name in columns]
    count: list[Any] = [sa.func.count(), *(kind(time) for time in times[:1] for kind in (sa.func.min, sa.func.max))]
    source = table if table is not None else sa.table(name)
    rows, *limits = connection.execute(sa.select(*count).select_from(source)).one()
    oldest, newest = limits or (None, None)
    return rows, stored, oldest, newest
