"""The nodes to avoid, and why."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from nicassh.inventory import fold, natural
from nicassh.model.severity import worst
from nicassh.model.units import Count, Text, Time, counted
from nicassh.query.findings import AVOID, Evidence, findings
from nicassh.query.registry import TableSpec
from nicassh.query.silence import Silence
from nicassh.query.snapshot import Snapshot
from nicassh.query.table import Field, Row, Table, computed


def bad(snapshot: Snapshot) -> Table:
    """Return the nodes to avoid, the worst first, each with its reasons. Raises StaleError where nobody collects."""
    evidence, silence = Evidence(snapshot), Silence(snapshot)
    silence.require(snapshot.nodes)
    hosts = evidence.batch.hosts_by_node
    rows = []
    for node in snapshot.nodes:
        heavy = [finding for finding in findings(evidence, node) if finding.weight >= AVOID]
        if heavy:
            since = min((finding.since for finding in heavy if finding.since), default=None)
            rows.append(Row({
                "node": node.name, "role": node.role or None, "weight": heavy[0].weight,
                "reason": "; ".join(f"{finding.area}: {finding.what}" for finding in heavy), "since": since,
                "hosts": [host["host"] for host in hosts.get(node.name, [])],
                "systems": [host["system"] for host in hosts.get(node.name, [])],
            }, severities={"reason": worst(finding.severity for finding in heavy)}))  # fmt: skip
    rows.sort(key=lambda row: (-row.values["weight"], natural(row.values["node"])))
    unjudged = {
        "never asked": silence.never_asked(snapshot.nodes),
        "asked while the clock was ahead": silence.ahead(snapshot.nodes),
        "not asked for long": silence.not_asked_lately(snapshot.nodes),
    }
    notes = tuple(f"{words}, so not judged: {fold(names)}" for words, names in unjudged.items() if names)
    return Table("bad", BAD, tuple(rows), {"nodes": len(snapshot.nodes)}, notes)


def summarize(table: Table) -> str:
    """Return `2 of 14 nodes to avoid`."""
    return f"{len(table.rows)} of {counted(table.facts['nodes'], 'node')} to avoid"


def exclusion(table: Table, batch: str) -> str:
    """Return the option with which a job stays off the nodes of a table `bad`; empty where there are none.

    `slurm` is for sbatch and srun, `sge` for qsub, `nica-scheduler` an attribute of its <run> element.
    """
    names = sorted(set(_hosts(table.rows, batch)), key=natural)
    if not names:
        return ""
    if batch == "slurm":
        return f"--exclude={fold(names)}"
    if batch == "sge":
        return f"-l h=!({'|'.join(names)})"
    return f'hosts="~{",".join(names)}"'


def _hosts(rows: Iterable[Row], batch: str) -> Iterable[str]:
    """Yield the nodes by the names that a batch system has for them; without batch systems, those of role batch."""
    rows = list(rows)
    if any(row.values["systems"] for row in rows):
        for row in rows:
            for system, host in zip(row.values["systems"], row.values["hosts"], strict=True):
                if batch in (system, "nica-scheduler"):
                    yield host
    else:
        yield from (row.values["node"] for row in rows if row.values["role"] == "batch")


BAD = (
    Field(computed("node", str, Text, "Name of the node."), 100),
    Field(computed("reason", str, Text, "Why to avoid it."), 99, wraps=True),
    Field(computed("since", datetime, Time, "Since when."), 96),
    Field(computed("role", str, Text, "Role in the inventory."), 50),
    Field(computed("weight", int, Count, "The weight of the worst: 100 is a lost node."), 0),
    Field(
        computed("hosts", list, Text, "Its names in the batch systems."),
        0,
        lambda row: ", ".join(row.values["hosts"]),
    ),
    Field(computed("systems", list, Text, "These batch systems."), 0, lambda row: ", ".join(row.values["systems"])),
)
TABLE = TableSpec(
    "bad",
    "The nodes to avoid, and why; with --as the exclude option of a batch system.",
    BAD,
    lambda request: bad(request.snapshot),
    summarize,
    details="These are the nodes of which something bad is known (see `nicamon explain`).",
)
