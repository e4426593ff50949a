"""One worker: claims a batch, runs it, and claims again, until nothing is due or it is told to stop."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from types import TracebackType

from nicassh import collect, jobs
from nicassh.collect import Answered
from nicassh.config import Config
from nicassh.errors import DatabaseError
from nicassh.jobs import PROBE, Batch, Ended, Job, Priority, Queue
from nicassh.nodes import Node
from nicassh.probe import Probe
from nicassh.store import Store
from nicassh.transport import Connections
from nicassh.worker.bound import bound_of
from nicassh.worker.recorder import BEATS, Recorder
from nicassh.worker.schedule import CHORES, Chore

_LOG = logging.getLogger("nicamon")
_POLL = 0.5
"""Seconds between two looks at a queue in which nothing is due."""
_PATIENCE = 5.0
"""Seconds until a database that failed is tried again."""


class Worker:
    """A worker with its connections to the nodes, which it keeps from batch to batch.

    `started` is told each node's name when its turn comes, `seen` what came of it. As a context it enters
    the queue, and at its end gives back what it holds. Raises DatabaseError.
    """

    def __init__(
        self, queue: Queue, store: Store, nodes: Sequence[Node], probes: Sequence[Probe], config: Config, *,
        started: Callable[[str], None] = lambda _name: None, seen: Callable[[Answered], None] = lambda _answered: None,
        chores: Mapping[str, Chore] = CHORES,
    ) -> None:  # fmt: skip
        self.queue, self._store, self._config = queue, store, config
        self._nodes = {node.name: node for node in nodes}
        self._probes = {probe.name: probe for probe in probes}
        self._started, self._seen, self._chores = started, seen, chores
        self._connections = Connections(collect.limits_of(config))
        self._stopping = threading.Event()

    def __enter__(self) -> Worker:
        self.claimant = jobs.enter(self.queue)
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._connections.close()
        with suppress(DatabaseError):  # then its lease ends it
            jobs.leave(self.queue, self.claimant)

    def stop(self) -> None:
        """Finishes what is under way, begins nothing more and gives back the rest; for handlers of signals."""
        self._stopping.set()
        self._connections.stop()

    def work(self, down_to: int = Priority.NEGLIGIBLE) -> bool:
        """Claims one batch of a class down to this one and runs it; False where there is none, or it is to stop."""
        if self._stopping.is_set():
            return False
        batch = jobs.claim(self.queue, self.claimant, self._config.fetch_limit, self._config.fanout, down_to)
        if batch:
            self.run(batch)
        return batch is not None

    def may_work(self) -> bool:
        """Whether this machine bears this worker besides those that came before it, by its load and memory."""
        bound = bound_of(self._config)
        return bound > 0 and jobs.rank(self.queue, self.claimant) < bound

    def stay(self, wanted: Callable[[], bool], down_to: int, linger: float | None) -> None:
        """Works while it is wanted and not told to stop, also beyond failures of the database.

        A worker for urgent classes (`down_to`) rests with no rank, and ends after `linger` idle seconds.
        """
        beat = last = time.monotonic()
        while wanted() and not self._stopping.is_set() and (linger is None or time.monotonic() - last < linger):
            try:
                if (linger is not None or self.may_work()) and self.work(down_to):
                    last = time.monotonic()
                    continue
                if time.monotonic() - beat > self.queue.lease / BEATS:
                    beat = time.monotonic()
                    jobs.beat(self.queue, self.claimant)
                self._stopping.wait(_POLL)
            except DatabaseError as error:
                _LOG.error("%s; trying again in %g s", error.what, _PATIENCE)
                self._stopping.wait(_PATIENCE)

    def run(self, batch: Batch) -> None:
        """Runs a batch that it holds; what is not begun when it is told to stop is given back."""
        begin = time.monotonic()
        try:
            with Recorder(self.queue, self.claimant, batch, self._store, list(self._probes.values())) as recorder:
                self._ask([job for job in batch.jobs if job.kind == PROBE], recorder)
                self._do([job for job in batch.jobs if job.kind != PROBE], recorder)
        except BaseException:
            with suppress(DatabaseError):
                jobs.release(self.queue, self.claimant)
            raise
        jobs.release(self.queue, self.claimant)
        seconds = time.monotonic() - begin
        self.claimant.spent[batch.priority] = seconds
        words = (Priority(batch.priority).word, len(batch.jobs), len({job.node for job in batch.jobs}), seconds)
        _LOG.info("%s: %d jobs on %d nodes in %.1f s", *words)

    def _ask(self, some: Sequence[Job], recorder: Recorder) -> None:
        """Runs the probes of a batch, all those of a node in one session."""
        runs: dict[str, list[Job]] = {}
        for job in some:
            if job.node in self._nodes and job.argument in self._probes:
                runs.setdefault(job.node, []).append(job)
            else:
                what = f"{job.node} or its probe {job.argument} is not known to this head node"
                recorder.ended(Ended(job, what, hopeless=True))
        pairs = [
            (self._nodes[name], [self._probes[argument] for argument in dict.fromkeys(job.argument for job in own)])
            for name, own in runs.items()
        ]

        def begin(name: str) -> None:
            recorder.begun(runs[name])
            self._started(name)

        if pairs:
            parameters = collect.parameters_of(self._config)
            for answered in collect.ask(pairs, self._connections, parameters, begin):
                whole = self._given_up(answered) if answered.away else answered
                recorder.answered(whole)
                self._seen(answered)

    def _given_up(self, answered: Answered) -> Answered:
        """The answer of a node that cannot be reached, for all of its probes: they are not asked one by one."""
        ((_, probes),) = collect.plan([answered.node], list(self._probes.values()))
        return replace(answered, outcomes=tuple(replace(answered.login, probe=probe.name) for probe in probes))

    def _do(self, some: Sequence[Job], recorder: Recorder) -> None:
        """Does the chores of a batch, one after the other."""
        for job in some:
            if self._stopping.is_set():
                return
            recorder.begun([job])
            recorder.ended(self._chore(job))

    def _chore(self, job: Job) -> Ended:
        if job.kind not in self._chores:
            return Ended(job, f"there is no chore {job.kind!r}", hopeless=True)
        try:
            self._chores[job.kind](self.queue)
        except Exception as error:  # noqa: BLE001 whatever a chore meets is its job's failure
            _LOG.warning("%s: %s", job.kind, error)
            return Ended(job, f"{type(error).__name__}: {error}")
        return Ended(job)
