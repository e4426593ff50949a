"""The nodes of the inventory, and the way by which each is reached."""

from __future__ import annotations

from collections.abc import Sequence

from nicassh.inventory import Node
from nicassh.model.severity import Severity
from nicassh.model.units import Count, Text, counted
from nicassh.query.registry import TableSpec
from nicassh.query.table import Field, Row, Table, computed


def inventory(nodes: Sequence[Node]) -> Table:
    """Return the nodes with the way by which each is reached."""
    rows = tuple(
        Row({
            "node": node.name, "address": node.address or None,
            "port": node.port if node.address else None, "user": node.user, "role": node.role or None,
            "groups": ",".join(node.groups) or None, "transport": node.transport,
            "needs": node.lacks or None,
        }, severities={"needs": Severity.CRITICAL if node.barred else Severity.OK})
        for node in nodes
    )  # fmt: skip
    return Table("nodes", NODES, rows)


NODES = (
    Field(computed("node", str, Text, "Name of the node."), 100),
    Field(computed("address", str, Text, "Address that is connected to."), 90),
    Field(computed("port", int, Count, "Port of its SSH server."), 60),
    Field(computed("user", str, Text, "Account to log in as."), 80),
    Field(computed("role", str, Text, "Role."), 85),
    Field(computed("groups", str, Text, "Groups."), 50),
    Field(computed("transport", str, Text, "How it is reached."), 40),
    Field(computed("needs", str, Text, "What is missing to reach it."), 70),
)
TABLE = TableSpec(
    "nodes",
    "The nodes of the inventory.",
    NODES,
    lambda request: inventory(request.nodes),
    lambda table: counted(len(table.rows), "node"),
    command="nodes",
)
