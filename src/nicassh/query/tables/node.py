"""Everything that the store knows of one node: what is wrong with it, what is on it, and each record."""

from __future__ import annotations

from dataclasses import replace

from nicassh.query.arrange import sort_rows
from nicassh.query.records import record_table
from nicassh.query.registry import Nodes, TableSpec
from nicassh.query.snapshot import Snapshot
from nicassh.query.table import Table
from nicassh.query.tables import explain, jobs
from nicassh.query.tables.farm import FARM, farm

MOST = 10
"""Rows of each table that a person is shown on the page of a node."""
_FIRST = ("findings", "load", "memory", "disks", "processes", "jobs", "services", "mounts", "gpus")
"""The tables inside the row in this order; all others follow."""


def node_page(snapshot: Snapshot) -> Table:
    """Return the row of the node in the farm. What is wrong, its jobs, and the rows of each record are inside it."""
    found = {name: record_table(snapshot, name) for name in (*snapshot.store.records, "outcomes")}
    found["findings"] = replace(explain.explain(snapshot), name="findings", notes=())
    found["jobs"] = _jobs(snapshot)
    if "processes" in found:
        found["processes"] = sort_rows(found["processes"], ["-cpu_percent"])
    names = [*(name for name in _FIRST if name in found), *(name for name in found if name not in _FIRST)]
    further = tuple(_inside(found[name]) for name in names)
    return replace(farm(snapshot), name="node", further=further, nested=True)


def _jobs(snapshot: Snapshot) -> Table:
    """Return the jobs that run on the node. What waits may run on any."""
    table = jobs.jobs(snapshot)
    table = replace(table, rows=tuple(row for row in table.rows if row.values["hosts"]), notes=())
    return replace(table, summary=jobs.summarize(table))


def _inside(table: Table) -> Table:
    """Return a table without the name of the node, which stands above, and with few rows for a person."""
    fields = (replace(one, priority=0) if one.name == "node" else one for one in table.fields)
    return replace(table, fields=tuple(fields), most_drawn=MOST)


def summarize(table: Table) -> str:
    """Return `nc10.jinr.ru: 2 critical, 1 warning`."""
    found = next((one for one in table.further if one.name == "findings"), None)
    return explain.summarize(found) if found and table.rows else "no nodes"


TABLE = TableSpec(
    "node",
    "Everything known of one node, what is wrong with it first.",
    FARM,
    lambda request: node_page(request.snapshot),
    summarize,
    nodes=Nodes.ONE,
)
