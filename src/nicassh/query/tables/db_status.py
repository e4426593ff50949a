"""Whether the tables of the database are as the program needs them."""

from __future__ import annotations

from collections.abc import Sequence

from nicassh.database import dialect_of, differences, schema, translate_errors
from nicassh.model.severity import Severity
from nicassh.model.units import Count, Text, counted
from nicassh.query.registry import Nodes, TableSpec
from nicassh.query.table import Field, Row, Table, computed
from nicassh.store import Store
from nicassh.tasks.model import METADATA


def status(store: Store) -> Table:
    """Return one row: the version of the fixed tables, the one needed, and that of TimescaleDB. Raises DatabaseError.

    The table `different` belongs to it.
    """
    with translate_errors(store.engine), store.engine.connect() as connection:
        found = schema.version(connection)
        timescale = dialect_of(connection).timescale(connection)
        growing = timescale.growing(connection, store.metadata) if timescale else []
    state = schema.judged(found)
    plain = sum(not one.hyper for one in growing)
    values = {
        "schema": found or None, "wanted": schema.CURRENT, "state": state,
        "timescaledb": timescale and timescale.version, "plain": plain if timescale else None,
    }  # fmt: skip
    row = Row(values, severities={"state": _STATES[state], "plain": Severity(plain > 0)})
    return Table("db-status", VERSIONS, (row,), further=(differing(store),))


def differing(store: Store) -> Table:
    """Return one row for each table, column or key that differs from what the program needs. Raises DatabaseError."""
    with translate_errors(store.engine), store.engine.connect() as connection:
        if schema.judged(schema.version(connection)) == "older":
            return Table("different", DIFFERENT, (), summary="`nicamon db upgrade` brings the tables up to date")
        found = [one for metadata in (store.metadata, METADATA) for one in differences(connection, metadata)]
    rows = tuple(
        Row(
            {
                "table": one.table, "column": one.column or None, "found": one.found or None,
                "wanted": one.wanted or None, "mended": "by itself" if one.is_additive else "by hand",
            },
            severities={"mended": Severity.OK if one.is_additive else Severity.CRITICAL},
        )
        for one in found
    )  # fmt: skip
    return Table("different", DIFFERENT, rows, summary=_summary(rows))


def _summary(rows: Sequence[Row]) -> str:
    by_hand = sum(row.values["mended"] == "by hand" for row in rows)
    told = f", {by_hand} of them to be mended by hand: `nicamon db upgrade` prints the SQL" if by_hand else ""
    return f"{counted(len(rows), 'difference')}{told}"


_STATES = {
    "current": Severity.OK, "none": Severity.OK, "older": Severity.WARNING, "newer": Severity.CRITICAL,
    "unknown": Severity.CRITICAL,
}  # fmt: skip
VERSIONS = (
    Field(computed("schema", str, Text, "Version of the fixed tables; null in an empty database."), 100),
    Field(computed("wanted", str, Text, "The version that this nicamon works with."), 95),
    Field(
        computed(
            "state",
            str,
            Text,
            "current, older, newer, unknown (none that nicamon has made), or none in an empty database.",
        ),
        90,
    ),
    Field(
        computed("timescaledb", str, Text, "The version of TimescaleDB in this database; null: there is none."),
        85,
    ),
    Field(
        computed("plain", int, Count, "Series that are not hypertables yet: `nicamon db upgrade` moves them."),
        80,
    ),
)
DIFFERENT = (
    Field(computed("table", str, Text, "The table."), 100),
    Field(computed("column", str, Text, "The column, or (key); null: the whole table."), 95),
    Field(computed("found", str, Text, "What is there; null: nothing."), 90),
    Field(computed("wanted", str, Text, "What should be there; null: nothing."), 90),
    Field(
        computed("mended", str, Text, "by itself: the next collection adds it; by hand: SQL is to be reviewed."),
        85,
    ),
)
TABLE = TableSpec(
    "db-status",
    "Whether the tables of the database are as this nicamon and its probes need them.",
    VERSIONS,
    lambda request: status(request.sources.database),
    nodes=Nodes.NONE,
    command="db status",
)
