"""The record of what a collector has under way: it is written while it runs, and its lease is kept.

A thread of its own does that, so that the database never keeps the nodes waiting, nor a slow node the results
of the others.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import TypeVar

from nicassh import tasks
from nicassh.collection import run as collect
from nicassh.collection.run import Answered
from nicassh.collector.fence import Fence
from nicassh.collector.share import Share
from nicassh.model.errors import NicamonError
from nicassh.probes.loader import Probe
from nicassh.store import Store
from nicassh.tasks import ClaimedBatch, Registration, Task, TaskList, TaskResult
from nicassh.tasks.scheduler import TIME_LIMITS

T = TypeVar("T")
BEATS = 3
"""Signs of life within one lease."""
_LOG = logging.getLogger("nicamon")
_PAUSE = 0.1
"""Seconds in which results gather before they are written together."""


class Recorder:
    """Writes what becomes of tasks: runs that begin, answers of nodes, runs that end.

    `unwritten` is how many answers are on their way to the database. As a context it waits at its end until
    all is written. Raises DatabaseError there. `stalled` tells for how many seconds those who ask the nodes have stood
    still: then there is no sign of life, for this thread alone can do nothing for what it holds.
    """

    def __init__(
        self, task_list: TaskList, registration: Registration, store: Store, probes: Sequence[Probe],
        stalled: Callable[[], float] = lambda: 0.0,
    ) -> None:  # fmt: skip
        self._task_list, self._registration, self._store, self._probes = task_list, registration, store, probes
        self._stalled = stalled
        self._begun: deque[Share] = deque()
        self._answers: deque[Answered] = deque()
        self._ended: deque[tuple[ClaimedBatch, TaskResult]] = deque()
        # What is under way, since when; written by those who ask, at once: the tasks may end before they are recorded.
        self._since: dict[tuple[str, int], tuple[float, ClaimedBatch, Task]] = {}
        self._wake, self._closing, self._news = threading.Event(), threading.Event(), threading.Condition()
        self.unwritten = 0
        self._thread = threading.Thread(target=self._write, name="recorder")
        self.error: NicamonError | None = None
        self.lost = False

    def __enter__(self) -> Recorder:
        self._thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._wake.set()
        self._thread.join()
        if self.error and _type in (None, KeyboardInterrupt):  # who interrupts it is told that what came is stored
            raise self.error

    def begun(self, share: Share) -> None:
        """These tasks begin now."""
        now = time.monotonic()
        self._since.update(((share.batch.token, task.id), (now, share.batch, task)) for task in share.tasks)
        self._begun.append(share)
        self._wake.set()

    def answered(self, answered: Answered) -> None:
        """A node has answered, or failed to; the question was about a share."""
        self._over(answered.about.batch, answered.about.tasks)
        self._count(1)
        self._answers.append(answered)
        self._wake.set()

    def ended(self, batch: ClaimedBatch, run: TaskResult) -> None:
        """A task that no node was asked for has ended."""
        self._over(batch, [run.task])
        self._count(1)
        self._ended.append((batch, run))
        self._wake.set()

    def wait(self, seconds: float) -> None:
        """Waits until results have been written, at most so many seconds."""
        with self._news:
            self._news.wait(seconds)

    def _over(self, batch: ClaimedBatch, ended: Iterable[Task]) -> None:
        for task in ended:
            self._since.pop((batch.token, task.id), None)

    def _count(self, number: int) -> None:
        with self._news:
            self.unwritten += number
            if number < 0:
                self._news.notify_all()

    def _write(self) -> None:
        beat = time.monotonic()
        try:
            while not (self._closing.is_set() and not (self._begun or self._answers or self._ended)):
                self._wake.wait(self._task_list.lease / BEATS)
                self._wake.clear()
                self._starts()
                self._closing.wait(_PAUSE)
                self._results()
                if time.monotonic() - beat > self._task_list.lease / BEATS >= self._stalled():
                    beat = time.monotonic()
                    self._beat()
        except NicamonError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 a thread has nobody else to tell
            self.error = NicamonError(f"{type(error).__name__}: {error}", "this is a fault of nicamon")

    def _starts(self) -> None:
        begun = _drain(self._begun)
        for batch, some in _parted((share.batch, share.tasks) for share in begun):
            tasks.start(self._task_list, batch, [task for run in some for task in run])

    def _results(self) -> None:
        answers, ended = _drain(self._answers), _drain(self._ended)
        try:
            if not self.lost and (answers or ended):
                self._store_results(answers, ended)
        finally:
            self._count(-len(answers) - len(ended))

    def _store_results(self, answers: list[Answered], ended: list[tuple[ClaimedBatch, TaskResult]]) -> None:
        fence = Fence(self._task_list, answers)
        collect.save(self._store, self._probes, answers, fence)
        answers = fence.passed
        away = [answer for answer in answers if answer.away]
        runs = ended + [(answer.about.batch, run) for answer in answers if not answer.away for run in _runs(answer)]
        for batch, some in _parted(runs):
            tasks.complete(self._task_list, self._registration, batch, some)
        for batch, gone in _parted((answer.about.batch, answer) for answer in away):
            tasks.pause_nodes(self._task_list, batch, {answer.node.name: answer.login.reason for answer in gone})
        tasks.pause_with_node(self._task_list, [run.task for _, run in runs if run.error and not run.node_answered])

    def _beat(self) -> None:
        """A sign of life; it ends the process where a task runs for longer than its class may."""
        self._store.clocks.watch(self._store)
        over = tasks.free_lapsed(self._task_list, self._registration)
        if not tasks.heartbeat(self._task_list, self._registration) or over:
            self.lost = True
            _LOG.warning(
                "the lease ran out while this collector slept or did not reach the database: its results are dropped"
            )
        now = time.monotonic()
        running = list(self._since.values())
        late = [(batch, task) for begin, batch, task in running if now - begin > TIME_LIMITS[batch.priority]]
        for batch, some in _parted(late):
            tasks.stop_overdue(self._task_list, batch, some)
        if late:
            names = ", ".join(f"{task.argument or task.kind} {task.node}".strip() for _, task in late)
            _LOG.error("%s: ran for longer than its class may; this collector ends", names)
            tasks.unregister(self._task_list, self._registration)
            os._exit(70)


def _parted(pairs: Iterable[tuple[ClaimedBatch, T]]) -> list[tuple[ClaimedBatch, list[T]]]:
    """The items of each batch."""
    parts: dict[str, tuple[ClaimedBatch, list[T]]] = {}
    for batch, item in pairs:
        parts.setdefault(batch.token, (batch, []))[1].append(item)
    return list(parts.values())


def _runs(answer: Answered) -> list[TaskResult]:
    """How the tasks of a node ended."""
    words = {o.probe: "" if o.state.is_ok else f"{o.state.replace('_', ' ')}: {o.reason}" for o in answer.outcomes}
    return [
        TaskResult(task, words[task.argument], node_answered=answer.login.state.is_ok) for task in answer.about.tasks
    ]


def _drain(waiting: deque[T]) -> list[T]:
    """What has come so far; other threads may go on adding."""
    return [waiting.popleft() for _ in range(len(waiting))]
