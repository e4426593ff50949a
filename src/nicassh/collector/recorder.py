"""The recorder of a collector: a thread that writes what becomes of its tasks, and renews its lease.

So a slow database never keeps the nodes waiting, and a slow node never keeps the results of others waiting.
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
from nicassh.collection.run import NodeResult
from nicassh.collector.saving import HeldTasks, NodeTasks, save
from nicassh.model.errors import NicamonError
from nicassh.probes.loader import Probe
from nicassh.store import Store
from nicassh.tasks import ClaimedBatch, Registration, Task, TaskList, TaskResult
from nicassh.tasks.scheduler import TIME_LIMITS

T = TypeVar("T")
HEARTBEATS = 3
"""Heartbeats within one lease."""
_LOG = logging.getLogger("nicamon")
_GROUP_SECONDS, _GROUP_SIZE = 1.0, 64
"""Results are written together: those of so many seconds, or so many of them."""
_OVERDUE_EXIT = 70
"""The exit status of a collector that ends because a task ran for too long."""


class Recorder:
    """Writes runs that begin, results of nodes, and runs that end.

    unwritten: how many results are on their way to the database
    error:     what the database, or a fault of nicamon, ended the recorder with
    lost:      the lease ran out: what comes now is dropped

    As a context it waits at its end until all is written, and raises `error` then. `stalled` says for how many seconds
    those who ask the nodes have stood still. While that is long there is no heartbeat, because this thread alone does
    nothing for the tasks that the collector holds.
    """

    def __init__(
        self, task_list: TaskList, registration: Registration, store: Store, probes: Sequence[Probe],
        stalled: Callable[[], float] = lambda: 0.0,
    ) -> None:  # fmt: skip
        self._task_list, self._registration, self._store, self._probes = task_list, registration, store, probes
        self._stalled = stalled
        self._begun: deque[NodeTasks] = deque()
        self._results: deque[NodeResult[NodeTasks]] = deque()
        self._ended: deque[tuple[ClaimedBatch, TaskResult]] = deque()
        # What is under way, since when. The threads that ask write it at once: tasks may end before they are recorded.
        self._since: dict[tuple[str, int], tuple[float, ClaimedBatch, Task]] = {}
        self._wake, self._due, self._written = threading.Event(), threading.Event(), threading.Condition()
        self._closing = False
        self.unwritten = 0
        self._thread = threading.Thread(target=self._run, name="recorder")
        self.error: NicamonError | None = None
        self.lost = False

    def __enter__(self) -> Recorder:
        self._thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._closing = True
        self.flush()
        self._thread.join()
        if self.error and _type in (None, KeyboardInterrupt):  # who interrupts it is told that what came is stored
            raise self.error

    def begun(self, node_tasks: NodeTasks) -> None:
        """Record that these tasks begin now."""
        now = time.monotonic()
        batch = node_tasks.batch
        self._since.update(((batch.token, task.id), (now, batch, task)) for task in node_tasks.tasks)
        self._begun.append(node_tasks)
        self._wake.set()

    def answered(self, result: NodeResult[NodeTasks]) -> None:
        """Record what came of a node, and the end of its tasks."""
        self._stop_timing(result.context.batch, result.context.tasks)
        self._count(1)
        self._results.append(result)
        self._wake_writer()

    def ended(self, batch: ClaimedBatch, result: TaskResult) -> None:
        """Record the end of a task that no node was asked for."""
        self._stop_timing(batch, [result.task])
        self._count(1)
        self._ended.append((batch, result))
        self._wake_writer()

    def flush(self) -> None:
        """Write the results that wait now: no more come for a while."""
        self._due.set()
        self._wake.set()

    def _wake_writer(self) -> None:
        if len(self._results) + len(self._ended) >= _GROUP_SIZE:
            self._due.set()
        self._wake.set()

    def wait(self, seconds: float) -> None:
        """Wait until results have been written, at most so many seconds."""
        with self._written:
            self._written.wait(seconds)

    def _stop_timing(self, batch: ClaimedBatch, ended: Iterable[Task]) -> None:
        for task in ended:
            self._since.pop((batch.token, task.id), None)

    def _count(self, number: int) -> None:
        with self._written:
            self.unwritten += number
            if number < 0:
                self._written.notify_all()

    def _run(self) -> None:
        last_heartbeat = time.monotonic()
        interval = self._task_list.lease / HEARTBEATS
        try:
            while not (self._closing and not (self._begun or self._results or self._ended)):
                self._wake.wait(interval)
                self._wake.clear()
                self._write_starts()
                if not self._closing:
                    self._due.wait(min(_GROUP_SECONDS, interval))
                    self._due.clear()
                    self._write_starts()  # before results: the end of a run ends its claim
                self._write_results()
                if time.monotonic() - last_heartbeat > interval >= self._stalled():
                    last_heartbeat = time.monotonic()
                    self._heartbeat()
        except NicamonError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 a thread has nobody else to tell
            self.error = NicamonError(f"{type(error).__name__}: {error}", "this is a fault of nicamon")

    def _write_starts(self) -> None:
        begun = _drain(self._begun)
        for batch, parts in _by_batch((one.batch, one.tasks) for one in begun):
            tasks.start(self._task_list, batch, [task for part in parts for task in part])

    def _write_results(self) -> None:
        results, ended = _drain(self._results), _drain(self._ended)
        try:
            if not self.lost and (results or ended):
                self._write(results, ended)
        finally:
            self._count(-len(results) - len(ended))

    def _write(self, results: list[NodeResult[NodeTasks]], ended: list[tuple[ClaimedBatch, TaskResult]]) -> None:
        held = HeldTasks(self._task_list, results)
        save(self._store, self._probes, results, held)
        answered = [result for result in held.results if not result.out_of_reach]
        out_of_reach = [result for result in held.results if result.out_of_reach]
        runs = ended + [(result.context.batch, run) for result in answered for run in _task_results(result)]
        for batch, some in _by_batch(runs):
            tasks.complete(self._task_list, self._registration, batch, some)
        for batch, lost in _by_batch((result.context.batch, result) for result in out_of_reach):
            tasks.pause_nodes(self._task_list, batch, {one.node.name: one.login.reason for one in lost})
        tasks.pause_with_node(self._task_list, [run.task for _, run in runs if run.error and not run.node_answered])

    def _heartbeat(self) -> None:
        """Renew the lease. Ends the process where a task has run for longer than its class may."""
        self._store.clocks.watch()
        lapsed = tasks.free_lapsed(self._task_list, self._registration)
        if not tasks.heartbeat(self._task_list, self._registration) or lapsed:
            self.lost = True
            _LOG.warning(
                "the lease ran out while this collector slept or did not reach the database: its results are dropped"
            )
        now = time.monotonic()
        running = list(self._since.values())
        overdue = [(batch, task) for begin, batch, task in running if now - begin > TIME_LIMITS[batch.priority]]
        for batch, some in _by_batch(overdue):
            tasks.stop_overdue(self._task_list, batch, some)
        if overdue:
            names = ", ".join(f"{task.argument or task.kind} {task.node}".strip() for _, task in overdue)
            _LOG.error("%s: ran for longer than its class may; this collector ends", names)
            tasks.unregister(self._task_list, self._registration)
            os._exit(_OVERDUE_EXIT)


def _by_batch(pairs: Iterable[tuple[ClaimedBatch, T]]) -> list[tuple[ClaimedBatch, list[T]]]:
    """Return the items of each batch."""
    parts: dict[str, tuple[ClaimedBatch, list[T]]] = {}
    for batch, item in pairs:
        parts.setdefault(batch.token, (batch, []))[1].append(item)
    return list(parts.values())


def _task_results(result: NodeResult[NodeTasks]) -> list[TaskResult]:
    """Return how the tasks of a node ended."""
    errors = {
        one.probe: "" if one.state.is_ok else f"{one.state.replace('_', ' ')}: {one.reason}" for one in result.outcomes
    }
    node_answered = result.login.state.is_ok
    return [TaskResult(task, errors[task.argument], node_answered=node_answered) for task in result.context.tasks]


def _drain(waiting: deque[T]) -> list[T]:
    """Take what has come so far; other threads may go on adding."""
    return [waiting.popleft() for _ in range(len(waiting))]
