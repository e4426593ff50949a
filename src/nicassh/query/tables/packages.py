"""Each package of each node, with the folder in which it is."""

from __future__ import annotations

from dataclasses import replace

from nicassh.model.units import Text
from nicassh.query.records import record_table, summarize
from nicassh.query.registry import Request, TableSpec
from nicassh.query.table import Field, Table, computed


def _build(request: Request) -> Table:
    return replace(record_table(request.snapshot, "software"), name="packages")


TABLE = TableSpec(
    "packages",
    "Each package of each node, with the folder in which it is.",
    (
        Field(computed("node", str, Text, "Name of the node."), 100),
        Field(computed("package", str, Text, "Name of the package."), 90),
        Field(computed("path", str, Text, "The folder."), 80),
        Field(computed("version", str, Text, "The version."), 85),
    ),
    _build,
    summarize,
    is_open=True,
)
