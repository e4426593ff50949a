"""The GPUs of the nodes, with the processes on each: whose they are, and of which job."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from nicassh.inventory import natural
from nicassh.model.records import columns
from nicassh.model.units import UNKNOWN, Bytes, Celsius, Count, Percent, Seconds, Text, Time, Watts, counted, draw_bytes
from nicassh.query.registry import TableSpec
from nicassh.query.snapshot import Snapshot
from nicassh.query.table import Field, Row, Table, computed
from nicassh.store import Row as Stored


def gpus(snapshot: Snapshot) -> Table:
    """Return one row for each card, in the order of the nodes."""
    running = _processes(snapshot)
    parts = snapshot.by_node("gpus_mig")
    rows = []
    for card in snapshot.rows("gpus"):
        own = [part for part in parts.get(card["node"], []) if part["gpu"] == card["uuid"]]
        known = {card["uuid"], *(part["uuid"] for part in own)}
        values = {field.name: card.get(field.name) for field in GPUS} | {
            "parts": [part["profile"] for part in own], "updated": card["at"], "age": snapshot.age(card),
            "processes": [one for gpu in sorted(known) for one in running.get((card["node"], gpu), [])],
        }  # fmt: skip
        shape = columns(snapshot.store.records["gpus"].record)
        severities = {column.name: column.severity(card[column.name]) for column in shape}
        rows.append(Row(values, set(values) - {"node"} if snapshot.is_stale("gpus", card) else set(), severities))
    rows.sort(key=lambda row: (natural(row.values["node"]), row.values["index"] is None, row.values["index"]))
    return Table("gpus", GPUS, tuple(rows))


def _processes(snapshot: Snapshot) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Return the processes on each card or part of one, with the batch job that each belongs to."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    running = snapshot.rows("gpus_process")
    pids = sorted({row["pid"] for row in running})
    tied: dict[tuple[str, int], Stored] = {}
    if pids and snapshot.has("processes"):
        nodes = {row["node"] for row in running}
        # At most some hundred on a farm: each card has a few.
        tied = {(row["node"], row["pid"]): row for row in snapshot.store.newest("processes", nodes, pid=pids)}
    for row in running:
        process = tied.get((row["node"], row["pid"]))
        found.setdefault((row["node"], row["gpu"]), []).append({
            "pid": row["pid"], "user": row["user"], "name": row["name"], "memory_used": row["memory_used"],
            "batch": process["batch"] if process else None, "job": process["job"] if process else None,
        })  # fmt: skip
    return found


def summarize(table: Table) -> str:
    """Return `12 GPUs on 3 nodes: 7 in use, 1 with a fault`."""
    rows = table.rows
    used = sum(bool(row.values["processes"]) for row in rows)
    faults = sum(bool(row.severity("state")) for row in rows)
    nodes = len({row.values["node"] for row in rows})
    found = f"{counted(len(rows), 'GPU')} on {counted(nodes, 'node')}: {used} in use"
    return f"{found}{f', {faults} with a fault' if faults else ''}" if rows else "no GPUs"


def _draw_processes(row: Row) -> str:
    """`merz python3 (sge 3791.7), ivanov root.exe`."""
    return ", ".join(map(_told, row.values["processes"]))


def _told(process: dict[str, Any]) -> str:
    job = f" ({process['batch']} {process['job']})" if process["job"] else ""
    return f"{process['user'] or '?'} {process['name'].rpartition('/')[2]}{job}"


def _draw_memory(row: Row) -> str:
    used, whole = row.values["memory_used"], row.values["memory"]
    return f"{UNKNOWN if used is None else draw_bytes(used)} / {UNKNOWN if whole is None else draw_bytes(whole)}"


def _draw_parts(row: Row) -> str:
    return " ".join(row.values["parts"])


GPUS = (
    Field(computed("node", str, Text, "Name of the node."), 100),
    Field(computed("index", int, Count, "The number by which the driver counts it."), 98),
    Field(computed("name", str, Text, "Model."), 70, truncatable=True),
    Field(computed("state", str, Text, "ok, or fault.", choices=("ok", "fault")), 98),
    Field(computed("reason", str, Text, "What the driver says of a fault."), 97, wraps=True),
    Field(computed("utilisation", float, Percent, "Time in per cent in which something ran on it."), 95),
    Field(computed("memory_used", int, Bytes, "Memory in use, and all of it."), 85, _draw_memory),
    Field(computed("memory", int, Bytes, "Memory."), 0),
    Field(computed("temperature", float, Celsius, "Temperature."), 60),
    Field(computed("power", float, Watts, "Power that it draws."), 50),
    Field(computed("ecc_volatile", int, Count, "Memory errors that could not be corrected."), 55),
    Field(computed("parts", list, Text, "The parts into which it is split (MIG)."), 45, _draw_parts),
    Field(
        computed("processes", list, Text, "What runs on it: user, program, batch job."),
        88,
        _draw_processes,
        True,
    ),
    Field(computed("driver", str, Text, "Version of the driver."), 30),
    Field(computed("mig", str, Text, "Whether it is split into parts."), 0),
    Field(computed("uuid", str, Text, "The card's own number."), 0),
    Field(computed("updated", datetime, Time, "When it was collected."), 0),
    Field(computed("age", float, Seconds, "How long ago that was."), 40),
)
TABLE = TableSpec(
    "gpus",
    "The GPUs: load, memory, temperature, power, errors; the processes with user and job.",
    GPUS,
    lambda request: gpus(request.snapshot),
    summarize,
)
