"""The jobs of all batch systems, each with what its processes use; and the queues."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from nicassh.inventory import natural
from nicassh.model.units import UNKNOWN, Count, Number, Percent, Seconds, Text, Time, counted
from nicassh.query.batch import HAS_SLOTS, Batch, expand
from nicassh.query.scene import Scene
from nicassh.query.table import Field, Row, View, declared
from nicassh.store import Row as Stored

_ORDER = ("running", "suspended", "ending", "error", "held", "waiting", "other")
_GRACE = 600.0
"""Seconds after its start in which a job may use little CPU: it fetches its input."""


def jobs(scene: Scene) -> View:
    """Running jobs first, then those that wait, each in the order of submission."""
    batch = Batch(scene)
    known = set(scene.names) if scene.everyone else None
    chosen = [job for job in batch.jobs if known is None or _touches(scene, job, known)]
    chosen.sort(key=lambda job: (_rank(job), natural(job["job"]), natural(job["task"])))
    rows = tuple(_job(batch, job) for job in chosen)
    return View("jobs", JOBS, rows, lambda shown: _summary(shown, batch.notes))


def queues(scene: Scene) -> View:
    """The queues and partitions, with the jobs in them."""
    batch = Batch(scene)
    counts: Counter[tuple[Any, ...]] = Counter()
    for job in batch.jobs:
        kind = "running" if job["state"] in HAS_SLOTS else "waiting"
        counts[job["node"], job["system"], job["queue"], kind] += job["tasks"]
    rows = []
    for queue in batch.queues:
        key = (queue["node"], queue["system"], queue["queue"])
        values = {field.name: queue.get(field.name) for field in QUEUES} | {
            "cluster": batch.cluster(queue), "running": counts[*key, "running"], "waiting": counts[*key, "waiting"],
            "updated": queue["at"], "age": scene.age(queue),
        }  # fmt: skip
        trouble = {"broken": int(bool(queue["broken"])), "state": int(queue["state"] not in (None, "up"))}
        rows.append(Row(values, set(values) - {"queue"} if batch.is_down(queue) else set(), trouble))
    rows.sort(key=lambda row: (row.values["cluster"], natural(row.values["queue"])))
    return View("queues", QUEUES, tuple(rows), lambda shown: _queues_summary(shown, batch))


def _touches(scene: Scene, job: Stored, names: set[str]) -> bool:
    """Whether a job runs on one of the nodes, or waits and so may run on any."""
    if len(names) == len(scene.everyone) or not job["hosts"]:
        return True
    return any(scene.known_as(host) in names for host in expand(job["hosts"]))


def _job(batch: Batch, job: Stored) -> Row:
    since = job["started"] or job["submitted"]
    elapsed = round(max(0.0, (batch.scene.now - since).total_seconds()), 1) if since else None
    cpu, processes = batch.used(job) if job["state"] == "running" else (None, None)
    per_slot = round(cpu / job["slots"], 1) if cpu is not None and job["slots"] else None
    values = {
        **job, "cluster": batch.cluster(job), "elapsed": elapsed, "cpu_percent": cpu, "cpu_per_slot": per_slot,
        "processes": processes, "updated": job["at"], "age": batch.scene.age(job),
    }  # fmt: skip
    slow = job["state"] == "running" and elapsed is not None and elapsed > _GRACE
    trouble = {
        "state": {"error": 2, "held": 1, "suspended": 1}.get(job["state"], 0),
        "cpu_per_slot": _PER_SLOT.trouble(per_slot) if slow else 0,
    }
    return Row(values, set(values) - {"job"} if batch.is_down(job) else set(), trouble)


def _rank(job: Stored) -> int:
    return _ORDER.index(job["state"]) if job["state"] in _ORDER else len(_ORDER)


def _summary(rows: Sequence[Row], notes: Sequence[str]) -> str:
    """`413 jobs of 12 users: 389 running, 20024 waiting; nica: sge is down since …`."""
    counts: Counter[str] = Counter()
    for row in rows:
        counts[row.values["state"]] += row.values["tasks"]
    users = len({row.values["user"] for row in rows})
    states = ", ".join(f"{counts[state]} {state}" for state in _ORDER if counts[state])
    found = f"{counted(sum(counts.values()), 'job')} of {counted(users, 'user')}: {states}" if rows else "no jobs"
    return "; ".join([found, *notes])


def _queues_summary(rows: Sequence[Row], batch: Batch) -> str:
    slots, free = (sum(row.values[name] for row in rows) for name in ("slots", "free"))
    found = f"{counted(len(rows), 'queue')}: {free} of {counted(slots, 'slot')} free" if rows else "no queues"
    return "; ".join([found, *batch.notes])


def _draw_job(row: Row) -> str:
    return f"{row.values['job']}.{row.values['task']}" if row.values["task"] else str(row.values["job"])


def _draw_slots(row: Row) -> str:
    tasks = row.values["tasks"]
    slots = UNKNOWN if row.values["slots"] is None else str(row.values["slots"])
    return f"{tasks}×{slots}" if tasks > 1 else slots


_PER_SLOT = declared(
    "cpu_per_slot", float, Percent, "CPU of its processes in percent of one processor, for each slot.", "cpu %/slot",
    low=(40, 10),
)  # fmt: skip
_WHERE = (
    Field(declared("cluster", str, Text, "The batch cluster."), 30),
    Field(declared("system", str, Text, "sge, slurm or condor."), 35),
)
_WHEN = (
    Field(declared("updated", datetime, Time, "When it was collected."), 0),
    Field(declared("age", float, Seconds, "How old the row is.", "updated"), 20),
)
JOBS = (
    Field(declared("job", str, Text, "Number of the job, with the tasks of an array."), 100, _draw_job),
    Field(declared("task", str, Text, "The tasks of an array that the row stands for; empty without an array."), 0),
    Field(declared("tasks", int, Count, "How many tasks the row stands for."), 0),
    Field(declared("user", str, Text, "Owner."), 99),
    Field(declared("name", str, Text, "Name of the job."), 80, flexible=True),
    Field(declared("state", str, Text, "running, waiting, held, suspended, error, ending or other."), 98),
    Field(declared("words", str, Text, "The batch system's own state."), 0),
    Field(declared("queue", str, Text, "Queue or partition."), 60),
    Field(declared("slots", int, Count, "Slots of one task; ×: of how many tasks."), 75, _draw_slots),
    Field(declared("hosts", str, Text, "Where it runs."), 85, flexible=True),
    Field(declared("elapsed", float, Seconds, "Since when it runs; else since when it waits.", "runs/waits"), 90),
    Field(_PER_SLOT, 88),
    Field(declared("cpu_percent", float, Percent, "CPU of its processes in percent of one processor."), 0),
    Field(declared("processes", int, Count, "Its processes on all nodes.", "procs"), 40),
    Field(declared("limit", float, Seconds, "How long it may run."), 25),
    Field(declared("reason", str, Text, "Why it waits."), 70, flexible=True),
    Field(declared("submitted", datetime, Time, "When it was submitted."), 0),
    Field(declared("started", datetime, Time, "When it was started."), 0),
    *_WHERE, *_WHEN,
)  # fmt: skip
QUEUES = (
    Field(declared("queue", str, Text, "Queue or partition."), 100),
    Field(declared("state", str, Text, "up, drain, down or inactive, where the system tells."), 90),
    Field(declared("slots", int, Count, "Slots of all its nodes."), 95),
    Field(declared("used", int, Count, "Slots taken by jobs."), 94),
    Field(declared("free", int, Count, "Slots that a job could have now."), 96),
    Field(declared("broken", int, Count, "Slots on nodes that are down, drained or in error."), 92),
    Field(declared("running", int, Count, "Jobs that run."), 91),
    Field(declared("waiting", int, Count, "Jobs that wait, tasks of arrays counted."), 93),
    Field(declared("load", float, Number, "Load of its nodes per processor."), 70),
    Field(declared("limit", float, Seconds, "Longest run time of a job."), 60),
    *_WHERE, *_WHEN,
)  # fmt: skip
