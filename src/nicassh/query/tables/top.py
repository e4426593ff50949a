"""The processes that used the most at a moment of the last two days."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from nicassh.inventory import natural
from nicassh.model.units import Time, counted, draw_moment, draw_seconds
from nicassh.query.fields import USERS
from nicassh.query.registry import Parameter, TableSpec
from nicassh.query.snapshot import Snapshot
from nicassh.query.table import Field, Row, Table, computed
from nicassh.query.tables.procs import FIELDS, process_severities
from nicassh.store.retention import FIRST_ROWS_KEPT as KEPT
from nicassh.store.rows import FIRST

ORDERS = {"cpu": "cpu_percent", "memory": "memory_percent"}
"""By what processes can be ordered, and the column of each."""


def top(snapshot: Snapshot, by: str, moment: datetime, users: Collection[str] = ()) -> Table:
    """Return the processes of each node that used the most, as its last collection up to `moment` saw them.

    With `users`, those of them that are theirs: of a node only the first ones are kept.

    A collection that was stale at that moment does not count. Raises DatabaseError.
    """
    field = ORDERS[by]
    found = snapshot.store.top("processes", snapshot.names, moment - timedelta(seconds=snapshot.stale_after), moment)
    nodes: dict[str, list[Row]] = {}
    for process in sorted(found, key=lambda process: -process[field]):
        nodes.setdefault(process["node"], []).append(Row(dict(process), severities=process_severities(process)))
    rows = [row for name in sorted(nodes, key=natural) for row in nodes[name][:FIRST]]
    rows = [row for row in rows if not users or row.values["user"] in users]
    rows.sort(key=lambda row: -row.values[field])
    return Table("top", TOP, tuple(rows), {"moment": moment})


def summarize(table: Table) -> str:
    """Return `31 processes on 12 nodes at 2026-11-22 03:12:00 UTC`."""
    rows, moment = table.rows, table.facts["moment"]
    nodes = counted(len({row.values["node"] for row in rows}), "node")
    if not rows:
        return f"no data for {draw_moment(moment)}; processes are kept for {draw_seconds(KEPT)}"
    return f"{counted(len(rows), 'process')} on {nodes} at {draw_moment(moment)}"


_SEEN = Field(computed("at", datetime, Time, "When the collection saw it."), 30)
TOP = (*FIELDS, _SEEN)
TABLE = TableSpec(
    "top",
    "The processes that used the most at one moment of the last two days.",
    TOP,
    lambda request: top(request.snapshot, request["by"], request["at"], request["user"]),
    summarize,
    (
        Parameter("by", str, "What they used the most of.", "cpu", choices=tuple(ORDERS)),
        Parameter("at", datetime, "The moment: 03:12, 2h, 2026-11-20T03:12.", "0s"),
        USERS,
    ),
)
