"""The queues and partitions of all batch systems."""

from __future__ import annotations

from collections import Counter
from typing import Any

from nicassh.inventory import natural
from nicassh.model.severity import Severity
from nicassh.model.units import Count, Number, Seconds, Text, counted
from nicassh.query.batch import HAS_SLOTS, BatchSystems
from nicassh.query.fields import CLUSTER, COLLECTED
from nicassh.query.registry import TableSpec
from nicassh.query.snapshot import Snapshot
from nicassh.query.table import Field, Row, Table, computed


def queues(snapshot: Snapshot) -> Table:
    """Return the queues and partitions, with the number of jobs in each."""
    batch = BatchSystems(snapshot)
    counts: Counter[tuple[Any, ...]] = Counter()
    for job in batch.jobs:
        kind = "running" if job["state"] in HAS_SLOTS else "waiting"
        counts[job["node"], job["system"], job["queue"], kind] += job["tasks"]
    rows = []
    for queue in batch.queues:
        key = (queue["node"], queue["system"], queue["queue"])
        values = {field.name: queue.get(field.name) for field in QUEUES} | {
            "cluster": batch.cluster(queue), "unavailable": queue["broken"],
            "running": counts[*key, "running"], "waiting": counts[*key, "waiting"],
            "updated": queue["at"], "age": snapshot.age(queue),
        }  # fmt: skip
        severities = {
            "unavailable": Severity(bool(queue["broken"])), "state": Severity(queue["state"] not in (None, "up")),
        }  # fmt: skip
        rows.append(Row(values, set(values) - {"queue"} if batch.is_down(queue) else set(), severities))
    rows.sort(key=lambda row: (row.values["cluster"], natural(row.values["queue"])))
    return Table("queues", QUEUES, tuple(rows), notes=tuple(batch.notes))


def summarize(table: Table) -> str:
    """Return `3 queues: 12 of 96 slots free`."""
    rows = table.rows
    slots, free = (sum(row.values[name] for row in rows) for name in ("slots", "free"))
    return f"{counted(len(rows), 'queue')}: {free} of {counted(slots, 'slot')} free" if rows else "no queues"


_STATES = ("up", "drain", "down", "inactive")
QUEUES = (
    Field(computed("queue", str, Text, "Queue or partition."), 100),
    Field(computed("state", str, Text, "up, drain, down or inactive, where the system tells.", choices=_STATES), 90),
    Field(computed("slots", int, Count, "Slots of all its nodes."), 95),
    Field(computed("used", int, Count, "Slots taken by jobs."), 94),
    Field(computed("free", int, Count, "Slots that a job could have now."), 96),
    Field(computed("unavailable", int, Count, "Slots on nodes that are down, drained or in error."), 92),
    Field(computed("running", int, Count, "Jobs that run."), 91),
    Field(computed("waiting", int, Count, "Jobs that wait, tasks of arrays counted."), 93),
    Field(computed("load", float, Number, "Load of its nodes per processor."), 70),
    Field(computed("limit", float, Seconds, "Longest run time of a job."), 60),
    *CLUSTER, *COLLECTED,
)  # fmt: skip
TABLE = TableSpec(
    "queues",
    "The queues and partitions: slots used, free and unavailable, jobs running and waiting.",
    QUEUES,
    lambda request: queues(request.snapshot),
    summarize,
)
