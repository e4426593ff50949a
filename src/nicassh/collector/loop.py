"""One collector: it claims a batch, runs it, and claims again, until nothing is due or it is told to stop."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from types import TracebackType

from nicassh import tasks
from nicassh.collection.run import NodeRequest, NodeResult, collect, probe_parameters, transport_limits
from nicassh.collector.capacity import current_limit
from nicassh.collector.housekeeping import HOUSEKEEPING, HousekeepingTask
from nicassh.collector.pipeline import Capabilities, Pipeline
from nicassh.collector.recorder import HEARTBEATS, Recorder
from nicassh.collector.saving import NodeTasks
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
RETRY_AFTER = 5.0
"""Seconds after which a failed step, for example while the database is down, is tried again."""


class Collector:
    """A collector with its connections to the nodes, which it keeps from batch to batch.

    `started` is called when the turn of a node comes, `seen` with what came of it. As a context it registers with the
    task list; at its end it gives back what it holds. Raises DatabaseError.
    """

    def __init__(
        self, task_list: TaskList, store: Store, nodes: Sequence[Node], probes: Sequence[Probe], config: Config, *,
        started: Callable[[NodeRequest[NodeTasks]], None] = lambda _request: None,
        seen: Callable[[NodeResult[NodeTasks]], None] = lambda _result: None,
        housekeeping: Mapping[str, HousekeepingTask] = HOUSEKEEPING,
    ) -> None:  # fmt: skip
        self.task_list, self._store, self._config = task_list, store, config
        self._capabilities = Capabilities(
            {node.name: node for node in nodes},
            {probe.name: probe for probe in probes},
            {name: partial(task, task_list, store, config) for name, task in housekeeping.items()},
        )
        self._started, self._seen = started, seen
        self._connections = Connections(transport_limits(config))
        self._stopping = threading.Event()

    def __enter__(self) -> Collector:
        self._store.clocks.watch()
        self.registration = tasks.register(self.task_list)
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._connections.close()
        with suppress(DatabaseError):  # then its lease ends it
            tasks.unregister(self.task_list, self.registration)

    def stop(self) -> None:
        """Finish what is under way, begin nothing more and give back the rest; for handlers of signals."""
        self._stopping.set()
        self._connections.stop()

    def work(
        self, down_to: int = Priority.BACKGROUND, *, held: bool = False, wanted: Callable[[], bool] | None = None
    ) -> bool:
        """Claim and run what is due, in classes down to this one, until nothing is. False where there was nothing.

        Tasks that come due meanwhile are left to others, unless there is a `wanted`: it is asked before each claim
        whether to go on. With `held` it runs the batch that it holds and claims no other. Raises DatabaseError.
        """
        due_by = self.task_list.now() if wanted is None else None

        def claim() -> ClaimedBatch | None:
            if (held and not self.registration.batch) or not (wanted is None or wanted()):
                return None
            limit, window = self._config.fetch_limit, self._config.fanout
            return tasks.claim(self.task_list, self.registration, limit, window, down_to=down_to, due_by=due_by)

        try:
            probes, stalled = list(self._capabilities.probes.values()), self._connections.stalled
            with Recorder(self.task_list, self.registration, self._store, probes, stalled) as recorder:
                pipeline = Pipeline(self.registration, recorder, self._capabilities, claim, self._stopping)
                try:
                    self._run(pipeline)
                finally:
                    pipeline.close()
        finally:
            with suppress(DatabaseError):  # then its lease ends it
                tasks.release(self.task_list, self.registration)
        return pipeline.found_work

    def _run(self, pipeline: Pipeline) -> None:
        def begun(request: NodeRequest[NodeTasks]) -> None:
            pipeline.begun(request)
            self._started(request)

        for result in collect(pipeline.requests(), self._connections, probe_parameters(self._config), begun):
            pipeline.answered(result)
            self._seen(result)

    def may_work(self, urgent: bool = False) -> bool:
        """Say whether this machine can bear this collector now; an urgent one is allowed beyond their number."""
        limit = current_limit(self._config)
        return limit > 0 and (urgent or tasks.rank(self.task_list, self.registration) < limit)

    def stay(self, wanted: Callable[[], bool], down_to: int, linger: float | None) -> None:
        """Work while it is wanted and not told to stop; failures of the database do not end it.

        A collector for urgent classes (`down_to`) ends after `linger` idle seconds.
        """

        def may() -> bool:
            return wanted() and self.may_work(urgent=linger is not None)

        last_heartbeat = last_work = time.monotonic()
        failed = False
        while wanted() and not self._stopping.is_set() and (linger is None or time.monotonic() - last_work < linger):
            try:
                if failed:  # heartbeats would keep for ever what it could not give back
                    tasks.release(self.task_list, self.registration)
                    failed = False
                waiting = tasks.scheduler_state(self.task_list).waiting
                if waiting and min(waiting) <= down_to and may() and self.work(down_to, wanted=may):
                    last_work = time.monotonic()
                    continue
                if time.monotonic() - last_heartbeat > self.task_list.lease / HEARTBEATS:
                    last_heartbeat = time.monotonic()
                    self._store.clocks.watch()
                    tasks.heartbeat(self.task_list, self.registration)
                self._stopping.wait(_POLL)
            except DatabaseError as error:
                failed = True
                _LOG.error("%s; trying again in %g s", error.what, RETRY_AFTER)
                self._stopping.wait(RETRY_AFTER)
