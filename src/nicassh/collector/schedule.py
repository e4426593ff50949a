"""What the periodic tasks of a farm are: its probes on its nodes, and the housekeeping of its monitoring hosts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from nicassh import tasks
from nicassh.collection import run as collect
from nicassh.config.settings import Config
from nicassh.inventory import Node
from nicassh.probes.loader import Probe
from nicassh.store import Store, forget_nodes, prune, rollup
from nicassh.tasks import PROBE, PeriodicTask, Priority, TaskList

Housekeeping = Callable[[TaskList, Store, Config, Callable[[], bool]], None]
"""What a monitoring host does for itself. The last tells whether its collector is to stop: then the rest is left."""
_DAY = 86400
_MOST = 30.0
"""Seconds that a housekeeping task may take: its collector asks no node meanwhile. What is left comes the next time."""


def _tidy(task_list: TaskList, _store: Store, _config: Config, _halted: Callable[[], bool]) -> None:
    tasks.forget_finished(task_list)


def _rollup(task_list: TaskList, store: Store, _config: Config, halted: Callable[[], bool]) -> None:
    rollup(store, store.clocks.trusted(store, task_list.now()), _MOST, halted)


def _prune(task_list: TaskList, store: Store, config: Config, halted: Callable[[], bool]) -> None:
    now = store.clocks.trusted(store, task_list.now())
    prune(store, config, now, _MOST, halted)
    if known := tasks.periodic_nodes(task_list):
        forget_nodes(store, known, now - config.forget_nodes_after * _DAY, now)


HOUSEKEEPING: Mapping[str, Housekeeping] = {"tidy": _tidy, "rollup": _rollup, "prune": _prune}
"""Kinds of tasks besides probes, by name."""
_PERMANENT = (
    PeriodicTask("tidy", "", "", Priority.BACKGROUND, 600),
    PeriodicTask("rollup", "", "", Priority.LOW, 300),
    PeriodicTask("prune", "", "", Priority.BACKGROUND, 3600),
)


def schedule(nodes: Sequence[Node], probes: Sequence[Probe]) -> list[PeriodicTask]:
    """The periodic tasks of these nodes and probes."""
    wanted = list(_PERMANENT)
    for ask in collect.plan(nodes, probes):
        wanted += [PeriodicTask(PROBE, ask.node.name, p.name, Priority.of(p.priority), p.every) for p in ask.probes]
    return wanted
