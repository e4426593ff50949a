"""The farm: one row a node, made of its newest records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nicassh.inventory import Node, fold
from nicassh.model.outcome import LOGIN, State
from nicassh.model.records import Column, columns
from nicassh.model.units import UNKNOWN, Bytes, Count, Number, Seconds, Text, Time, counted
from nicassh.probes.filesystems import MEMORY
from nicassh.query.scene import Scene
from nicassh.query.silence import is_stale
from nicassh.query.table import Field, Row, View, declared
from nicassh.query.versions import newest_first
from nicassh.store import Row as Stored
from nicassh.store import Store

_TROUBLE = {"up": 0, "stale": 1, "down": 2, "unknown": 1}


@dataclass
class _Known:
    """What the store knows of one node: the newest rows of each record, outcomes by probe, processes of each person."""

    records: dict[str, list[Stored]] = field(default_factory=dict)
    outcomes: dict[str, Stored] = field(default_factory=dict)
    people: list[tuple[str, int]] = field(default_factory=list)

    def one(self, name: str) -> dict[str, Any]:
        """The node's only row of a record; empty where there is none."""
        rows = self.records.get(name)
        return dict(rows[0]) if rows else {}


def farm(scene: Scene) -> View:
    """All nodes in the order given."""
    known = _gather(scene)
    rows = tuple(_row(node, known[node.name], scene) for node in scene.nodes)
    return View("farm", FARM, rows, _summary)


def _gather(scene: Scene) -> dict[str, _Known]:
    known = {name: _Known(outcomes=scene.outcomes[name]) for name in scene.names}
    for record in ("system", "load", "memory", "disks", "software", "processes_visibility"):
        for node, rows in scene.grouped(record, **({"package": ["FairSoft"]} if record == "software" else {})).items():
            known[node].records[record] = rows
    # Not the processes themselves: a large farm has hundreds of thousands.
    if "processes" in scene.store.records:
        for row in scene.store.tally("processes", scene.names, "user", ordinary=(True,)):
            known[row["node"]].people.append((row["user"], row["number"]))
    return known


def _row(node: Node, known: _Known, scene: Scene) -> Row:
    system, load, memory = known.one("system"), known.one("load"), known.one("memory")
    disks = known.records.get("disks", [])
    updated = max((rows[0]["at"] for rows in known.records.values()), default=None)
    age = scene.since(updated) if updated else None
    state, reason, since = _state(known, scene)
    lasting = [disk for disk in disks if disk["mount"] == "/" or disk["type"] not in MEMORY]
    free = [disk["free"] for disk in lasting if disk["free"] is not None]
    values = {
        "node": node.name, "address": node.address or None, "role": node.role or None,
        "state": state, "reason": reason or None, "since": since,
        "fairsoft": _fairsoft(known.records.get("software", [])),
        "os": system.get("os"), "kernel": system.get("kernel"), "cpu": system.get("cpu"), "ncpu": system.get("cpus"),
        "nproc": load.get("processes"), "memory_available": memory.get("available"),
        "load1": load.get("load1"), "load5": load.get("load5"), "load15": load.get("load15"),
        "activity": _activity(known), "disk_free": sum(free) if free else None,
        "updated": updated, "age": age,
    }  # fmt: skip
    old = {name for name in _old(known, scene, state) if values[name] is not None}
    return Row(values, old, _trouble(scene.store, known, values))


def _state(known: _Known, scene: Scene) -> tuple[str, str, datetime | None]:
    """`up`, `stale`, `down` or `unknown`, with the reason and since when."""
    login = known.outcomes.get(LOGIN)
    if login is None:
        return "unknown", "never asked", None
    if login["state"] != State.OK:
        if is_stale(scene, login):
            return "stale", f"not asked since it was down: {_words(login)}", login["at"]
        return "down", _words(login), login["since"]
    age = scene.age(login)
    if age is None:
        return "stale", "asked while the clock was ahead", None
    if age > scene.stale:
        return "stale", "not asked since", login["at"]
    bad = [f"{row['probe']} {_words(row)}" for row in known.outcomes.values() if not State(row["state"]).is_ok]
    seen = known.one("processes_visibility")
    if seen.get("hidden"):
        bad.append(f"processes: {seen['visible']} of {seen['total']} threads visible (hidepid)")
    return "up", "; ".join(bad), login["since"]


def _words(outcome: Stored) -> str:
    state = outcome["state"].replace("_", " ")
    return f"{state}: {outcome['reason']}" if outcome["reason"] else state


_FIELDS = {
    "system": ("os", "kernel", "cpu", "ncpu"), "load": ("nproc", "load1", "load5", "load15"),
    "memory": ("memory_available",), "disks": ("disk_free",), "processes_visibility": ("activity",),
    "software": ("fairsoft",),
}  # fmt: skip


def _old(known: _Known, scene: Scene, state: str) -> set[str]:
    """The fields that are no news: of a node that is not up, a probe that failed, or a record of long ago."""
    old: set[str] = set()
    for record, fields in _FIELDS.items():
        if state != "up" or any(scene.is_old(record, row) for row in known.records.get(record, [])[:1]):
            old |= set(fields)
    return old


def _trouble(store: Store, known: _Known, values: dict[str, Any]) -> dict[str, int]:
    """Trouble of each field by the thresholds that its record declares."""
    memory = known.one("memory").get("available_percent")
    shares = [disk["free_percent"] for disk in known.records.get("disks", [])]
    cpus, load = values["ncpu"], values["load1"]
    state = max(_TROUBLE[values["state"]], 1 if values["reason"] else 0)
    return {
        "state": state,
        "memory_available": _column(store, "memory", "available_percent").trouble(memory),
        "disk_free": max((_column(store, "disks", "free_percent").trouble(share) for share in shares), default=0),
        "load1": PER_CPU.trouble(load / cpus if load is not None and cpus else None),
    }


def _column(store: Store, record: str, name: str) -> Column:
    return next(column for column in columns(store.records[record].record) if column.name == name)


def _activity(known: _Known) -> list[dict[str, Any]] | None:
    """Ordinary users with the number of their processes, the busiest first; None where no listing ever came."""
    if known.one("processes_visibility").get("hidden", True):
        return None
    busiest = sorted(known.people, key=lambda item: (-item[1], item[0]))
    return [{"user": user, "processes": number} for user, number in busiest]


def _fairsoft(software: Iterable[Stored]) -> str | None:
    """The newest FairSoft release of the node."""
    versions = newest_first(row["version"] for row in software if row["version"])
    return versions[0] if versions else None


def _summary(rows: Sequence[Row]) -> str:
    """`14 nodes: 12 up, 2 down (nc[3,7].jinr.ru: refused: nothing listens on port 22)`."""
    counts = Counter(row.values["state"] for row in rows)
    parts = [
        f"{counts[state]} {state}{_reasons(rows, state) if state == 'down' else ''}"
        for state in ("up", "stale", "down", "unknown")
        if counts[state]
    ]
    return f"{counted(len(rows), 'node')}: {', '.join(parts)}" if rows else "no nodes"


def _reasons(rows: Sequence[Row], state: str) -> str:
    by_reason: dict[str, list[str]] = {}
    for row in rows:
        if row.values["state"] == state:
            by_reason.setdefault(row.values["reason"], []).append(row.values["node"])
    return f" ({'; '.join(f'{fold(names)}: {reason}' for reason, names in by_reason.items())})"


def _draw_load(row: Row) -> str:
    loads = [row.values[name] for name in ("load1", "load5", "load15")]
    return UNKNOWN if loads[0] is None else " ".join(f"{load:.2f}" for load in loads)


def _draw_activity(row: Row) -> str:
    people = row.values["activity"]
    if people is None:
        return UNKNOWN
    return " ".join(f"{person['user']}({person['processes']})" for person in people)


def _draw_status(row: Row) -> str:
    reason = row.values["reason"]
    return f"{row.values['state']}: {reason}" if reason else str(row.values["state"])


PER_CPU = declared(
    "load_per_cpu", float, Number, "Load average over 1 minute per processor.", "load/cpu", high=(1.5, 3.0)
)
_MACHINE = (
    Field(declared("node", str, Text, "Name of the node.", "machine"), 100),
    Field(declared("address", str, Text, "Address that is connected to."), 10),
    Field(declared("role", str, Text, "Role in the inventory: interactive, batch, storage, …"), 50),
    Field(declared("state", str, Text, "up, stale, down or unknown.", "status"), 99, _draw_status, flexible=True),
    Field(declared("reason", str, Text, "Why the node is down, or what failed on it."), 0, flexible=True),
    Field(declared("since", datetime, Time, "Since when it has been in this state."), 0),
)
_SYSTEM = (
    Field(declared("fairsoft", str, Text, "Newest FairSoft release.", "FairSoft"), 40),
    Field(declared("os", str, Text, "Operating system.", "OS"), 25, flexible=True),
    Field(declared("kernel", str, Text, "Release of the kernel."), 15, flexible=True),
    Field(declared("cpu", str, Text, "Model of the processors.", "CPU"), 12, flexible=True),
    Field(declared("ncpu", int, Count, "Logical processors.", "CPUs"), 60),
)
_BUSY = (
    Field(declared("nproc", int, Count, "Number of processes.", "procs"), 55),
    Field(declared("memory_available", int, Bytes, "Memory that a new program can have.", "free mem"), 80),
    Field(declared("load1", float, Number, "Load average over 1 minute.", "load 1/5/15"), 90, _draw_load),
    Field(declared("load5", float, Number, "Load average over 5 minutes."), 0),
    Field(declared("load15", float, Number, "Load average over 15 minutes."), 0),
    Field(
        declared("activity", list, Text, "Ordinary users and the number of their processes."),
        70,
        _draw_activity,
        True,
    ),
    Field(
        declared("disk_free", int, Bytes, "Space that users can have on all local file systems.", "free disk"),
        65,
    ),
)
_WHEN = (
    Field(declared("updated", datetime, Time, "When the newest value was collected."), 0),
    Field(declared("age", float, Seconds, "How old the newest value is.", "updated"), 64),
)
FARM = (*_MACHINE, *_SYSTEM, *_BUSY, *_WHEN)
