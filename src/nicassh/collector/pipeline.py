"""The pipeline of a collector: it claims batch after batch as there is room; no slow node holds up the others."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from nicassh.collection.run import NodeRequest, NodeResult, plan
from nicassh.collector.recorder import Recorder
from nicassh.collector.saving import NodeTasks
from nicassh.inventory import Node
from nicassh.model.units import counted
from nicassh.probes.loader import Probe
from nicassh.tasks import PROBE, ClaimedBatch, Priority, Registration, Task, TaskResult

_LOG = logging.getLogger("nicamon")
_POLL = 0.5
"""Seconds between two looks at a task list in which nothing is due."""
_CLAIM_TIMEOUT, _CLAIM_POLL = 2.0, 0.02
"""Seconds to wait at the end for a claim that is under way, and between two looks at it."""


@dataclass(frozen=True)
class Capabilities:
    """What a collector can do, by name: the nodes and probes of its files, and housekeeping tasks.

    A housekeeping task is called with a function that says whether the collector is to stop.
    """

    nodes: Mapping[str, Node]
    probes: Mapping[str, Probe]
    housekeeping: Mapping[str, Callable[[Callable[[], bool]], None]]


class Pipeline:
    """Turns the batches of a collector into requests to nodes, and passes the results to the recorder.

    `claim` returns the next batch, or None; it is not called any more once the collector is `stopping`. The pipeline
    goes on while a batch is under way, and claims what has become due or free meanwhile. `found_work` says whether
    there was a batch at all.
    """

    def __init__(
        self, registration: Registration, recorder: Recorder, capabilities: Capabilities,
        claim: Callable[[], ClaimedBatch | None], stopping: threading.Event,
    ) -> None:  # fmt: skip
        self._registration, self._recorder, self._capabilities = registration, recorder, capabilities
        self._claim, self._stopping = claim, stopping
        self._closed, self._claiming = threading.Event(), threading.Event()
        self._nodes_left: dict[str, tuple[float, int]] = {}
        self.found_work = False

    def requests(self) -> Iterator[NodeRequest[NodeTasks]]:
        """Yield the requests of batch after batch. A batch is claimed when its first request is asked for."""
        self._claiming.set()
        try:
            while not self._is_over():
                if batch := self._claim():
                    self.found_work = True
                    for request in self._requests_of(batch):
                        if self._is_over():  # the rest of the batch is given back, or has another collector already
                            return
                        yield request
                    self._registration.batch = None
                elif self._nodes_left or self._recorder.unwritten:
                    # A node that answers may be free for more, or another collector may add tasks.
                    if not self._nodes_left:
                        self._recorder.flush()
                    self._recorder.wait(_POLL)
                else:
                    return
        finally:
            self._claiming.clear()

    def _is_over(self) -> bool:
        # Where it is told to stop, it waits for no results: nodes that it has not begun with give none.
        told = self._stopping.is_set() or self._closed.is_set()
        return told or self._recorder.lost or self._recorder.error is not None

    def close(self) -> None:
        """Claim no more. A claim that another thread is making has ended when this returns."""
        self._closed.set()
        end = time.monotonic() + _CLAIM_TIMEOUT
        while self._claiming.is_set() and time.monotonic() < end:
            self._recorder.wait(_CLAIM_POLL)

    def begun(self, request: NodeRequest[NodeTasks]) -> None:
        """Record that the turn of a node has come."""
        self._recorder.begun(request.context)

    def answered(self, result: NodeResult[NodeTasks]) -> None:
        """Record what came of a node."""
        self._recorder.answered(self._with_all_probes(result) if result.out_of_reach else result)
        self._count_node(result.context)

    def _requests_of(self, batch: ClaimedBatch) -> list[NodeRequest[NodeTasks]]:
        """Return a request for each node, with all its probes of the batch. Housekeeping tasks are done on the way."""
        by_node: dict[str, list[Task]] = {}
        for task in batch.tasks:
            if task.kind != PROBE:
                self._do_housekeeping(batch, task)
            elif task.node in self._capabilities.nodes and task.argument in self._capabilities.probes:
                by_node.setdefault(task.node, []).append(task)
            else:
                error = f"this monitoring host does not know {task.node} or its probe {task.argument}"
                self._recorder.ended(batch, TaskResult(task, error, hopeless=True))
        if by_node:
            self._nodes_left[batch.token] = (time.monotonic(), len(by_node))
            self._registration.open_batches[batch.token] = batch.priority
        return [
            NodeRequest(self._capabilities.nodes[name], self._probes(some), NodeTasks(batch, tuple(some)))
            for name, some in by_node.items()
        ]

    def _probes(self, tasks: list[Task]) -> tuple[Probe, ...]:
        return tuple(self._capabilities.probes[name] for name in dict.fromkeys(task.argument for task in tasks))

    def _with_all_probes(self, result: NodeResult[NodeTasks]) -> NodeResult[NodeTasks]:
        """Return the result of a node out of reach with an outcome for each of its probes."""
        (request,) = plan([result.node], list(self._capabilities.probes.values()))
        return replace(result, outcomes=tuple(replace(result.login, probe=probe.name) for probe in request.probes))

    def _count_node(self, node_tasks: NodeTasks) -> None:
        """Count a node of a batch that has answered; log the batch after its last node."""
        batch = node_tasks.batch
        begin, left = self._nodes_left[batch.token]
        self._nodes_left[batch.token] = (begin, left - 1)
        if left > 1:
            return
        del self._nodes_left[batch.token]
        self._registration.open_batches.pop(batch.token, None)
        seconds = time.monotonic() - begin
        self._registration.costs.append((batch.priority, seconds))
        number, nodes = len(batch.tasks), len({task.node for task in batch.tasks})
        word = Priority(batch.priority).word
        _LOG.info("%s: %s on %s in %.1f s", word, counted(number, "task"), counted(nodes, "node"), seconds)

    def _do_housekeeping(self, batch: ClaimedBatch, task: Task) -> None:
        self._recorder.begun(NodeTasks(batch, (task,)))
        self._recorder.ended(batch, self._housekeeping_result(task))

    def _housekeeping_result(self, task: Task) -> TaskResult:
        """Do a housekeeping task and return how it ended."""
        if task.kind not in self._capabilities.housekeeping:
            return TaskResult(task, f"there is no housekeeping task {task.kind!r}", hopeless=True)
        try:
            self._capabilities.housekeeping[task.kind](self._is_over)
        except Exception as error:  # noqa: BLE001 whatever happens in it is the failure of this task alone
            _LOG.warning("%s: %s", task.kind, error)
            return TaskResult(task, f"{type(error).__name__}: {error}")
        return TaskResult(task)
