"""The probes in force: what is collected, how often, and what it becomes."""

from __future__ import annotations

from collections.abc import Sequence

from nicassh.model.units import Seconds, Text, counted
from nicassh.probes.loader import Probe
from nicassh.query.registry import Nodes, TableSpec
from nicassh.query.table import Field, Row, Table, computed


def probe_list(probes: Sequence[Probe]) -> Table:
    """Return the probes in the order of their priority."""
    rows = tuple(
        Row({
            "probe": probe.name, "every": probe.every, "priority": probe.priority, "timeout": probe.timeout,
            "where": probe.where, "keep": ",".join(dict.fromkeys(keep.value for keep in probe.keep.values())),
            "records": ",".join(probe.records), "folder": str(probe.folder), "help": probe.help.partition("\n")[0],
        })
        for probe in probes
    )  # fmt: skip
    return Table("probes", PROBES, rows)


PROBES = (
    Field(computed("probe", str, Text, "Name of the probe."), 100),
    Field(computed("every", int, Seconds, "How often it should run."), 80),
    Field(computed("priority", str, Text, "The class of its tasks."), 85),
    Field(computed("timeout", int, Seconds, "Its time limit on a node."), 70),
    Field(computed("where", str, Text, "On all nodes, or once a batch cluster, on its submit node."), 72),
    Field(computed("keep", str, Text, "What is kept: series, intervals or the latest rows."), 75),
    Field(computed("records", str, Text, "The tables that it fills."), 0),
    Field(computed("folder", str, Text, "Where it lies."), 0, truncatable=True),
    Field(computed("help", str, Text, "What it tells."), 90, truncatable=True),
)
TABLE = TableSpec(
    "probes",
    "The probes and what they collect.",
    PROBES,
    lambda request: probe_list(request.sources.probes()),
    lambda table: counted(len(table.rows), "probe"),
    nodes=Nodes.NONE,
    command="probes",
)
