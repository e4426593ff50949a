"""Everything that is wrong with a node, or with several, the worst first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from nicassh.inventory import Node, fold
from nicassh.model.outcome import State
from nicassh.model.severity import Severity
from nicassh.model.units import Count, Text, Time, counted, draw_seconds
from nicassh.query.findings import Evidence, Finding, findings
from nicassh.query.registry import Nodes, TableSpec
from nicassh.query.silence import Silence
from nicassh.query.snapshot import Snapshot
from nicassh.query.software import software_findings
from nicassh.query.table import Field, Row, Table, computed


def explain(snapshot: Snapshot) -> Table:
    """Return everything that is wrong with the nodes of a snapshot, the worst first.

    Where nobody collects, one row without a node says so. What was wrong long ago is not shown then.
    """
    evidence, silence = Evidence(snapshot), Silence(snapshot)
    unseen = silence.concerns(snapshot.nodes)
    found: list[tuple[str | None, Finding]] = [(None, silence.finding)] if unseen else []
    judged = [node for node in snapshot.nodes if node.name not in unseen]
    found += [(node.name, finding) for node in judged for finding in findings(evidence, node)]
    found += [(name, finding) for name, finding in software_findings(snapshot).items() if name not in unseen]
    # What concerns the collector itself comes first: it says what the rest is worth.
    found.sort(key=lambda item: (item[0] is not None, -item[1].severity.rank, -item[1].weight))
    rows = tuple(_row(name, finding) for name, finding in found)
    seen = (f"last seen {_seen(snapshot)}",) if len(snapshot.nodes) == 1 else ()
    return Table("explain", EXPLAIN, rows, {"names": snapshot.names}, (*seen, *_outdated(snapshot, judged)))


def _row(name: str | None, finding: Finding) -> Row:
    values = {
        "node": name, "severity": finding.severity.word, "weight": finding.weight, "area": finding.area,
        "finding": finding.what, "since": finding.since,
    }  # fmt: skip
    return Row(values, severities={"severity": finding.severity})


def summarize(table: Table) -> str:
    """Return `nc10.jinr.ru: 2 critical, 1 warning, 1 note`."""
    counts = Counter(row.values["severity"] for row in table.rows)
    words = {"critical": "critical", "warning": "warning", "unknown": "unknown"}
    parts = [f"{counts[word]} {text}" for word, text in words.items() if counts[word]]
    parts += [counted(counts["ok"], "note")] if counts["ok"] else []
    return f"{fold(table.facts['names'])}: {', '.join(parts) or 'no problems found'}"


def _outdated(snapshot: Snapshot, judged: Iterable[Node]) -> list[str]:
    """Return `not judged, too old: mounts on nc[2-3]`.

    Without that, a probe that nobody runs any more would look like one that finds nothing.
    """
    found: dict[str, list[str]] = {}
    for node in judged:
        for probe, outcome in snapshot.outcomes[node.name].items():
            for_it = node.name in snapshot.clusters or probe not in snapshot.store.cluster_probes
            records = snapshot.store.probes.get(probe, []) if for_it and State(outcome["state"]).is_ok else []
            if records and snapshot.is_stale(records[0], {"node": node.name, "at": outcome["at"]}):
                found.setdefault(probe, []).append(node.name)
    told = [f"{probe} on {fold(names)}" for probe, names in found.items()]
    return [f"not judged, too old: {', '.join(told)}"] if told else []


def _seen(snapshot: Snapshot) -> str:
    """Return how long ago the node gave its newest row. It may have been asked later, and have failed."""
    times = [row["at"] for record in snapshot.store.records for row in snapshot.rows(record) if record != "processes"]
    login = snapshot.login(snapshot.names[0])
    if login is not None and login["state"] == "ok":
        times.append(login["at"])
    if not times:
        return "never"
    # A row of a time in the future has no age: a clock was ahead.
    ages = [age for at in times if (age := snapshot.seconds_since(at)) is not None]
    return f"{draw_seconds(min(ages))} ago" if ages else "while the clock was ahead"


_SEVERITIES = tuple(one.word for one in Severity)
EXPLAIN = (
    Field(computed("node", str, Text, "Name of the node; null: it is nicamon's own trouble."), 100),
    Field(
        computed(
            "severity", str, Text, "ok: worth knowing; warning: look at it; critical; unknown.", choices=_SEVERITIES
        ),
        99,
    ),
    Field(computed("area", str, Text, "ssh, collection, batch, mounts, disks, services, memory, …"), 95),
    Field(computed("finding", str, Text, "What is wrong."), 98, wraps=True),
    Field(computed("since", datetime, Time, "Since when, where that is known."), 96),
    Field(
        computed("weight", int, Count, "How much it weighs: 100 is a lost node, from 60 on it is to be avoided."),
        0,
    ),
)
TABLE = TableSpec(
    "explain",
    "Everything that is wrong with a node, or with several, the worst first.",
    EXPLAIN,
    lambda request: explain(request.snapshot),
    summarize,
    nodes=Nodes.NAMED,
    command="explain",
)
