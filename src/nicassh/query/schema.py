"""Whether the tables of the database are as the program wants them."""

from __future__ import annotations

from collections.abc import Sequence

from nicassh.database import Timescale, differences, explained, schema
from nicassh.model.units import Count, Text, counted
from nicassh.query.table import Field, Row, View, declared
from nicassh.store import Store
from nicassh.tasks.model import METADATA


def versions(store: Store) -> View:
    """One row: the version of the fixed tables, the one wanted, and TimescaleDB's. Raises DatabaseError."""
    with explained(store.engine), store.engine.connect() as connection:
        found = schema.version(connection)
        timescale = Timescale.of(connection)
        growing = timescale.growing(connection, store.metadata) if timescale else []
    state = schema.judged(found)
    plain = sum(not one.hyper for one in growing)
    values = {
        "schema": found or None, "wanted": schema.WANTED, "state": state,
        "timescaledb": timescale and timescale.version, "plain": plain if timescale else None,
    }  # fmt: skip
    return View("schema", VERSIONS, (Row(values, trouble={"state": _TROUBLE[state], "plain": int(plain > 0)}),))


def different(store: Store) -> View:
    """One row for each table, column or key that differs. Raises DatabaseError."""
    with explained(store.engine), store.engine.connect() as connection:
        found = [one for metadata in (store.metadata, METADATA) for one in differences(connection, metadata)]
    rows = tuple(
        Row(
            {
                "table": one.table, "column": one.column or None, "found": one.found or None,
                "wanted": one.wanted or None, "mended": "by itself" if one.adds else "by hand",
            },
            trouble={"mended": 0 if one.adds else 2},
        )
        for one in found
    )  # fmt: skip
    return View("different", DIFFERENT, rows, _summary)


def _summary(rows: Sequence[Row]) -> str:
    by_hand = sum(row.values["mended"] == "by hand" for row in rows)
    told = f", {by_hand} of them to be mended by hand: `nicamon db upgrade` prints the SQL" if by_hand else ""
    return f"{counted(len(rows), 'difference')}{told}"


_TROUBLE = {"current": 0, "none": 0, "older": 1, "newer": 2, "unknown": 2}
VERSIONS = (
    Field(declared("schema", str, Text, "Version of the fixed tables; null in an empty database."), 100),
    Field(declared("wanted", str, Text, "The version that this nicamon works with."), 95),
    Field(
        declared(
            "state",
            str,
            Text,
            "current, older, newer, unknown (none that nicamon has made), or none in an empty database.",
        ),
        90,
    ),
    Field(declared("timescaledb", str, Text, "The version of TimescaleDB in this database; null: there is none."), 85),
    Field(declared("plain", int, Count, "Series that are not hypertables yet: `nicamon db upgrade` moves them."), 80),
)
DIFFERENT = (
    Field(declared("table", str, Text, "The table."), 100),
    Field(declared("column", str, Text, "The column, or (key); null: the whole table."), 95),
    Field(declared("found", str, Text, "What is there; null: nothing."), 90),
    Field(declared("wanted", str, Text, "What should be there; null: nothing."), 90),
    Field(declared("mended", str, Text, "by itself: the next collection adds it; by hand: SQL is to be reviewed."), 85),
)
