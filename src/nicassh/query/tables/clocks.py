"""The clock of each monitoring host beside that of the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from nicassh.model.severity import Severity
from nicassh.model.units import Seconds, Text, Time, counted, from_epoch
from nicassh.query.registry import Nodes, TableSpec
from nicassh.query.table import Field, Row, Table, computed
from nicassh.store import Row as Stored
from nicassh.store.clocks import DOUBTFUL, MARGIN


def clocks(rows: Sequence[Stored]) -> Table:
    """Return one row for each monitoring host."""
    return Table("clocks", CLOCKS, tuple(map(_row, rows)))


def _row(row: Stored) -> Row:
    values = {
        "host": row["host"], "ahead": round(row["ahead"], 1), "doubt": row["doubt"], "seen": from_epoch(row["seen"]),
    }  # fmt: skip
    severities = {
        "ahead": Severity.CRITICAL if abs(row["ahead"]) >= MARGIN else Severity.OK,
        "doubt": Severity.CRITICAL if row["doubt"] >= DOUBTFUL else Severity.OK,
    }
    return Row(values, severities=severities)


def summarize(table: Table) -> str:
    """Return `2 clocks`."""
    return counted(len(table.rows), "clock")


CLOCKS = (
    Field(computed("host", str, Text, "The monitoring host."), 100),
    Field(computed("ahead", float, Seconds, "How far its clock is ahead of the database's; below 0: behind."), 95),
    Field(computed("doubt", float, Seconds, "By how much it may be ahead of the truth since it was set."), 90),
    Field(computed("seen", datetime, Time, "When it was looked at."), 60),
)
TABLE = TableSpec(
    "clocks",
    "The clock of each monitoring host beside that of the database.",
    CLOCKS,
    lambda request: clocks(request.sources.database.clock_rows()),
    summarize,
    nodes=Nodes.NONE,
)
