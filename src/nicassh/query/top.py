"""Who ran what at a moment of the last two days: the processes that used the most then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from nicassh.inventory import natural
from nicassh.model.units import Time, counted, draw_seconds, draw_time
from nicassh.query.procs import FIELDS, troubled
from nicassh.query.scene import Scene
from nicassh.query.table import Field, Row, View, declared
from nicassh.store.top import FIRST, KEPT

TOPS = {"cpu": "cpu_percent", "memory": "memory_percent"}
"""What processes can be the first in, and the column that says so."""


def top(scene: Scene, by: str, moment: datetime) -> View:
    """The first processes of each node as its last collection up to then saw them, the largest of all nodes first.

    A collection that is older than `stale` by then does not count. Raises DatabaseError.
    """
    field = TOPS[by]
    found = scene.store.top("processes", scene.names, moment - timedelta(seconds=scene.stale), moment)
    nodes: dict[str, list[Row]] = {}
    for process in sorted(found, key=lambda process: -process[field]):
        nodes.setdefault(process["node"], []).append(Row(dict(process), trouble=troubled(process)))
    rows = [row for name in sorted(nodes, key=natural) for row in nodes[name][:FIRST]]
    rows.sort(key=lambda row: -row.values[field])
    return View("top", (*FIELDS, _SEEN), tuple(rows), lambda shown: _summary(shown, moment))


def _summary(rows: Sequence[Row], moment: datetime) -> str:
    """`31 processes on 12 nodes at 2026-11-22 03:12:00`."""
    nodes = counted(len({row.values["node"] for row in rows}), "node")
    if not rows:
        return f"no process is known at {draw_time(moment)} UTC; they are kept for {draw_seconds(KEPT)}"
    return f"{counted(len(rows), 'process')} on {nodes} at {draw_time(moment)} UTC"


_SEEN = Field(declared("at", datetime, Time, "When the collection saw it.", "seen"), 30)
