"""What a check of the database has found."""

from __future__ import annotations

from collections.abc import Sequence

from nicassh.database.checking import Checked
from nicassh.inventory import fold
from nicassh.model.units import Count, Text, counted
from nicassh.query.table import Field, Row, View, declared


def checks(found: Sequence[Checked]) -> View:
    """One row for each table, by name."""
    rows = tuple(
        Row(
            {
                "table": one.table, "rows": one.rows, "state": "damaged" if one.fault else "ok",
                "fault": one.fault or None, "strangers": list(one.strangers),
            },
            trouble={"state": 2 * bool(one.fault), "strangers": int(bool(one.strangers))},
        )
        for one in found
    )  # fmt: skip
    return View("checks", CHECKS, rows, _summary)


def _summary(rows: Sequence[Row]) -> str:
    bad = sum(row.values["state"] != "ok" for row in rows)
    strangers = {node for row in rows for node in row.values["strangers"]}
    total = counted(sum(row.values["rows"] or 0 for row in rows), "row")
    told = f"; not in the inventory: {fold(sorted(strangers))}" if strangers else ""
    return f"{counted(len(rows), 'table')}, {total}: {f'{bad} damaged' if bad else 'all well'}{told}"


def _draw_strangers(row: Row) -> str:
    return fold(row.values["strangers"]) if row.values["strangers"] else "–"


CHECKS = (
    Field(declared("table", str, Text, "The table; (file): SQLite's file as a whole."), 100),
    Field(declared("rows", int, Count, "Its rows; null where they cannot be read."), 95),
    Field(declared("state", str, Text, "ok or damaged."), 99),
    Field(declared("fault", str, Text, "What is wrong."), 98, flexible=True),
    Field(
        declared("strangers", str, Text, "Nodes that have rows and are not in the inventory.", "not in the inventory"),
        80, _draw_strangers, flexible=True,
    ),
)  # fmt: skip
