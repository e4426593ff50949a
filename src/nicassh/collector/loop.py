"""One collector: claims a batch, runs it, and claims again, until nothing is due or it is told to stop."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from types import TracebackType

from nicassh import tasks
from nicassh.collection import run as collect
from nicassh.collection.run import Answered, Ask
from nicassh.collector.capacity import current_limit
from nicassh.collector.flow import Flow, Known
from nicassh.collector.recorder import BEATS, Recorder
from nicassh.collector.schedule import HOUSEKEEPING, Housekeeping
from nicassh.config.settings import Config
from nicassh.inventory import Node
from nicassh.model.errors import DatabaseError
from nicassh.probes.loader import Probe
from nicassh.store import Store
from nicassh.tasks import ClaimedBatch, Priority, TaskList
from nicassh.transport import Connections

_LOG = logging.getLogger("nicamon")
_POLL = 0.5
"""Seconds between two looks at a task list in which nothing is due."""
PATIENCE = 5.0
"""Seconds until what failed, a database that is down perhaps, is tried again."""


class Collector:
    """A collector with its connections to the nodes, which it keeps from batch to batch.

    `started` is told of each node when its turn comes, `seen` what came of it. As a context it enters
    the task list, and at its end gives back what it holds. Raises DatabaseError.
    """

    def __init__(
        self, task_list: TaskList, store: Store, nodes: Sequence[Node], probes: Sequence[Probe], config: Config, *,
        started: Callable[[Ask], None] = lambda _ask: None, seen: Callable[[Answered], None] = lambda _answered: None,
        housekeeping: Mapping[str, Housekeeping] = HOUSEKEEPING,
    ) -> None:  # fmt: skip
        self.task_list, self._store, self._config = task_list, store, config
        own = {name: partial(housekeeping, task_list, store, config) for name, housekeeping in housekeeping.items()}
        self._known = Known({node.name: node for node in nodes}, {probe.name: probe for probe in probes}, own)
        self._started, self._seen = started, seen
        self._connections = Connections(collect.limits_of(config))
        self._stopping = threading.Event()

    def __enter__(self) -> Collector:
        self._store.clocks.watch(self._store)
        self.registration = tasks.register(self.task_list)
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._connections.close()
        with suppress(DatabaseError):  # then its lease ends it
            tasks.unregister(self.task_list, self.registration)

    def stop(self) -> None:
        """Finishes what is under way, begins nothing more and gives back the rest; for handlers of signals."""
        self._stopping.set()
        self._connections.stop()

    def work(
        self, down_to: int = Priority.BACKGROUND, *, held: bool = False, wanted: Callable[[], bool] | None = None
    ) -> bool:
        """Claims and runs what is due, in classes down to this one, until nothing is; False where there was nothing.

        Tasks that come due meanwhile are left to others, unless it is `wanted`, which is asked before each
        claim. With `held` it runs the batch that it holds and claims no other. Raises DatabaseError.
        """
        due_by = self.task_list.now() if wanted is None else None

        def claim() -> ClaimedBatch | None:
            if (held and not self.registration.batch) or not (wanted is None or wanted()):
                return None
            limit, window = self._config.fetch_limit, self._config.fanout
            return tasks.claim(self.task_list, self.registration, limit, window, down_to=down_to, due_by=due_by)

        try:
            probes, stalled = list(self._known.probes.values()), self._connections.stalled
            with Recorder(self.task_list, self.registration, self._store, probes, stalled) as recorder:
                flow = Flow(self.registration, recorder, self._known, claim, self._stopping)
                try:
                    self._follow(flow)
                finally:
                    flow.end()
        finally:
            with suppress(DatabaseError):  # then its lease ends it
                tasks.release(self.task_list, self.registration)
        return flow.found

    def _follow(self, flow: Flow) -> None:
        def begun(ask: Ask) -> None:
            flow.begun(ask)
            self._started(ask)

        parameters = collect.parameters_of(self._config)
        for answered in collect.ask(flow.asks(), self._connections, parameters, begun):
            flow.answered(answered)
            self._seen(answered)

    def may_work(self, urgent: bool = False) -> bool:
        """Whether this machine bears this collector, by its load and memory; an urgent one beyond their number."""
        bound = current_limit(self._config)
        return bound > 0 and (urgent or tasks.rank(self.task_list, self.registration) < bound)

    def stay(self, wanted: Callable[[], bool], down_to: int, linger: float | None) -> None:
        """Works while it is wanted and not told to stop, also beyond failures of the database.

        A collector for urgent classes (`down_to`) ends after `linger` idle seconds.
        """

        def may() -> bool:
            return wanted() and self.may_work(urgent=linger is not None)

        beat = last = time.monotonic()
        failed = False
        while wanted() and not self._stopping.is_set() and (linger is None or time.monotonic() - last < linger):
            try:
                if failed:  # its signs of life would keep for ever what it could not give back
                    tasks.release(self.task_list, self.registration)
                    failed = False
                waiting = tasks.scheduler_state(self.task_list).waiting
                if waiting and min(waiting) <= down_to and may() and self.work(down_to, wanted=may):
                    last = time.monotonic()
                    continue
                if time.monotonic() - beat > self.task_list.lease / BEATS:
                    beat = time.monotonic()
                    self._store.clocks.watch(self._store)
                    tasks.heartbeat(self.task_list, self.registration)
                self._stopping.wait(_POLL)
            except DatabaseError as error:
                failed = True
                _LOG.error("%s; trying again in %g s", error.what, PATIENCE)
                self._stopping.wait(PATIENCE)
