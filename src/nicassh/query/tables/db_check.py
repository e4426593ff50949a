"""Whether every row of the database can be read, and is of a node that is known."""

from __future__ import annotations

from collections.abc import Sequence

from nicassh.database.checking import Checked, check
from nicassh.inventory import fold
from nicassh.model.severity import Severity
from nicassh.model.units import Count, Text, counted
from nicassh.query.registry import Nodes, Request, TableSpec
from nicassh.query.table import Field, Row, Table, computed


def checks(found: Sequence[Checked]) -> Table:
    """Return one row for each table of the database, by name."""
    rows = tuple(
        Row(
            {
                "table": one.table, "rows": one.rows, "state": "damaged" if one.fault else "ok",
                "fault": one.fault or None, "unlisted": list(one.unlisted),
            },
            severities={
                "state": Severity.CRITICAL if one.fault else Severity.OK,
                "unlisted": Severity(bool(one.unlisted)),
            },
        )
        for one in found
    )  # fmt: skip
    return Table("db-check", CHECKS, rows)


def summarize(table: Table) -> str:
    """Return `31 tables, 120344 rows: all well`."""
    rows = table.rows
    bad = sum(row.values["state"] != "ok" for row in rows)
    unlisted = {node for row in rows for node in row.values["unlisted"]}
    total = counted(sum(row.values["rows"] or 0 for row in rows), "row")
    told = f"; not in the inventory: {fold(sorted(unlisted))}" if unlisted else ""
    return f"{counted(len(rows), 'table')}, {total}: {f'{bad} damaged' if bad else 'all well'}{told}"


def _draw_unlisted(row: Row) -> str:
    return fold(row.values["unlisted"]) if row.values["unlisted"] else "–"


CHECKS = (
    Field(computed("table", str, Text, "The table; (file): SQLite's file as a whole."), 100),
    Field(computed("rows", int, Count, "Its rows; null where they cannot be read."), 95),
    Field(computed("state", str, Text, "ok or damaged.", choices=("ok", "damaged")), 99),
    Field(computed("fault", str, Text, "What is wrong."), 98, wraps=True),
    Field(
        computed("unlisted", list, Text, "Nodes that have rows and are not in the inventory."),
        80, _draw_unlisted, truncatable=True,
    ),
)  # fmt: skip


def _build(request: Request) -> Table:
    known = [node.name for node in request.sources.select()]
    return checks(check(request.sources.reader.engine, known))


TABLE = TableSpec(
    "db-check",
    "Whether all rows of the database can be read, and are of nodes that are known.",
    CHECKS,
    _build,
    summarize,
    nodes=Nodes.NONE,
    command="db check",
)
