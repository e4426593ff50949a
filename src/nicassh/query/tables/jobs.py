"""The jobs of all batch systems, each with what its processes use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime

from nicassh.inventory import natural
from nicassh.model.severity import Severity
from nicassh.model.units import UNKNOWN, Count, Percent, Seconds, Text, Time, counted
from nicassh.query.batch import BatchSystems, expand
from nicassh.query.fields import CLUSTER, COLLECTED, USERS
from nicassh.query.registry import TableSpec
from nicassh.query.snapshot import Snapshot
from nicassh.query.table import Field, Row, Table, computed
from nicassh.query.thresholds import CPU_PER_SLOT
from nicassh.store import Row as Stored

_ORDER = ("running", "suspended", "ending", "error", "held", "waiting", "other")
_SEVERITIES = {"error": Severity.CRITICAL, "held": Severity.WARNING, "suspended": Severity.WARNING}
_GRACE = 600.0
"""Seconds after its start in which a job may use little CPU, because it fetches its input."""


def jobs(snapshot: Snapshot, users: Collection[str] = ()) -> Table:
    """Return all jobs, or those of some users: running ones first, then those that wait, by their numbers."""
    batch = BatchSystems(snapshot)
    known = set(snapshot.names) if snapshot.inventory_nodes else None
    chosen = [job for job in batch.jobs if known is None or _touches(snapshot, job, known)]
    chosen = [job for job in chosen if not users or job["user"] in users]
    chosen.sort(key=lambda job: (_rank(job), natural(job["job"]), natural(job["task"])))
    rows = tuple(_job(batch, job) for job in chosen)
    return Table("jobs", JOBS, rows, notes=tuple(batch.notes))


def _touches(snapshot: Snapshot, job: Stored, names: set[str]) -> bool:
    """Say whether a job runs on one of the nodes, or waits and so may run on any."""
    if len(names) == len(snapshot.inventory_nodes) or not job["hosts"]:
        return True
    return any(snapshot.node_name(host) in names for host in expand(job["hosts"]))


def _job(batch: BatchSystems, job: Stored) -> Row:
    since = job["started"] or job["submitted"]
    elapsed = round(max(0.0, (batch.snapshot.now - since).total_seconds()), 1) if since else None
    cpu, processes = batch.used(job) if job["state"] == "running" else (None, None)
    per_slot = round(cpu / job["slots"], 1) if cpu is not None and job["slots"] else None
    values = {
        **job, "cluster": batch.cluster(job), "elapsed": elapsed, "cpu_percent": cpu, "cpu_per_slot": per_slot,
        "processes": processes, "updated": job["at"], "age": batch.snapshot.age(job),
    }  # fmt: skip
    slow = job["state"] == "running" and elapsed is not None and elapsed > _GRACE
    severities = {
        "state": _SEVERITIES.get(job["state"], Severity.OK),
        "cpu_per_slot": CPU_PER_SLOT.severity(per_slot) if slow else Severity.OK,
    }
    return Row(values, set(values) - {"job"} if batch.is_down(job) else set(), severities)


def _rank(job: Stored) -> int:
    return _ORDER.index(job["state"]) if job["state"] in _ORDER else len(_ORDER)


def summarize(table: Table) -> str:
    """Return `413 jobs of 12 users: 389 running, 20024 waiting`."""
    rows = table.rows
    counts: Counter[str] = Counter()
    for row in rows:
        counts[row.values["state"]] += row.values["tasks"]
    users = len({row.values["user"] for row in rows})
    states = ", ".join(f"{counts[state]} {state}" for state in _ORDER if counts[state])
    return f"{counted(sum(counts.values()), 'job')} of {counted(users, 'user')}: {states}" if rows else "no jobs"


def _draw_job(row: Row) -> str:
    return f"{row.values['job']}.{row.values['task']}" if row.values["task"] else str(row.values["job"])


def _draw_slots(row: Row) -> str:
    tasks = row.values["tasks"]
    slots = UNKNOWN if row.values["slots"] is None else str(row.values["slots"])
    return f"{tasks}×{slots}" if tasks > 1 else slots


JOBS = (
    Field(computed("job", str, Text, "Number of the job, with the tasks of an array."), 100, _draw_job),
    Field(computed("task", str, Text, "The tasks of an array that the row stands for; empty without an array."), 0),
    Field(computed("tasks", int, Count, "How many tasks the row stands for."), 0),
    Field(computed("user", str, Text, "Owner."), 99),
    Field(computed("name", str, Text, "Name of the job."), 80, truncatable=True),
    Field(
        computed("state", str, Text, "running, waiting, held, suspended, error, ending or other.", choices=_ORDER), 98
    ),
    Field(computed("words", str, Text, "The batch system's own state."), 0),
    Field(computed("queue", str, Text, "Queue or partition."), 60),
    Field(computed("slots", int, Count, "Slots of one task; ×: of how many tasks."), 75, _draw_slots),
    Field(computed("hosts", str, Text, "Where it runs."), 85, truncatable=True),
    Field(computed("elapsed", float, Seconds, "Since when it runs; else since when it waits."), 90),
    Field(CPU_PER_SLOT, 88),
    Field(computed("cpu_percent", float, Percent, "CPU of its processes in percent of one processor."), 0),
    Field(computed("processes", int, Count, "Its processes on all nodes."), 40),
    Field(computed("limit", float, Seconds, "How long it may run."), 25),
    Field(computed("reason", str, Text, "Why it waits."), 97, wraps=True),
    Field(computed("submitted", datetime, Time, "When it was submitted."), 0),
    Field(computed("started", datetime, Time, "When it was started."), 0),
    *CLUSTER, *COLLECTED,
)  # fmt: skip
TABLE = TableSpec(
    "jobs",
    "The jobs of all batch systems, with what their processes use.",
    JOBS,
    lambda request: jobs(request.snapshot, request["user"]),
    summarize,
    (USERS,),
)
