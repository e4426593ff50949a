"""The users: what each has running on the nodes and waiting in the batch systems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from nicassh.inventory import fold, natural
from nicassh.model.units import UNKNOWN, Bytes, Count, Percent, Text, counted
from nicassh.query.batch import HAS_SLOTS, Batch
from nicassh.query.scene import Scene
from nicassh.query.table import Field, Row, View, declared


@dataclass
class _Use:
    """What one user has: processes by node and kind, CPU per cent, bytes, jobs by state, packages; and what is old."""

    nodes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    cpu: float = 0.0
    memory: float | None = 0.0
    jobs: Counter[str] = field(default_factory=Counter)
    software: Counter[str] = field(default_factory=Counter)
    old: set[str] = field(default_factory=set)


def users(scene: Scene) -> View:
    """One row for each ordinary user, the one with the most CPU first."""
    batch = Batch(scene)
    found: dict[str, _Use] = {}
    _add_processes(scene, found)
    for job in batch.jobs:
        kind = "running" if job["state"] in HAS_SLOTS else "waiting"
        use = found.setdefault(job["user"], _Use())
        use.jobs[kind] += job["tasks"]
        use.old |= {f"jobs_{kind}"} if batch.is_down(job) else set()
    if scene.everyone and len(scene.nodes) < len(scene.everyone):
        found = {user: use for user, use in found.items() if use.nodes}
    rows = [_row(user, use, bool(batch.schedulers)) for user, use in found.items()]
    rows.sort(key=lambda row: (-row.values["cpu_percent"], natural(row.values["user"])))
    notes = [*_hidden(scene), *(batch.notes if scene.clusters else [])]
    return View("users", USERS, tuple(rows), lambda shown: _summary(shown, notes))


def _add_processes(scene: Scene, found: dict[str, _Use]) -> None:
    if "processes" not in scene.store.records:
        return
    totals = {row["node"]: row["total"] for row in scene.rows("memory")}
    by, of = ["user", "kind", "software"], ["cpu_percent", "memory_percent"]
    for row in scene.store.sums("processes", scene.names, by, of, ordinary=(True,)):
        use = found.setdefault(row["user"], _Use())
        use.nodes[row["node"]] += row["number"]
        use.kinds[row["kind"]] += row["number"]
        use.cpu += row["cpu_percent"]
        total = totals.get(row["node"])
        use.memory = None if use.memory is None or total is None else use.memory + row["memory_percent"] / 100 * total
        if row["software"]:
            use.software[row["software"]] += row["number"]


def _row(user: str, use: _Use, batched: bool) -> Row:
    return Row({
        "user": user, "nodes": sorted(use.nodes, key=natural), "processes": sum(use.nodes.values()),
        "cpu_percent": round(use.cpu, 1), "memory": None if use.memory is None else int(use.memory),
        "jobs_running": use.jobs["running"] if batched else None,
        "jobs_waiting": use.jobs["waiting"] if batched else None,
        "batch": use.kinds["batch"], "interactive": use.kinds["interactive"], "background": use.kinds["background"],
        "software": [name for name, _ in use.software.most_common()],
    }, use.old)  # fmt: skip


def _hidden(scene: Scene) -> list[str]:
    """The nodes whose processes are hidden from us."""
    nodes = [row["node"] for row in scene.rows("processes_visibility") if row["hidden"]]
    return [f"without {fold(nodes)}, which hides processes (hidepid)"] if nodes else []


def _summary(rows: Sequence[Row], notes: Sequence[str]) -> str:
    processes, interactive = (sum(row.values[name] for row in rows) for name in ("processes", "interactive"))
    found = f"{counted(len(rows), 'user')}: {counted(processes, 'process')}, {interactive} of them interactive"
    return "; ".join([found if rows else "no users", *notes])


def _draw_nodes(row: Row) -> str:
    return fold(row.values["nodes"]) or UNKNOWN


def _draw_software(row: Row) -> str:
    return ", ".join(row.values["software"])


USERS = (
    Field(declared("user", str, Text, "Name of the account."), 100),
    Field(declared("nodes", list, Text, "Nodes on which the user has processes."), 70, _draw_nodes, True),
    Field(declared("processes", int, Count, "Processes on these nodes.", "procs"), 80),
    Field(declared("cpu_percent", float, Percent, "CPU of all of them, in percent of one processor.", "cpu %"), 95),
    Field(declared("memory", int, Bytes, "Resident memory of all of them; shared pages count in each."), 90),
    Field(declared("jobs_running", int, Count, "Batch jobs that run.", "jobs"), 85),
    Field(declared("jobs_waiting", int, Count, "Batch jobs that wait, tasks of arrays counted.", "waiting"), 84),
    Field(declared("batch", int, Count, "Processes of batch jobs."), 50),
    Field(declared("interactive", int, Count, "Processes that a login holds."), 82),
    Field(declared("background", int, Count, "Processes that nothing holds."), 45),
    Field(declared("software", list, Text, "The experiment's packages in use."), 75, _draw_software, True),
)
