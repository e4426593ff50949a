"""What the permanent jobs of a farm are: its probes on its nodes, and the chores of its monitoring hosts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from nicassh import tasks as jobs
from nicassh.collection import run as collect
from nicassh.config.settings import Config
from nicassh.inventory import Node
from nicassh.probes.loader import Probe
from nicassh.store import Store, forget_nodes, prune, rollup
from nicassh.tasks import PROBE, Priority, Queue, Wanted

Chore = Callable[[Queue, Store, Config, Callable[[], bool]], None]
"""What a monitoring host does for itself. The last tells whether its worker is to stop: then the rest is left."""
_DAY = 86400
_MOST = 30.0
"""Seconds that a chore may take: its worker asks no node meanwhile. What is left comes the next time."""


def _tidy(queue: Queue, _store: Store, _config: Config, _halted: Callable[[], bool]) -> None:
    jobs.tidy(queue)


def _rollup(queue: Queue, store: Store, _config: Config, halted: Callable[[], bool]) -> None:
    rollup(store, store.clocks.trusted(store, queue.now()), _MOST, halted)


def _prune(queue: Queue, store: Store, config: Config, halted: Callable[[], bool]) -> None:
    now = store.clocks.trusted(store, queue.now())
    prune(store, config, now, _MOST, halted)
    if known := jobs.armed(queue):
        forget_nodes(store, known, now - config.forget_nodes_after * _DAY, now)


CHORES: Mapping[str, Chore] = {"tidy": _tidy, "rollup": _rollup, "prune": _prune}
"""Kinds of jobs besides probes, by name."""
_PERMANENT = (
    Wanted("tidy", "", "", Priority.NEGLIGIBLE, 600),
    Wanted("rollup", "", "", Priority.LOW, 300),
    Wanted("prune", "", "", Priority.NEGLIGIBLE, 3600),
)


def schedule(nodes: Sequence[Node], probes: Sequence[Probe]) -> list[Wanted]:
    """The permanent jobs of these nodes and probes."""
    wanted = list(_PERMANENT)
    for ask in collect.plan(nodes, probes):
        wanted += [Wanted(PROBE, ask.node.name, p.name, Priority.of(p.priority), p.every) for p in ask.probes]
    return wanted
