"""How much each table of the database holds, and from when."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from nicassh.model.units import Bytes, Count, Text, Time, counted, draw_bytes
from nicassh.query.registry import Nodes, TableSpec
from nicassh.query.table import Field, Row, Table, computed
from nicassh.store import Store
from nicassh.store import sizes as table_sizes


def sizes(source: Store) -> Table:
    """Return one row for each table of the database, by name. Raises DatabaseError."""
    rows = tuple(Row(asdict(size)) for size in table_sizes(source.engine, source.metadata))
    return Table("db-stats", SIZES, rows)


def summarize(table: Table) -> str:
    """Return `31 tables: 120344 rows, 61 M`."""
    rows = table.rows
    numbers = [row.values["bytes"] for row in rows if row.values["bytes"] is not None]
    known = f", {draw_bytes(sum(numbers))}" if numbers else ""
    return f"{counted(len(rows), 'table')}: {counted(sum(row.values['rows'] for row in rows), 'row')}{known}"


SIZES = (
    Field(computed("table", str, Text, "The table."), 100),
    Field(computed("rows", int, Count, "Its rows."), 95),
    Field(computed("bytes", int, Bytes, "Bytes on the disk, indexes included; of MariaDB an estimate."), 90),
    Field(computed("oldest", datetime, Time, "The first time in it."), 80),
    Field(computed("newest", datetime, Time, "The last time in it."), 80),
)
TABLE = TableSpec(
    "db-stats",
    "How much each table of the database holds, and from when.",
    SIZES,
    lambda request: sizes(request.sources.reader),
    summarize,
    nodes=Nodes.NONE,
    command="db stats",
)
