"""The record of what a worker has under way: it is written while it runs, and its lease is kept.

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

from nicassh import tasks as jobs
from nicassh.collection import run as collect
from nicassh.collection.run import Answered
from nicassh.collector.fence import Fence
from nicassh.collector.share import Share
from nicassh.model.errors import NicamonError
from nicassh.probes.loader import Probe
from nicassh.store import Store
from nicassh.tasks import Batch, Claimant, Ended, Job, Queue
from nicassh.tasks.backoff import RUNTIME

T = TypeVar("T")
BEATS = 3
"""Signs of life within one lease."""
_LOG = logging.getLogger("nicamon")
_PAUSE = 0.1
"""Seconds in which results gather before they are written together."""


class Recorder:
    """Writes what becomes of jobs: runs that begin, answers of nodes, runs that end.

    `unwritten` is how many answers are on their way to the database. As a context it waits at its end until
    all is written. Raises DatabaseError there. `stalled` tells for how many seconds those who ask the nodes have stood
    still: then there is no sign of life, for this thread alone can do nothing for what it holds.
    """

    def __init__(
        self, queue: Queue, claimant: Claimant, store: Store, probes: Sequence[Probe],
        stalled: Callable[[], float] = lambda: 0.0,
    ) -> None:  # fmt: skip
        self._queue, self._claimant, self._store, self._probes = queue, claimant, store, probes
        self._stalled = stalled
        self._begun: deque[Share] = deque()
        self._answers: deque[Answered] = deque()
        self._ended: deque[tuple[Batch, Ended]] = deque()
        # What is under way, since when; written by those who ask, at once: the jobs may end before they are recorded.
        self._since: dict[tuple[str, int], tuple[float, Batch, Job]] = {}
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
        """These jobs begin now."""
        now = time.monotonic()
        self._since.update(((share.batch.token, job.id), (now, share.batch, job)) for job in share.jobs)
        self._begun.append(share)
        self._wake.set()

    def answered(self, answered: Answered) -> None:
        """A node has answered, or failed to; the question was about a share."""
        self._over(answered.about.batch, answered.about.jobs)
        self._count(1)
        self._answers.append(answered)
        self._wake.set()

    def ended(self, batch: Batch, run: Ended) -> None:
        """A job that no node was asked for has ended."""
        self._over(batch, [run.job])
        self._count(1)
        self._ended.append((batch, run))
        self._wake.set()

    def wait(self, seconds: float) -> None:
        """Waits until results have been written, at most so many seconds."""
        with self._news:
            self._news.wait(seconds)

    def _over(self, batch: Batch, ended: Iterable[Job]) -> None:
        for job in ended:
            self._since.pop((batch.token, job.id), None)

    def _count(self, number: int) -> None:
        with self._news:
            self.unwritten += number
            if number < 0:
                self._news.notify_all()

    def _write(self) -> None:
        beat = time.monotonic()
        try:
            while not (self._closing.is_set() and not (self._begun or self._answers or self._ended)):
                self._wake.wait(self._queue.lease / BEATS)
                self._wake.clear()
                self._starts()
                self._closing.wait(_PAUSE)
                self._results()
                if time.monotonic() - beat > self._queue.lease / BEATS >= self._stalled():
                    beat = time.monotonic()
                    self._beat()
        except NicamonError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 a thread has nobody else to tell
            self.error = NicamonError(f"{type(error).__name__}: {error}", "this is a fault of nicamon")

    def _starts(self) -> None:
        begun = _drain(self._begun)
        for batch, some in _parted((share.batch, share.jobs) for share in begun):
            jobs.start(self._queue, batch, [job for run in some for job in run])

    def _results(self) -> None:
        answers, ended = _drain(self._answers), _drain(self._ended)
        try:
            if not self.lost and (answers or ended):
                self._store_results(answers, ended)
        finally:
            self._count(-len(answers) - len(ended))

    def _store_results(self, answers: list[Answered], ended: list[tuple[Batch, Ended]]) -> None:
        fence = Fence(self._queue, answers)
        collect.save(self._store, self._probes, answers, fence)
        answers = fence.passed
        away = [answer for answer in answers if answer.away]
        runs = ended + [(answer.about.batch, run) for answer in answers if not answer.away for run in _runs(answer)]
        for batch, some in _parted(runs):
            jobs.finish(self._queue, self._claimant, batch, some)
        for batch, gone in _parted((answer.about.batch, answer) for answer in away):
            jobs.pause(self._queue, batch, {answer.node.name: answer.login.reason for answer in gone})
        jobs.follow(self._queue, [run.job for _, run in runs if run.error and not run.answered])

    def _beat(self) -> None:
        """A sign of life; it ends the process where a job runs for longer than its class may."""
        self._store.clocks.watch(self._store)
        over = jobs.lapsed(self._queue, self._claimant)
        if not jobs.beat(self._queue, self._claimant) or over:
            self.lost = True
            _LOG.warning(
                "the lease ran out while this worker slept or did not reach the database: its results are dropped"
            )
        now = time.monotonic()
        running = list(self._since.values())
        late = [(batch, job) for begin, batch, job in running if now - begin > RUNTIME[batch.priority]]
        for batch, some in _parted(late):
            jobs.overrun(self._queue, batch, some)
        if late:
            names = ", ".join(f"{job.argument or job.kind} {job.node}".strip() for _, job in late)
            _LOG.error("%s: ran for longer than its class may; this worker ends", names)
            jobs.leave(self._queue, self._claimant)
            os._exit(70)


def _parted(pairs: Iterable[tuple[Batch, T]]) -> list[tuple[Batch, list[T]]]:
    """The items of each batch."""
    parts: dict[str, tuple[Batch, list[T]]] = {}
    for batch, item in pairs:
        parts.setdefault(batch.token, (batch, []))[1].append(item)
    return list(parts.values())


def _runs(answer: Answered) -> list[Ended]:
    """How the jobs of a node ended."""
    words = {o.probe: "" if o.state.is_ok else f"{o.state.replace('_', ' ')}: {o.reason}" for o in answer.outcomes}
    return [Ended(job, words[job.argument], answered=answer.login.state.is_ok) for job in answer.about.jobs]


def _drain(waiting: deque[T]) -> list[T]:
    """What has come so far; other threads may go on adding."""
    return [waiting.popleft() for _ in range(len(waiting))]
