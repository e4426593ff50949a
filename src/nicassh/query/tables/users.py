"""The users: what each has running on the nodes and waiting in the batch systems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from nicassh.inventory import fold, natural
from nicassh.model.units import UNKNOWN, Bytes, Count, Percent, Text, counted
from nicassh.query.batch import HAS_SLOTS, BatchSystems
from nicassh.query.fields import USERS as NAMES
from nicassh.query.registry import TableSpec
from nicassh.query.snapshot import Snapshot
from nicassh.query.table import Field, Row, Table, computed


@dataclass
class _Use:
    """What one user has: processes by node and kind, CPU per cent, bytes, jobs by state, packages; and stale fields."""

    nodes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    cpu: float = 0.0
    memory: int = 0
    jobs: Counter[str] = field(default_factory=Counter)
    software: Counter[str] = field(default_factory=Counter)
    stale: set[str] = field(default_factory=set)


def users(snapshot: Snapshot, names: Collection[str] = ()) -> Table:
    """Return one row for each ordinary user, or for some, the one with the most CPU first."""
    batch = BatchSystems(snapshot)
    found: dict[str, _Use] = {}
    _add_processes(snapshot, found)
    for job in batch.jobs:
        kind = "running" if job["state"] in HAS_SLOTS else "waiting"
        use = found.setdefault(job["user"], _Use())
        use.jobs[kind] += job["tasks"]
        use.stale |= {f"jobs_{kind}"} if batch.is_down(job) else set()
    if snapshot.is_partial:
        found = {user: use for user, use in found.items() if use.nodes}
    chosen = {user: use for user, use in found.items() if not names or user in names}
    rows = [_row(user, use, bool(batch.schedulers)) for user, use in chosen.items()]
    rows.sort(key=lambda row: (-row.values["cpu_percent"], natural(row.values["user"])))
    notes = (*_hidden(snapshot), *(batch.notes if snapshot.clusters else []))
    return Table("users", USERS, tuple(rows), notes=notes)


def _add_processes(snapshot: Snapshot, found: dict[str, _Use]) -> None:
    for row in snapshot.rows("processes_user"):
        use = found.setdefault(row["user"], _Use())
        use.nodes[row["node"]] += row["processes"]
        use.kinds[row["kind"]] += row["processes"]
        use.cpu += row["cpu_percent"]
        use.memory += row["memory"]
        for package in filter(None, (row["software"] or "").split(", ")):
            use.software[package] += row["processes"]


def _row(user: str, use: _Use, batched: bool) -> Row:
    return Row({
        "user": user, "nodes": sorted(use.nodes, key=natural), "processes": sum(use.nodes.values()),
        "cpu_percent": round(use.cpu, 1), "memory": use.memory,
        "jobs_running": use.jobs["running"] if batched else None,
        "jobs_waiting": use.jobs["waiting"] if batched else None,
        "batch": use.kinds["batch"], "interactive": use.kinds["interactive"], "background": use.kinds["background"],
        "software": [name for name, _ in use.software.most_common()],
    }, use.stale)  # fmt: skip


def _hidden(snapshot: Snapshot) -> list[str]:
    """Return a note about the nodes whose processes are hidden from us."""
    nodes = [row["node"] for row in snapshot.rows("processes_visibility") if row["hidden"]]
    return [f"without {fold(nodes)}, which hides processes (hidepid)"] if nodes else []


def summarize(table: Table) -> str:
    """Return `12 users: 380 processes, 41 of them interactive`."""
    rows = table.rows
    processes, interactive = (sum(row.values[name] for row in rows) for name in ("processes", "interactive"))
    found = f"{counted(len(rows), 'user')}: {counted(processes, 'process')}, {interactive} of them interactive"
    return found if rows else "no users"


def _draw_nodes(row: Row) -> str:
    return fold(row.values["nodes"]) or UNKNOWN


def _draw_software(row: Row) -> str:
    return ", ".join(row.values["software"])


USERS = (
    Field(computed("user", str, Text, "Name of the account."), 100),
    Field(computed("nodes", list, Text, "Nodes on which the user has processes."), 70, _draw_nodes, True),
    Field(computed("processes", int, Count, "Processes on these nodes."), 80),
    Field(computed("cpu_percent", float, Percent, "CPU of all of them, in percent of one processor."), 95),
    Field(computed("memory", int, Bytes, "Resident memory of all of them; shared pages count in each."), 90),
    Field(computed("jobs_running", int, Count, "Batch jobs that run."), 85),
    Field(computed("jobs_waiting", int, Count, "Batch jobs that wait, tasks of arrays counted."), 84),
    Field(computed("batch", int, Count, "Processes of batch jobs."), 50),
    Field(computed("interactive", int, Count, "Processes that a login holds."), 82),
    Field(computed("background", int, Count, "Processes that no login and no job holds."), 45),
    Field(computed("software", list, Text, "The experiment's packages in use."), 75, _draw_software, True),
)
TABLE = TableSpec(
    "users",
    "The users: processes, CPU, memory, batch jobs, logins, software in use.",
    USERS,
    lambda request: users(request.snapshot, request["user"]),
    summarize,
    (NAMES,),
)
