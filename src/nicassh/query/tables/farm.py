"""The farm: one row a node, made of its newest records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from nicassh.inventory import Node, fold
from nicassh.model.outcome import State
from nicassh.model.severity import Severity, worst
from nicassh.model.units import UNKNOWN, Bytes, Count, Number, Seconds, Text, Time, counted, draw_seconds
from nicassh.probes.filesystems import MEMORY
from nicassh.query.registry import TableSpec
from nicassh.query.releases import newest_first
from nicassh.query.snapshot import Snapshot, in_words
from nicassh.query.table import Field, Row, Table, computed
from nicassh.query.thresholds import LOAD_PER_CPU
from nicassh.store import Row as Stored

_STATES = {
    "up": Severity.OK, "stale": Severity.UNKNOWN, "down": Severity.CRITICAL, "unknown": Severity.UNKNOWN,
}  # fmt: skip
_OF_RECORD = {
    "system": ("os", "kernel", "cpu", "ncpu"), "load": ("nproc", "load1", "load5", "load15"),
    "memory": ("memory_available",), "disks": ("disk_free",), "processes_visibility": ("activity",),
    "software": ("fairsoft",),
}  # fmt: skip
"""The fields that come from each record."""


def farm(snapshot: Snapshot) -> Table:
    """Return all nodes of a snapshot in their order."""
    releases = snapshot.by_node("software", package=["FairSoft"])
    people = _people(snapshot)
    rows = tuple(
        _row(snapshot, node, releases.get(node.name, []), people.get(node.name, [])) for node in snapshot.nodes
    )
    return Table("farm", FARM, rows)


def _people(snapshot: Snapshot) -> dict[str, list[dict[str, Any]]]:
    """Return the ordinary users of each node with the number of their processes, the busiest first."""
    if not snapshot.has("processes_user"):
        return {}
    found = {}
    for node, sums in snapshot.store.pairs("processes_user", snapshot.names, "user", "processes").items():
        busiest = sorted(sorted(sums), key=sums.__getitem__, reverse=True)  # of equal ones by name
        found[node] = [{"user": user, "processes": sums[user]} for user in busiest]
    return found


def _row(snapshot: Snapshot, node: Node, releases: Sequence[Stored], people: list[dict[str, Any]]) -> Row:
    name = node.name
    visible = not snapshot.one("processes_visibility", name).get("hidden", True)
    system, load, memory = (snapshot.one(record, name) for record in ("system", "load", "memory"))
    disks = snapshot.by_node("disks").get(name, [])
    known = {record: rows[0] for record in _OF_RECORD if (rows := _of(snapshot, record, name, releases))}
    updated = max((row["at"] for row in known.values()), default=None)
    state, reason, since = _state(snapshot, name)
    local = [disk for disk in disks if disk["mount"] == "/" or disk["type"] not in MEMORY]
    free = [disk["free"] for disk in local if disk["free"] is not None]
    values = {
        "node": name, "address": node.address or None, "role": node.role or None,
        "state": state, "reason": reason or None, "since": since, "fairsoft": _newest(releases),
        "os": system.get("os"), "kernel": system.get("kernel"), "cpu": system.get("cpu"), "ncpu": system.get("cpus"),
        "nproc": load.get("processes"), "memory_available": memory.get("available"),
        "load1": load.get("load1"), "load5": load.get("load5"), "load15": load.get("load15"),
        "activity": people if visible else None,
        "disk_free": sum(free) if free else None,
        "updated": updated, "age": snapshot.seconds_since(updated) if updated else None,
    }  # fmt: skip
    stale = {
        field
        for record, row in known.items()
        if state != "up" or snapshot.is_stale(record, row)
        for field in _OF_RECORD[record]
        if values[field] is not None
    }
    return Row(values, stale, _severities(snapshot, values, memory, disks))


def _of(snapshot: Snapshot, record: str, node: str, releases: Sequence[Stored]) -> Sequence[Stored]:
    """Return the rows of a record on a node; of the software those of FairSoft alone."""
    return releases if record == "software" else snapshot.by_node(record).get(node, [])


def _state(snapshot: Snapshot, node: str) -> tuple[str, str, datetime | None]:
    """Return `up`, `stale`, `down` or `unknown`, with the reason and since when."""
    login = snapshot.login(node)
    if login is None:
        return "unknown", "never asked", None
    if login["state"] != State.OK:
        if snapshot.login_is_stale(login):
            return "stale", f"not asked since it was down: {in_words(login)}", login["at"]
        return "down", in_words(login), login["since"]
    age = snapshot.age(login)
    if age is None:
        return "stale", "asked while the clock was ahead", None
    if age > snapshot.stale_after:
        return "stale", f"not asked for {draw_seconds(age)}", login["at"]
    failed = [row for row in snapshot.failures[node].values() if not State(row["state"]).is_ok]
    reasons = [f"{row['probe']} {in_words(row)}" for row in failed]
    visibility = snapshot.one("processes_visibility", node)
    if visibility.get("hidden"):
        reasons.append(f"processes: {visibility['visible']} of {visibility['total']} threads visible (hidepid)")
    return "up", "; ".join(reasons), login["since"]


def _severities(
    snapshot: Snapshot, values: dict[str, Any], memory: Stored, disks: Sequence[Stored]
) -> dict[str, Severity]:
    """Return how bad the fields are by the thresholds that the records declare."""
    cpus, load = values["ncpu"], values["load1"]
    state = _STATES[values["state"]]
    found = {
        "state": Severity.WARNING if state is Severity.OK and values["reason"] else state,
        "load1": LOAD_PER_CPU.severity(load / cpus if load is not None and cpus else None),
    }
    if memory:
        found["memory_available"] = snapshot.column("memory", "available_percent").severity(memory["available_percent"])
    if disks:
        share = snapshot.column("disks", "free_percent")
        found["disk_free"] = worst(share.severity(disk["free_percent"]) for disk in disks)
    return found


def _newest(releases: Iterable[Stored]) -> str | None:
    """Return the newest FairSoft release of a node."""
    versions = newest_first(row["version"] for row in releases if row["version"])
    return versions[0] if versions else None


def summarize(table: Table) -> str:
    """Return `14 nodes: 12 up, 2 down (nc[3,7].jinr.ru: refused: nothing listens on port 22)`."""
    counts = Counter(row.values["state"] for row in table.rows)
    parts = [
        f"{counts[state]} {state}{_reasons(table.rows, state) if state == 'down' else ''}"
        for state in _STATES
        if counts[state]
    ]
    return f"{counted(len(table.rows), 'node')}: {', '.join(parts)}" if table.rows else "no nodes"


def _reasons(rows: Sequence[Row], state: str) -> str:
    by_reason: dict[str, list[str]] = {}
    for row in rows:
        if row.values["state"] == state:
            by_reason.setdefault(row.values["reason"], []).append(row.values["node"])
    return f" ({'; '.join(f'{fold(names)}: {reason}' for reason, names in by_reason.items())})"


def _draw_activity(row: Row) -> str:
    people = row.values["activity"]
    if people is None:
        return UNKNOWN
    return " ".join(f"{person['user']}({person['processes']})" for person in people)


def _draw_reason(row: Row) -> str:
    return row.values["reason"] or ""


_MACHINE = (
    Field(computed("node", str, Text, "Name of the node."), 100),
    Field(computed("address", str, Text, "Address that is connected to."), 10),
    Field(computed("role", str, Text, "Role in the inventory: interactive, batch, storage, …"), 50),
    Field(computed("state", str, Text, "up, stale, down or unknown.", choices=_STATES), 99),
    Field(computed("since", datetime, Time, "Since when it has been in this state."), 0),
)
_SYSTEM = (
    Field(computed("fairsoft", str, Text, "Newest FairSoft release."), 40),
    Field(computed("os", str, Text, "Operating system."), 25, truncatable=True),
    Field(computed("kernel", str, Text, "Release of the kernel."), 15, truncatable=True),
    Field(computed("cpu", str, Text, "Model of the processors."), 12, truncatable=True),
    Field(computed("ncpu", int, Count, "Logical processors."), 60),
)
_BUSY = (
    Field(computed("nproc", int, Count, "Number of processes."), 55),
    Field(computed("memory_available", int, Bytes, "Memory that a new program can have."), 80),
    Field(computed("load1", float, Number, "Load average over 1 minute."), 90),
    Field(computed("load5", float, Number, "Load average over 5 minutes."), 46),
    Field(computed("load15", float, Number, "Load average over 15 minutes."), 45),
    Field(
        computed("activity", list, Text, "Ordinary users and the number of their processes."),
        70,
        _draw_activity,
        True,
    ),
    Field(
        computed("disk_free", int, Bytes, "Space that users can have on all local file systems."),
        65,
    ),
)
_REASON = Field(
    computed("reason", str, Text, "Why the node is down, or what failed on it."), 98, _draw_reason, wraps=True
)
_WHEN = (
    Field(computed("updated", datetime, Time, "When the newest value was collected."), 0),
    Field(computed("age", float, Seconds, "How old the newest value is."), 64),
)
FARM = (*_MACHINE, *_SYSTEM, *_BUSY, *_WHEN, _REASON)
TABLE = TableSpec(
    "farm",
    "The farm, one line a node: machine, load, memory, disk, activity, state.",
    FARM,
    lambda request: farm(request.snapshot),
    summarize,
)
