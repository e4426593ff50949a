"""What each table of the database holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from nicassh import store
from nicassh.model.units import Bytes, Count, Text, Time, counted, draw_bytes
from nicassh.query.table import Field, Row, View, declared
from nicassh.store import Store


def sizes(source: Store) -> View:
    """One row for each table, by name. Raises DatabaseError."""
    rows = tuple(Row(asdict(size)) for size in store.sizes(source.engine, source.metadata))
    return View("sizes", SIZES, rows, _summary)


def _summary(rows: Sequence[Row]) -> str:
    """`31 tables: 120344 rows, 61 M`."""
    numbers = [row.values["bytes"] for row in rows if row.values["bytes"] is not None]
    known = f", {draw_bytes(sum(numbers))}" if numbers else ""
    return f"{counted(len(rows), 'table')}: {counted(sum(row.values['rows'] for row in rows), 'row')}{known}"


SIZES = (
    Field(declared("table", str, Text, "The table."), 100),
    Field(declared("rows", int, Count, "Its rows."), 95),
    Field(declared("bytes", int, Bytes, "Bytes on the disk, indexes included; of MariaDB an estimate."), 90),
    Field(declared("oldest", datetime, Time, "The first time in it."), 80),
    Field(declared("newest", datetime, Time, "The last time in it."), 80),
)
