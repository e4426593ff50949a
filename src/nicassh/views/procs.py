"""Processes of users on all nodes: asked for now, or as the last collection saw them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from nicassh.nodes import Node, natural
from nicassh.probe import Outcome
from nicassh.record import plain
from nicassh.store import Store
from nicassh.units import Count, Percent, Seconds, Text, Time, counted, draw_seconds
from nicassh.views.table import Field, Row, View, declared


@dataclass(frozen=True)
class Wanted:
    """Which processes: of these users (all ordinary ones where empty), in these states, and so on."""

    users: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    match: re.Pattern[str] | None = None
    min_cpu: float = 0.0
    min_memory: float = 0.0

    def __call__(self, process: dict[str, Any]) -> bool:
        return (
            (process["user"] in self.users if self.users else process["ordinary"])
            and (not self.states or process["state"] in self.states)
            and (self.match is None or self.match.search(process["command"]) is not None)
            and process["cpu_percent"] >= self.min_cpu
            and process["memory_percent"] >= self.min_memory
        )


def live(outcomes: Iterable[Outcome], wanted: Wanted, failed: Sequence[str] = ()) -> View:
    """The processes in outcomes that have just arrived; `failed` is said below them."""
    found = [{"node": outcome.node, **plain(record)} for outcome in outcomes for record in outcome.records]
    return _view([process for process in found if wanted(process)], "".join(f"; {line}" for line in failed))


def cached(store: Store, nodes: Sequence[Node], wanted: Wanted) -> View:
    """The processes that the last collection stored."""
    where: dict[str, tuple[object, ...]] = {"user": wanted.users} if wanted.users else {"ordinary": (True,)}
    rows = store.newest("processes", [node.name for node in nodes], **where)
    oldest = min((row["at"] for row in rows), default=None)
    seen = f", seen {draw_seconds((datetime.now(UTC) - oldest).total_seconds())} ago" if oldest else ""
    return _view([dict(row) for row in rows if wanted(dict(row))], seen)


def _view(processes: list[dict[str, Any]], seen: str = "") -> View:
    """The busiest first on each node; `seen` ends the line below them."""
    processes.sort(key=lambda process: (natural(process["node"]), -process["cpu_percent"], process["pid"]))
    rows = tuple(
        Row({field.name: process[field.name] for field in _FIELDS}, trouble=_trouble(process)) for process in processes
    )

    def summary(shown: Sequence[Row]) -> str:
        nodes = len({row.values["node"] for row in shown})
        found = f"{counted(len(shown), 'process')} on {counted(nodes, 'node')}" if shown else "no such process"
        return found + seen

    return View("procs", _FIELDS, rows, summary)


def _trouble(process: dict[str, Any]) -> dict[str, int]:
    return {"state": {"D": 2, "Z": 1, "T": 1}.get(process["state"], 0)}


_FIELDS = (
    Field(declared("node", str, Text, "Name of the node."), 100),
    Field(declared("pid", int, Count, "Process id."), 98),
    Field(declared("user", str, Text, "Owner."), 97),
    Field(declared("command", str, Text, "Command line."), 99, flexible=True),
    Field(declared("memory_percent", float, Percent, "Resident memory in percent of the node's.", "mem %"), 80),
    Field(declared("cpu_percent", float, Percent, "CPU in percent of one processor.", "cpu %"), 90),
    Field(declared("state", str, Text, "D, R, S, T, Z or I."), 85),
    Field(declared("time", float, Seconds, "CPU time used so far."), 75),
    Field(declared("started", datetime, Time, "When it was started."), 40),
)
