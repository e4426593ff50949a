"""What the permanent jobs of a farm are: its probes on its nodes, and the chores of its head nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from nicassh import collect, jobs
from nicassh.jobs import PROBE, Priority, Queue, Wanted
from nicassh.nodes import Node
from nicassh.probe import Probe

Chore = Callable[[Queue], None]
CHORES: Mapping[str, Chore] = {"tidy": jobs.tidy}
"""Kinds of jobs besides probes, by name: what a head node does for itself."""
_TIDY_EVERY = 600


def schedule(nodes: Sequence[Node], probes: Sequence[Probe]) -> list[Wanted]:
    """The permanent jobs of these nodes and probes."""
    wanted = [Wanted("tidy", "", "", Priority.NEGLIGIBLE, _TIDY_EVERY)]
    for ask in collect.plan(nodes, probes):
        wanted += [Wanted(PROBE, ask.node.name, p.name, Priority.of(p.priority), p.every) for p in ask.probes]
    return wanted
