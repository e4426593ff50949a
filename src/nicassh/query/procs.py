"""Processes of users on all nodes: asked for now, or as the last collection saw them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nicassh.inventory import Node, fold, natural
from nicassh.model.outcome import Outcome
from nicassh.model.records import as_dict
from nicassh.model.units import UNKNOWN, Count, Percent, Seconds, Text, Time, counted, draw_seconds
from nicassh.probes.loader import Probe
from nicassh.query.scene import Scene
from nicassh.query.table import Field, Row, View, declared
from nicassh.store import Row as Stored
from nicassh.store import Store


@dataclass(frozen=True)
class Wanted:
    """Which processes: of these users (all ordinary ones where empty), in these states, of these kinds, and so on."""

    users: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    match: re.Pattern[str] | None = None
    min_cpu: float = 0.0
    min_memory: float = 0.0
    kinds: tuple[str, ...] = ()
    job: str = ""

    def __call__(self, process: Stored) -> bool:
        return (
            (process["user"] in self.users if self.users else process["ordinary"])
            and (not self.states or process["state"] in self.states)
            and (not self.kinds or process["kind"] in self.kinds)
            and (not self.job or self.job in (process["job"], str(process["job"]).partition(".")[0]))
            and (self.match is None or self.match.search(process["command"]) is not None)
            and process["cpu_percent"] >= self.min_cpu
            and process["memory_percent"] >= self.min_memory
        )


def live(outcomes: Iterable[Outcome], probe: Probe, wanted: Wanted, failed: Sequence[str] = ()) -> View:
    """The processes in outcomes that have just arrived; `failed` is said below them."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in probe.records}
    tables = {record: name for name, record in probe.records.items()}
    for outcome in outcomes:
        for record in outcome.records:
            found[tables[type(record)]].append({"node": outcome.node, **as_dict(record)})
    processes = [process for process in found["processes"] if wanted(process)]
    return _view(processes, [*_hidden(found["processes_visibility"]), *failed])


def cached(store: Store, nodes: Sequence[Node], wanted: Wanted) -> View:
    """The processes that the last collection stored."""
    names = [node.name for node in nodes]
    where: dict[str, tuple[object, ...]] = {"user": wanted.users} if wanted.users else {"ordinary": (True,)}
    if wanted.kinds:
        where["kind"] = wanted.kinds
    rows = store.newest("processes", names, **where)
    seen = [_seen(Scene(store, nodes, 0.0).age(min(rows, key=lambda row: row["at"])))] if rows else []
    return _view(
        [dict(row) for row in rows if wanted(row)], seen + _hidden(store.newest("processes_visibility", names))
    )


def _seen(age: float | None) -> str:
    return "seen while the clock was ahead" if age is None else f"seen {draw_seconds(age)} ago"


def _hidden(found: Iterable[Stored]) -> list[str]:
    """In words which nodes show only a part of their processes: `12 of 431 threads visible on nc8 (hidepid)`."""
    parts: dict[tuple[int, int | None], list[str]] = {}
    for row in found:
        if row["hidden"]:
            parts.setdefault((row["visible"], row["total"]), []).append(row["node"])
    return [
        f"{visible} of {total} threads visible on {fold(nodes)} (hidepid)" for (visible, total), nodes in parts.items()
    ]


def _view(processes: list[dict[str, Any]], notes: Sequence[str] = ()) -> View:
    """The busiest first on each node; `notes` end the line below them."""
    processes.sort(key=lambda process: (natural(process["node"]), -process["cpu_percent"], process["pid"]))
    rows = tuple(
        Row({field.name: process[field.name] for field in FIELDS}, trouble=troubled(process)) for process in processes
    )

    def summary(shown: Sequence[Row]) -> str:
        nodes = len({row.values["node"] for row in shown})
        found = f"{counted(len(shown), 'process')} on {counted(nodes, 'node')}" if shown else "no such process"
        return "; ".join([found, *notes])

    return View("procs", FIELDS, rows, summary)


def troubled(process: Stored) -> dict[str, int]:
    """The trouble of a process: what state it is in."""
    return {"state": {"D": 2, "Z": 1, "T": 1}.get(process["state"], 0)}


def _draw_job(row: Row) -> str:
    """The job with its batch system, or the login that holds the process."""
    if row.values["batch"]:
        return f"{row.values['batch']} {row.values['job'] or '?'}"
    return str(row.values["login"] or row.values["kind"] or UNKNOWN)


FIELDS = (
    Field(declared("node", str, Text, "Name of the node."), 100),
    Field(declared("pid", int, Count, "Process id."), 98),
    Field(declared("user", str, Text, "Owner."), 97),
    Field(declared("command", str, Text, "Command line."), 99, flexible=True),
    Field(declared("memory_percent", float, Percent, "Resident memory in percent of the node's.", "mem %"), 80),
    Field(declared("cpu_percent", float, Percent, "CPU in percent of one processor.", "cpu %"), 90),
    Field(declared("state", str, Text, "D, R, S, T, Z or I."), 85),
    Field(declared("time", float, Seconds, "CPU time used so far."), 75),
    Field(declared("started", datetime, Time, "When it was started."), 40),
    Field(
        declared("job", str, Text, "The batch job that it belongs to; else what a person holds it by.", "job or login"),
        83,
        _draw_job,
    ),
    Field(declared("batch", str, Text, "The batch system of the job: sge, slurm or condor."), 0),
    Field(declared("kind", str, Text, "batch, interactive, background or system."), 0),
    Field(declared("login", str, Text, "What a person holds it by: pts/3, tmux pts/3, sshd."), 0),
    Field(declared("software", str, Text, "The experiment's package that it runs."), 0),
)
