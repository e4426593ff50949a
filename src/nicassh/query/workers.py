"""The workers: the batch nodes with their slots and jobs, and the load against what the jobs should make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from nicassh.model.outcome import LOGIN
from nicassh.model.units import UNKNOWN, Count, Number, Text, Time, counted, draw_time
from nicassh.query.batch import Batch
from nicassh.query.farm import FARM, PER_CPU, farm
from nicassh.query.scene import Scene
from nicassh.query.table import Field, Row, View, declared
from nicassh.store import Row as Stored

_GRACE = 600.0
"""Seconds after the start of a job in which the load average may lag behind."""
_TROUBLE = {"down": 2, "unknown": 1, "drained": 1}


def workers(scene: Scene) -> View:
    """The nodes of role batch and those that a batch system has, flagged where the load is not what it should be."""
    batch = Batch(scene)
    hosts: dict[str, list[Stored]] = {}
    for host in batch.hosts:
        hosts.setdefault(scene.known_as(host["host"]), []).append(host)
    chosen = [node for node in scene.nodes if node.role == "batch" or node.name in hosts]
    view = farm(replace(scene, nodes=chosen, everyone=scene.everyone or scene.nodes))
    strangers = [] if _narrowed(scene) else [name for name in hosts if name not in set(scene.names)]
    rows = [*view.rows, *(_stranger(name) for name in strangers)]
    for row in rows:
        name = row.values["node"]
        _add(row, hosts.get(name, []), batch.placed.get(name, []), batch)
    return View("workers", WORKERS, tuple(rows), lambda shown: _summary(shown, batch.notes if scene.clusters else []))


def _narrowed(scene: Scene) -> bool:
    return bool(scene.everyone) and len(scene.nodes) < len(scene.everyone)


def _stranger(name: str) -> Row:
    """A batch node that the inventory does not have: all that is known of it is what the batch system says."""
    values: dict[str, Any] = {field.name: None for field in FARM}
    return Row(values | {"node": name, "state": "unknown", "reason": "not in the inventory"}, trouble={"state": 1})


def _add(row: Row, hosts: Sequence[Stored], jobs: Sequence[Stored], batch: Batch) -> None:
    """Adds to a row of the farm what the batch systems know of the node."""
    load, cpus = row.values["load1"], row.values["ncpu"]
    worst = max(hosts, key=lambda host: _TROUBLE.get(host["state"], 0), default=None)
    slots = _total(hosts, "slots")
    used = _total(hosts, "used")
    deviation = round(load - used, 2) if load is not None and used is not None and worst is not None else None
    row.values |= {
        "batch": worst["state"] if worst else None,
        "batch_words": worst["words"] if worst else None,
        "batch_reason": (worst["reason"] if worst else None) or None,
        "by": worst["by"] if worst else None,
        "batch_since": (worst["marked"] or worst["since"]) if worst else None,
        "slots": slots, "used": used, "jobs": len(jobs) if hosts else None,
        "load_per_cpu": round(load / cpus, 3) if load is not None and cpus else None,
        "deviation": deviation,
    }  # fmt: skip
    young = any(job["started"] and (batch.scene.now - job["started"]).total_seconds() < _GRACE for job in jobs)
    if asleep := batch.asleep(hosts, batch.scene.outcomes.get(row.values["node"], {}).get(LOGIN)):
        row.values |= {"state": "asleep", "reason": f"to save power ({asleep})"}
        row.trouble["state"] = 0
    row.trouble |= {
        "load_per_cpu": PER_CPU.trouble(row.values["load_per_cpu"]),
        "batch": _TROUBLE.get(worst["state"], 0) if worst else 0,
        "deviation": 0 if young or "load1" in row.old else _departure(deviation, cpus or slots),
    }
    if "load1" in row.old:
        row.old |= {"load_per_cpu", "deviation"}
    if worst is not None and batch.is_down(worst):
        row.old |= {"batch", "slots", "used", "jobs", "deviation"}


def _total(hosts: Sequence[Stored], name: str) -> int | None:
    numbers = [host[name] for host in hosts if host[name] is not None]
    return sum(numbers) if numbers else None


def _departure(deviation: float | None, cpus: int | None) -> int:
    """1 or 2 for a load that is far from one process a slot, in either direction: a runaway, or jobs that only wait."""
    if deviation is None:
        return 0
    size = abs(deviation)
    return int(size > max(1.5, 0.2 * (cpus or 1))) + int(size > max(3.0, 0.5 * (cpus or 1)))


def _summary(rows: Sequence[Row], notes: Sequence[str]) -> str:
    """`6 workers: 9 of 24 slots used, 1 drained, 1 down; 2 with a load that is not that of their jobs`."""
    slots, used = (sum(row.values[name] or 0 for row in rows) for name in ("slots", "used"))
    parts = [f"{used} of {counted(slots, 'slot')} used"] if slots else []
    for state in ("drained", "down", "unknown"):
        number = sum(row.values["batch"] == state for row in rows)
        parts += [f"{number} {state}"] if number else []
    odd = sum(bool(row.trouble.get("deviation")) for row in rows)
    parts += [f"{odd} with a load that is not that of their jobs"] if odd else []
    found = f"{counted(len(rows), 'worker')}{': ' if parts else ''}{', '.join(parts)}" if rows else "no workers"
    return "; ".join([found, *notes])


def _draw_batch(row: Row) -> str:
    """State, reason and who wrote it: `drained: disk (root)`."""
    state, reason, by = (row.values[name] for name in ("batch", "batch_reason", "by"))
    if state is None:
        return UNKNOWN
    return f"{state}{f': {reason}' if reason else ''}{f' ({by})' if by else ''}"


def _draw_since(row: Row) -> str:
    """Since when a node has been drained or down; of a good one nobody asks."""
    since = row.values["batch_since"]
    return draw_time(since) if since and row.values["batch"] in _TROUBLE else UNKNOWN


def _draw_slots(row: Row) -> str:
    slots, used = row.values["slots"], row.values["used"]
    return UNKNOWN if slots is None else f"{UNKNOWN if used is None else used}/{slots}"


def _draw_deviation(row: Row) -> str:
    value = row.values["deviation"]
    return UNKNOWN if value is None else f"{value:+.1f}"


_FIRST = ("state", "reason", "since", "ncpu", "load1", "load5", "load15")
_ON_REQUEST = ("role", "address", "fairsoft", "os", "kernel", "cpu")
_OF_FARM: dict[str, Field] = {field.name: field for field in FARM}
_OWN = (
    Field(
        declared("batch", str, Text, "For new jobs: free, busy, full, drained, down or unknown."), 95, _draw_batch, True
    ),
    Field(declared("batch_words", str, Text, "The batch system's own state: au, MIXED+DRAIN."), 0),
    Field(declared("batch_reason", str, Text, "Why it is drained or down."), 0, flexible=True),
    Field(declared("by", str, Text, "Who wrote the reason."), 0),
    Field(declared("batch_since", datetime, Time, "Since when it has been in this batch state."), 72, _draw_since),
    Field(declared("slots", int, Count, "Slots for jobs, as used/all."), 93, _draw_slots),
    Field(declared("used", int, Count, "Slots taken."), 0),
    Field(declared("jobs", int, Count, "Jobs that run on it."), 75),
    Field(
        declared("deviation", float, Number, "Load less used slots: above 0 a runaway, below jobs that wait.", "±load"),
        88,
        _draw_deviation,
    ),
    Field(PER_CPU, 85),
)
WORKERS = (
    _OF_FARM["node"],
    *(_OF_FARM[name] for name in _FIRST),
    *_OWN,
    *(
        replace(field, weight=0 if name in _ON_REQUEST else field.weight)
        for name, field in _OF_FARM.items()
        if name not in ("node", *_FIRST)
    ),
)
