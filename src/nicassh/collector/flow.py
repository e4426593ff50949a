"""A flow: batch after batch is claimed as the fan-out has room, so that no slow node holds the others up."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from nicassh.collection import run as collect
from nicassh.collection.run import Answered, Ask
from nicassh.collector.recorder import Recorder
from nicassh.collector.share import Share
from nicassh.inventory import Node
from nicassh.model.units import counted
from nicassh.probes.loader import Probe
from nicassh.tasks import PROBE, ClaimedBatch, Priority, Registration, Task, TaskResult

_LOG = logging.getLogger("nicamon")
_POLL = 0.5
"""Seconds between two looks at a task list in which nothing is due."""
_PATIENCE, _BREATH = 2.0, 0.02
"""Seconds to wait for a claim that is under way, and between two looks at it."""


@dataclass(frozen=True)
class Known:
    """What a collector knows how to do: the nodes and probes of its files, by name, and its housekeeping tasks."""

    nodes: Mapping[str, Node]
    probes: Mapping[str, Probe]
    housekeeping: Mapping[str, Callable[[Callable[[], bool]], None]]


class Flow:
    """The batches of one collector as questions to nodes, and what becomes of them.

    `claim` gives the next batch, or None; none is asked for once it is `stopping`. The flow goes on while
    some batch is under way, and claims what has become due or free meanwhile. `found` tells whether there
    was a batch at all.
    """

    def __init__(
        self, registration: Registration, recorder: Recorder, known: Known, claim: Callable[[], ClaimedBatch | None],
        stopping: threading.Event,
    ) -> None:  # fmt: skip
        self._registration, self._recorder, self._known = registration, recorder, known
        self._claim, self._stopping = claim, stopping
        self._over, self._asking = threading.Event(), threading.Event()
        self._left: dict[str, tuple[float, int]] = {}
        self.found = False

    def asks(self) -> Iterator[Ask]:
        """The questions of batch after batch; each batch is claimed when its first question is asked for."""
        self._asking.set()
        try:
            while not self._done():
                if batch := self._claim():
                    self.found = True
                    for ask in self._questions(batch):
                        if self._done():  # what is left of the batch is given back, or another's already
                            return
                        yield ask
                    self._registration.batch = None
                elif self._left or self._recorder.unwritten:
                    # What is being asked may free its node for more, or another collector may add to what is due.
                    self._recorder.wait(_POLL)
                else:
                    return
        finally:
            self._asking.clear()

    def _done(self) -> bool:
        # Told to stop, it waits for no answers: nodes that were not begun with give none.
        told = self._stopping.is_set() or self._over.is_set()
        return told or self._recorder.lost or self._recorder.error is not None

    def end(self) -> None:
        """Claims no more; what is being claimed in another thread is done with when this returns."""
        self._over.set()
        end = time.monotonic() + _PATIENCE
        while self._asking.is_set() and time.monotonic() < end:
            self._recorder.wait(_BREATH)

    def begun(self, ask: Ask) -> None:
        """A node's turn has come."""
        self._recorder.begun(ask.about)

    def answered(self, answered: Answered) -> None:
        """A node has answered, or failed to."""
        self._recorder.answered(self._given_up(answered) if answered.away else answered)
        self._ended(answered.about)

    def _questions(self, batch: ClaimedBatch) -> list[Ask]:
        """The probes of a batch, all those of a node in one session; its housekeeping tasks are done on the way."""
        runs: dict[str, list[Task]] = {}
        for task in batch.tasks:
            if task.kind != PROBE:
                self._housekeeping(batch, task)
            elif task.node in self._known.nodes and task.argument in self._known.probes:
                runs.setdefault(task.node, []).append(task)
            else:
                what = f"this monitoring host does not know {task.node} or its probe {task.argument}"
                self._recorder.ended(batch, TaskResult(task, what, hopeless=True))
        shares = [Share(batch, tuple(some)) for some in runs.values()]
        if shares:
            self._left[batch.token] = (time.monotonic(), len(shares))
            self._registration.open_batches[batch.token] = batch.priority
        return [Ask(self._known.nodes[share.tasks[0].node], self._probes(share), share) for share in shares]

    def _probes(self, share: Share) -> tuple[Probe, ...]:
        return tuple(self._known.probes[name] for name in dict.fromkeys(task.argument for task in share.tasks))

    def _given_up(self, answered: Answered) -> Answered:
        """The answer of a node that is out of reach, for all of its probes: they are not asked one by one."""
        (ask,) = collect.plan([answered.node], list(self._known.probes.values()))
        return replace(answered, outcomes=tuple(replace(answered.login, probe=probe.name) for probe in ask.probes))

    def _ended(self, share: Share) -> None:
        """Tells of a batch when the last of its nodes has answered."""
        begin, left = self._left[share.batch.token]
        self._left[share.batch.token] = (begin, left - 1)
        if left > 1:
            return
        del self._left[share.batch.token]
        self._registration.open_batches.pop(share.batch.token, None)
        seconds = time.monotonic() - begin
        self._registration.costs.append((share.batch.priority, seconds))
        number, nodes = len(share.batch.tasks), len({task.node for task in share.batch.tasks})
        word = Priority(share.batch.priority).word
        _LOG.info("%s: %s on %s in %.1f s", word, counted(number, "task"), counted(nodes, "node"), seconds)

    def _housekeeping(self, batch: ClaimedBatch, task: Task) -> None:
        self._recorder.begun(Share(batch, (task,)))
        self._recorder.ended(batch, self._do(task))

    def _do(self, task: Task) -> TaskResult:
        """Does a housekeeping task; how it ended."""
        if task.kind not in self._known.housekeeping:
            return TaskResult(task, f"there is no housekeeping task {task.kind!r}", hopeless=True)
        try:
            self._known.housekeeping[task.kind](self._done)
        except Exception as error:  # noqa: BLE001 whatever a housekeeping task meets is its task's failure
            _LOG.warning("%s: %s", task.kind, error)
            return TaskResult(task, f"{type(error).__name__}: {error}")
        return TaskResult(task)
