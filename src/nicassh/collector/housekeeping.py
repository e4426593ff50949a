"""The periodic tasks of a farm: the probes on its nodes, and the housekeeping tasks of the monitoring host."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from nicassh import tasks
from nicassh.collection.run import plan
from nicassh.config.settings import Config
from nicassh.inventory import Node
from nicassh.probes.loader import Probe
from nicassh.store import Store
from nicassh.tasks import PROBE, PeriodicTask, Priority, TaskList

HousekeepingTask = Callable[[TaskList, Store, Config, Callable[[], bool]], None]
"""What a monitoring host does for itself. The last argument says whether it is to stop; then it leaves the rest."""
_DAY = 86400
_MOST = 30.0
"""Seconds that a housekeeping task may take, in which its collector contacts no node. The next run does the rest."""


def _forget_finished(task_list: TaskList, _store: Store, _config: Config, _is_stopping: Callable[[], bool]) -> None:
    tasks.forget_finished(task_list)


def _rollup(task_list: TaskList, store: Store, _config: Config, is_stopping: Callable[[], bool]) -> None:
    store.rollup(store.clocks.trusted(task_list.now()), _MOST, is_stopping)


def _prune(task_list: TaskList, store: Store, config: Config, is_stopping: Callable[[], bool]) -> None:
    now = store.clocks.trusted(task_list.now())
    store.prune(config, now, _MOST, is_stopping)
    if known := tasks.periodic_nodes(task_list):
        store.forget_nodes(known, now - config.forget_nodes_after * _DAY, now)


HOUSEKEEPING: Mapping[str, HousekeepingTask] = {"tidy": _forget_finished, "rollup": _rollup, "prune": _prune}
"""The kinds of tasks besides probes, by name."""
_PERIODIC = (
    PeriodicTask("tidy", "", "", Priority.BACKGROUND, 600),
    PeriodicTask("rollup", "", "", Priority.LOW, 300),
    PeriodicTask("prune", "", "", Priority.BACKGROUND, 3600),
)


def periodic_tasks(nodes: Sequence[Node], probes: Sequence[Probe]) -> list[PeriodicTask]:
    """Return the periodic tasks of these nodes and probes, and the housekeeping tasks."""
    found = list(_PERIODIC)
    for request in plan(nodes, probes):
        name = request.node.name
        found += [PeriodicTask(PROBE, name, p.name, Priority.of(p.priority), p.every) for p in request.probes]
    return found
