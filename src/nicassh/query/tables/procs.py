"""Processes of users on all nodes: asked for now, or as the last collection saw them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nicassh.inventory import fold, natural
from nicassh.model.outcome import Outcome
from nicassh.model.records import as_dict
from nicassh.model.severity import Severity
from nicassh.model.units import UNKNOWN, Bytes, Count, Percent, Seconds, Text, Time, counted, draw_seconds
from nicassh.probes.loader import Probe
from nicassh.query.fields import SYSTEMS, USERS
from nicassh.query.pattern import Pattern
from nicassh.query.registry import Parameter, Request, TableSpec
from nicassh.query.snapshot import Snapshot
from nicassh.query.table import Field, Row, Table, computed
from nicassh.query.thresholds import PROCESS_STATES
from nicassh.store import Row as Stored

STATES = ("D", "R", "S", "T", "Z", "I", "X")
KINDS = ("batch", "interactive", "background", "system")
"""By what a process may be held: a batch job, a login, neither; or it is none of a person's."""


@dataclass(frozen=True)
class ProcessFilter:
    """Which processes: of these users (empty: all ordinary ones), in these states, of these kinds, and so on."""

    users: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    match: Pattern | None = None
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
            and process["cpu_percent"] >= self.min_cpu
            and process["memory_percent"] >= self.min_memory
            and (self.match is None or self.match.is_in(process["command"]))
        )


def process_filter(
    *,
    user: Sequence[str],
    state: Sequence[str],
    match: str | None,
    min_cpu: float,
    min_memory: float,
    kind: Sequence[str],
    job: str,
) -> ProcessFilter:
    """Return the filter that the parameters of the table describe. Raises UsageError."""
    pattern = Pattern(match) if match else None
    return ProcessFilter(tuple(user), tuple(state), pattern, min_cpu, min_memory, tuple(kind), job)


def live(outcomes: Iterable[Outcome], probe: Probe, wanted: ProcessFilter, failed: Sequence[str] = ()) -> Table:
    """Return the processes of outcomes that have just arrived; `failed` become notes."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in probe.records}
    tables = {record: name for name, record in probe.records.items()}
    for outcome in outcomes:
        for record in outcome.records:
            found[tables[type(record)]].append({"node": outcome.node, **as_dict(record)})
    processes = [process for process in found["processes"] if wanted(process)]
    return _table(processes, [*_hidden(found["processes_visibility"]), *failed])


def cached(snapshot: Snapshot, wanted: ProcessFilter) -> Table:
    """Return the processes that the last collection stored."""
    where: dict[str, tuple[object, ...]] = {"user": wanted.users} if wanted.users else {"ordinary": (True,)}
    if wanted.kinds:
        where["kind"] = wanted.kinds
    rows = snapshot.rows("processes", **where)
    seen = [_seen(snapshot.age(min(rows, key=lambda row: row["at"])))] if rows else []
    return _table([dict(row) for row in rows if wanted(row)], seen + _hidden(snapshot.rows("processes_visibility")))


def _seen(age: float | None) -> str:
    return "seen while the clock was ahead" if age is None else f"seen {draw_seconds(age)} ago"


def _hidden(found: Iterable[Stored]) -> list[str]:
    """Return notes about nodes that show only some processes: `12 of 431 threads visible on nc8 (hidepid)`."""
    parts: dict[tuple[int, int | None], list[str]] = {}
    for row in found:
        if row["hidden"]:
            parts.setdefault((row["visible"], row["total"]), []).append(row["node"])
    return [
        f"{visible} of {total} threads visible on {fold(nodes)} (hidepid)" for (visible, total), nodes in parts.items()
    ]


def _table(processes: list[dict[str, Any]], notes: Sequence[str] = ()) -> Table:
    """Return the processes of all nodes, the busiest first."""
    processes.sort(key=lambda process: (-process["cpu_percent"], natural(process["node"]), process["pid"]))
    rows = tuple(
        Row({field.name: process[field.name] for field in FIELDS}, severities=process_severities(process))
        for process in processes
    )
    return Table("procs", FIELDS, rows, notes=tuple(notes))


def summarize(table: Table) -> str:
    """Return `31 processes on 12 nodes`."""
    nodes = len({row.values["node"] for row in table.rows})
    found = f"{counted(len(table.rows), 'process')} on {counted(nodes, 'node')}"
    return found if table.rows else "no matching processes"


def process_severities(process: Stored) -> dict[str, Severity]:
    """Return how bad the state of a process is."""
    severity = PROCESS_STATES.get(process["state"])
    return {"state": severity} if severity else {}


def _draw_job(row: Row) -> str:
    """Return the job with its batch system, or the login that the process belongs to."""
    if row.values["batch"]:
        return f"{row.values['batch']} {row.values['job'] or '?'}"
    return str(row.values["login"] or row.values["kind"] or UNKNOWN)


FIELDS = (
    Field(computed("node", str, Text, "Name of the node."), 100),
    Field(computed("pid", int, Count, "Process id."), 98),
    Field(computed("user", str, Text, "Owner."), 97),
    Field(computed("command", str, Text, "Command line."), 99, truncatable=True),
    Field(computed("memory_percent", float, Percent, "Resident memory in percent of the node's."), 55),
    Field(computed("memory", int, Bytes, "Resident memory; shared pages count in each process."), 88),
    Field(computed("cpu_percent", float, Percent, "CPU in percent of one processor."), 90),
    Field(computed("state", str, Text, "D, R, S, T, Z or I.", choices=STATES), 85),
    Field(computed("time", float, Seconds, "CPU time used so far."), 75),
    Field(computed("started", datetime, Time, "When it was started."), 40),
    Field(
        computed("job", str, Text, "The batch job that it belongs to; else what a person holds it by."),
        83,
        _draw_job,
    ),
    Field(computed("batch", str, Text, "The batch system of the job: sge, slurm or condor.", choices=SYSTEMS), 0),
    Field(computed("kind", str, Text, "batch, interactive, background or system.", choices=KINDS), 0),
    Field(computed("login", str, Text, "What a person holds it by: pts/3, tmux pts/3, sshd."), 0),
    Field(computed("software", str, Text, "The experiment's package that it runs."), 0),
)
PARAMETERS = (
    USERS,
    Parameter("state", str, "Only in these states.", (), many=True, choices=STATES),
    Parameter("match", str, "Only command lines in which this regular expression is found.", "", metavar="REGEX"),
    Parameter("min_cpu", float, "Only with at least this much CPU, in percent of one processor.", 0.0, least=0),
    Parameter("min_memory", float, "Only with at least this much memory, in percent of the node's.", 0.0, least=0),
    Parameter("kind", str, "Only of these kinds.", (), many=True, choices=KINDS),
    Parameter("job", str, "Only of this batch job: 3791, or 3791.7 for one task.", "", metavar="ID"),
)


def _build(request: Request) -> Table:
    return cached(request.snapshot, process_filter(**request.parameters))


TABLE = TableSpec(
    "procs",
    "The processes of users as the last collection saw them.",
    FIELDS,
    _build,
    summarize,
    PARAMETERS,
    command="procs --cached",
)
