"""Save what came of some nodes, with rates made of counters; but nothing of a collector that lost its lease."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from nicassh import tasks
from nicassh.collection import rates
from nicassh.collection.run import NodeResult
from nicassh.inventory import fold
from nicassh.model.outcome import LOGIN, Outcome
from nicassh.probes.loader import Probe
from nicassh.store import Store
from nicassh.tasks import ClaimedBatch, Connection, Task, TaskList

_LOG = logging.getLogger("nicamon")
OutcomeFilter = Callable[[Connection, Sequence[Outcome]], Sequence[Outcome]]
"""Returns those of the outcomes that may be stored, inside the transaction that stores them."""


@dataclass(frozen=True)
class NodeTasks:
    """The tasks of a batch that one session with a node answers. They begin together."""

    batch: ClaimedBatch
    tasks: tuple[Task, ...]


def save(
    store: Store, probes: Sequence[Probe], results: Iterable[NodeResult[Any]], allowed: OutcomeFilter | None = None
) -> None:
    """Store what came of some nodes in one transaction, as far as `allowed` lets it. Raises DatabaseError."""
    timed = store.timing()
    results = list(results)
    by_probe: dict[str, list[Outcome]] = {}
    for result in results:
        for outcome in result.outcomes:
            by_probe.setdefault(outcome.probe, []).append(timed(outcome))
    for probe in probes:
        if probe.advance and probe.name in by_probe:
            outcomes = by_probe[probe.name]
            earlier = store.before(probe.name, [outcome.node for outcome in outcomes])
            by_probe[probe.name] = rates.advance(probe, outcomes, earlier)
    logins = [timed(result.login) for result in results]
    store.write(logins + [outcome for outcomes in by_probe.values() for outcome in outcomes], allowed)


class HeldTasks:
    """Lets those outcomes through whose tasks the collector still holds when they are stored.

    A collector that was stopped for a while (SIGSTOP, a paused virtual machine) takes old answers for new ones.
    `results` are those with a task that is still held, once it was called.
    """

    def __init__(self, task_list: TaskList, results: Sequence[NodeResult[NodeTasks]]) -> None:
        self._task_list, self._all = task_list, results
        self.results: list[NodeResult[NodeTasks]] = []

    def __call__(self, connection: Connection, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        held = tasks.still_held(self._task_list, connection, _claims(self._all))
        self.results = [
            result for result in self._all if any((task.node, task.argument) in held for task in result.context.tasks)
        ]
        nodes = {result.node.name for result in self.results}
        # A node out of reach has an outcome of every probe, though only some of its tasks were claimed.
        out_of_reach = {result.node.name for result in self.results if result.out_of_reach}
        if late := sorted({result.node.name for result in self._all} - nodes):
            _LOG.warning("%s: answered after their lease, not stored: they are asked again", fold(late))
        return [
            one
            for one in outcomes
            if one.node in out_of_reach or (one.node, one.probe) in held or (one.probe == LOGIN and one.node in nodes)
        ]


def _claims(results: Sequence[NodeResult[NodeTasks]]) -> list[tuple[ClaimedBatch, list[Task]]]:
    """Return the tasks of the results, by the batch that they were claimed with."""
    claims: dict[str, tuple[ClaimedBatch, list[Task]]] = {}
    for result in results:
        batch = result.context.batch
        claims.setdefault(batch.token, (batch, []))[1].extend(result.context.tasks)
    return list(claims.values())
