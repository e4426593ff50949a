"""The record of a batch: what comes of it is written while it runs, and its lease is kept.

A thread of its own does that, so that the database never keeps the nodes waiting, nor a slow node the results
of the others. It is the only one that uses the database while a batch runs.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import TypeVar

from nicassh import collect, jobs
from nicassh.collect import Answered
from nicassh.errors import NicamonError
from nicassh.jobs import Batch, Claimant, Ended, Job, Queue
from nicassh.probe import Probe
from nicassh.store import Store

_LOG = logging.getLogger("nicamon")
_PAUSE = 0.25
"""Seconds in which results gather before they are written together."""
T = TypeVar("T")
BEATS = 3
"""Signs of life within one lease."""


class Recorder:
    """Writes what becomes of a batch: runs that begin, answers of nodes, runs that end.

    As a context it waits at its end until all is written. Raises DatabaseError there.
    """

    def __init__(self, queue: Queue, claimant: Claimant, batch: Batch, store: Store, probes: Sequence[Probe]) -> None:
        self._queue, self._claimant, self._batch = queue, claimant, batch
        self._store, self._probes = store, probes
        self._jobs = {(job.node, job.argument): job for job in batch.jobs}
        self._begun: deque[Job] = deque()
        self._answers: deque[Answered] = deque()
        self._ended: deque[Ended] = deque()
        self._since: dict[int, float] = {}
        self._wake, self._closing = threading.Event(), threading.Event()
        self._error: NicamonError | None = None
        self._thread = threading.Thread(target=self._write, name="recorder")
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
        if self._error and _type is None:
            raise self._error

    def begun(self, runs: Sequence[Job]) -> None:
        """These jobs begin now."""
        self._begun.extend(runs)
        self._wake.set()

    def answered(self, answered: Answered) -> None:
        """A node has answered, or failed to."""
        self._answers.append(answered)
        self._wake.set()

    def ended(self, run: Ended) -> None:
        """A job that no node was asked for has ended."""
        self._ended.append(run)
        self._wake.set()

    def _write(self) -> None:
        beat = time.monotonic()
        try:
            while not (self._closing.is_set() and not (self._begun or self._answers or self._ended)):
                self._wake.wait(self._queue.lease / BEATS)
                self._wake.clear()
                self._starts()
                self._closing.wait(_PAUSE)
                self._results()
                if time.monotonic() - beat > self._queue.lease / BEATS:
                    beat = time.monotonic()
                    self._beat()
        except NicamonError as error:
            self._error = error
        except Exception as error:  # noqa: BLE001 a thread has nobody else to tell
            self._error = NicamonError(f"{type(error).__name__}: {error}", "this is a fault of nicamon")

    def _starts(self) -> None:
        begun = _drain(self._begun)
        now = time.monotonic()
        self._since.update((job.id, now) for job in begun)
        jobs.start(self._queue, self._batch, begun)

    def _results(self) -> None:
        answers, ended = _drain(self._answers), _drain(self._ended)
        if self.lost or not (answers or ended):
            return
        collect.save(self._store, self._probes, answers)
        away = {answer.node.name: answer.login.reason for answer in answers if answer.away}
        runs = [run for answer in answers if not answer.away for run in self._runs(answer)]
        jobs.finish(self._queue, self._claimant, self._batch, runs + ended)
        jobs.pause(self._queue, self._batch, away)
        done = {answer.node.name for answer in answers}
        for job in [*(job for job in self._batch.jobs if job.node in done), *(run.job for run in ended)]:
            self._since.pop(job.id, None)

    def _runs(self, answer: Answered) -> list[Ended]:
        """How the jobs of a node ended."""
        words = {o.probe: "" if o.state.well else f"{o.state.replace('_', ' ')}: {o.reason}" for o in answer.outcomes}
        found = ((self._jobs.get((answer.node.name, probe)), error) for probe, error in words.items())
        return [Ended(job, error) for job, error in found if job]

    def _beat(self) -> None:
        """A sign of life; it ends the process where a job runs for longer than its class may."""
        if not jobs.beat(self._queue, self._claimant):
            self.lost = True
            _LOG.warning("the lease ran out while this worker did not reach the database: its results are dropped")
        if late := jobs.overrun(self._queue, self._batch, self._since):
            _LOG.error("%s: ran for longer than its class may; this worker ends", ", ".join(late))
            os._exit(70)


def _drain(waiting: deque[T]) -> list[T]:
    """What has come so far; the other thread may go on adding."""
    return [waiting.popleft() for _ in range(len(waiting))]
