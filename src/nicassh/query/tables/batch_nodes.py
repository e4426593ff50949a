"""The batch nodes with their slots and jobs, and their load against that which the jobs should make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from nicassh.model.severity import Severity
from nicassh.model.units import UNKNOWN, Count, Number, Text, Time, counted, draw_time
from nicassh.query.batch import BatchSystems
from nicassh.query.registry import TableSpec
from nicassh.query.snapshot import Snapshot
from nicassh.query.table import Field, Row, Table, computed
from nicassh.query.tables.farm import FARM, farm
from nicassh.query.thresholds import LOAD_PER_CPU, load_severity
from nicassh.store import Row as Stored

_GRACE = 600.0
"""Seconds after the start of a job in which the load average may lag behind."""
_NOT_USABLE = ("drained", "unknown", "down")
"""Batch states in which a node gets no jobs, the worst last."""


def batch_nodes(snapshot: Snapshot) -> Table:
    """Return the nodes of role batch and those that a batch system has, marked where the load is not as expected."""
    batch = BatchSystems(snapshot)
    hosts = batch.hosts_by_node
    chosen = [node for node in snapshot.nodes if node.role == "batch" or node.name in hosts]
    table = farm(replace(snapshot, nodes=chosen, inventory_nodes=snapshot.all_nodes))
    unlisted = [] if snapshot.is_partial else [name for name in hosts if name not in set(snapshot.names)]
    rows = [*table.rows, *(_unlisted(name) for name in unlisted)]
    for row in rows:
        name = row.values["node"]
        _add(row, hosts.get(name, []), batch.placed.get(name, []), batch)
    return Table("batch-nodes", BATCH_NODES, tuple(rows), notes=tuple(batch.notes if snapshot.clusters else ()))


def _unlisted(name: str) -> Row:
    """Return a batch node that is not in the inventory: all that is known of it is what the batch system says."""
    values: dict[str, Any] = {field.name: None for field in FARM}
    values |= {"node": name, "state": "unknown", "reason": "not in the inventory"}
    return Row(values, severities={"state": Severity.UNKNOWN})


def _add(row: Row, hosts: Sequence[Stored], jobs: Sequence[Stored], batch: BatchSystems) -> None:
    """Add to a row of the farm what the batch systems know of the node."""
    load, cpus = row.values["load1"], row.values["ncpu"]
    worst = max(hosts, key=lambda host: _badness(host["state"]), default=None)
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
        "load_minus_slots": deviation,
    }  # fmt: skip
    young = any(job["started"] and (batch.snapshot.now - job["started"]).total_seconds() < _GRACE for job in jobs)
    if asleep := batch.asleep(hosts, batch.snapshot.login(row.values["node"])):
        row.values |= {"state": "asleep", "reason": f"to save power ({asleep})"}
        row.severities["state"] = Severity.OK
    row.severities |= {
        "load_per_cpu": LOAD_PER_CPU.severity(row.values["load_per_cpu"]),
        "batch": _state_severity(batch, worst),
        "load_minus_slots": Severity.OK if young or "load1" in row.stale else load_severity(deviation, cpus or slots),
    }
    if "load1" in row.stale:
        row.stale |= {"load_per_cpu", "load_minus_slots"}
    if worst is not None and batch.is_down(worst):
        row.stale |= {"batch", "slots", "used", "jobs", "load_minus_slots"}


def _total(hosts: Sequence[Stored], name: str) -> int | None:
    numbers = [host[name] for host in hosts if host[name] is not None]
    return sum(numbers) if numbers else None


def _badness(state: str) -> int:
    return _NOT_USABLE.index(state) + 1 if state in _NOT_USABLE else 0


def _state_severity(batch: BatchSystems, host: Stored | None) -> Severity:
    return Severity.OK if host is None else batch.snapshot.column("batch_host", "state").severity(host["state"])


def summarize(table: Table) -> str:
    """Return `6 batch nodes: 9 of 24 slots used, 1 drained; 2 whose load does not match its jobs`."""
    rows = table.rows
    slots, used = (sum(row.values[name] or 0 for row in rows) for name in ("slots", "used"))
    parts = [f"{used} of {counted(slots, 'slot')} used"] if slots else []
    for state in ("drained", "down", "unknown"):
        number = sum(row.values["batch"] == state for row in rows)
        parts += [f"{number} {state}"] if number else []
    deviating = sum(bool(row.severity("load_minus_slots")) for row in rows)
    parts += [f"{deviating} whose load does not match {'its' if deviating == 1 else 'their'} jobs"] if deviating else []
    return f"{counted(len(rows), 'batch node')}{': ' if parts else ''}{', '.join(parts)}" if rows else "no batch nodes"


def _draw_reason(row: Row) -> str:
    """Return the reason and who wrote it: `disk (root)`."""
    reason, by = row.values["batch_reason"], row.values["by"]
    return f"{reason or ''}{f' ({by})' if by else ''}".strip()


def _draw_since(row: Row) -> str:
    """Return since when a node has been drained or down; of a good one it is of no interest."""
    since = row.values["batch_since"]
    return draw_time(since) if since and row.values["batch"] in _NOT_USABLE else UNKNOWN


def _draw_slots(row: Row) -> str:
    slots, used = row.values["slots"], row.values["used"]
    return UNKNOWN if slots is None else f"{UNKNOWN if used is None else used}/{slots}"


def _draw_deviation(row: Row) -> str:
    value = row.values["load_minus_slots"]
    return UNKNOWN if value is None else f"{value:+.1f}"


_BATCH_STATES = ("free", "busy", "full", "drained", "down", "unknown")
_FIRST = ("state", "since", "ncpu", "load1", "load5", "load15")
_ON_REQUEST = ("role", "address", "fairsoft", "os", "kernel", "cpu")
_OF_FARM: dict[str, Field] = {field.name: field for field in FARM}
_OWN = (
    Field(
        computed(
            "batch", str, Text, "For new jobs: free, busy, full, drained, down or unknown.", choices=_BATCH_STATES
        ),
        97,
    ),
    Field(computed("batch_words", str, Text, "The batch system's own state: au, MIXED+DRAIN."), 0),
    Field(computed("by", str, Text, "Who wrote the reason."), 0),
    Field(computed("batch_since", datetime, Time, "Since when it has been in this batch state."), 72, _draw_since),
    Field(computed("slots", int, Count, "Slots for jobs, as used/all."), 93, _draw_slots),
    Field(computed("used", int, Count, "Slots taken."), 0),
    Field(computed("jobs", int, Count, "Jobs that run on it."), 75),
    Field(
        computed("load_minus_slots", float, Number, "Load less used slots: above 0 a runaway, below jobs that wait."),
        88,
        _draw_deviation,
    ),
    Field(LOAD_PER_CPU, 85),
)
_BATCH_REASON = Field(
    computed("batch_reason", str, Text, "Why it is drained or down, and who said so."), 97, _draw_reason, wraps=True
)
BATCH_NODES = (
    _OF_FARM["node"],
    *(_OF_FARM[name] for name in _FIRST),
    *_OWN,
    *(
        replace(field, priority=0 if name in _ON_REQUEST else field.priority)
        for name, field in _OF_FARM.items()
        if name not in ("node", *_FIRST)
    ),
    _BATCH_REASON,
)
TABLE = TableSpec(
    "batch-nodes",
    "The batch nodes: slots, jobs, batch state with its reason, load against jobs.",
    BATCH_NODES,
    lambda request: batch_nodes(request.snapshot),
    summarize,
)
