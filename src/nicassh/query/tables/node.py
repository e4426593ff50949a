"""Everything that the store knows of one node: its row of the farm, how its probes ended, and each record."""

from __future__ import annotations

from dataclasses import replace

from nicassh.query import records
from nicassh.query.registry import Nodes, TableSpec
from nicassh.query.snapshot import Snapshot
from nicassh.query.table import Table
from nicassh.query.tables.farm import FARM, farm, summarize


def node_page(snapshot: Snapshot) -> Table:
    """Return the row of the node in the farm. Its outcomes and the rows of each record are tables inside it."""
    tables = [records.record_table(snapshot, name) for name in ("outcomes", *snapshot.store.records)]
    further = tuple(replace(table, summary=records.summarize(table)) for table in tables)
    return replace(farm(snapshot), name="node", further=further, nested=True)


TABLE = TableSpec(
    "node",
    "Everything known of one node.",
    FARM,
    lambda request: node_page(request.snapshot),
    summarize,
    nodes=Nodes.ONE,
)
