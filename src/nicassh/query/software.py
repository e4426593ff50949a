"""Findings about software: nodes that differ from the others of their role."""

from __future__ import annotations

from dataclasses import replace

from nicassh.inventory import Node
from nicassh.model.severity import Severity
from nicassh.model.units import counted
from nicassh.query.drift import Drift
from nicassh.query.findings import Finding
from nicassh.query.installed import EXPERIMENT, Installed
from nicassh.query.snapshot import Snapshot

WEIGHT = 25
"""The weight of such a finding. The difference may be intended, so it is no reason to avoid a node."""


def software_findings(snapshot: Snapshot) -> dict[str, Finding]:
    """Return the nodes that differ from the largest set of nodes of their role that are alike, each with in what."""
    found: dict[str, Finding] = {}
    for role in dict.fromkeys(node.role for node in snapshot.nodes):
        others = [node for node in snapshot.all_nodes if node.role == role]
        drift = Drift(Installed(replace(snapshot, nodes=others), EXPERIMENT))
        if len(drift.reference) < 2:
            continue
        asked = [node for node in snapshot.nodes if node.role == role]
        found |= {node.name: finding for node in asked if (finding := _finding(drift, node))}
    return found


def _finding(drift: Drift, node: Node) -> Finding | None:
    machine = drift.installed.machines[node.name]
    deviations = sorted(drift.deviations(machine), key=lambda what: what not in EXPERIMENT)
    if not deviations:
        return None
    what = f"{', '.join(deviations[:3])}{f' and {len(deviations) - 3} more' if len(deviations) > 3 else ''}"
    like = f"{counted(len(drift.reference), f'{node.role} node'.strip())}"
    verb = "is not that" if len(deviations) == 1 else "are not those"
    text = f"{what} {verb} of {like} that are alike: nicamon show diff {node.name} {drift.reference[0].name}"
    return Finding(Severity.WARNING, WEIGHT, "software", text, drift.since(machine))
