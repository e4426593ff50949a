"""Nodes whose software is not that of the others of their role."""

from __future__ import annotations

from dataclasses import replace

from nicassh.inventory import Node
from nicassh.model.units import counted
from nicassh.query.drift import Drift
from nicassh.query.findings import Finding
from nicassh.query.installed import EXPERIMENT, Installed
from nicassh.query.scene import Scene

WEIGHT = 25
"""Worth knowing, and no reason to avoid a node: that it is different may be meant."""


def strange(scene: Scene) -> dict[str, Finding]:
    """The nodes of a scene that differ from the largest set of nodes of their role, each with in what."""
    found: dict[str, Finding] = {}
    for role in dict.fromkeys(node.role for node in scene.nodes):
        others = [node for node in scene.everyone or scene.nodes if node.role == role]
        drift = Drift(Installed(replace(scene, nodes=others), EXPERIMENT))
        if len(drift.reference) < 2:
            continue
        asked = [node for node in scene.nodes if node.role == role]
        found |= {node.name: finding for node in asked if (finding := _finding(drift, node))}
    return found


def _finding(drift: Drift, node: Node) -> Finding | None:
    machine = drift.installed.machines[node.name]
    odd = sorted(drift.odd(machine), key=lambda what: what not in EXPERIMENT)
    if not odd:
        return None
    what = f"{', '.join(odd[:3])}{f' and {len(odd) - 3} more' if len(odd) > 3 else ''}"
    like = f"{counted(len(drift.reference), f'{node.role} node'.strip())}"
    verb = "is not that" if len(odd) == 1 else "are not those"
    command = f"nicamon show diff {node.name} {drift.reference[0].name}"
    return Finding(WEIGHT, "software", f"{what} {verb} of {like} that are alike: {command}", drift.since(machine))
