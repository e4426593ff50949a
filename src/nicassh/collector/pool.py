"""Several workers on one monitoring host: processes that are begun, watched and ended together."""

from __future__ import annotations

import logging
import subprocess
import threading
import time
from collections.abc import Callable, Sequence

from nicassh import tasks as jobs
from nicassh.collector.bound import bound_of
from nicassh.collector.loop import PATIENCE
from nicassh.collector.recorder import BEATS
from nicassh.config.settings import Config
from nicassh.model.errors import NicamonError
from nicassh.tasks import Queue, machine

_LOG = logging.getLogger("nicamon")
_LOOK = 0.5
"""Seconds between two looks at the workers and the queue."""
_ARM = 60.0
"""Seconds between two looks at inventory and probes."""
_JUMP = 5.0
"""Seconds by which a clock may be put right without a look at what waits."""
_LONGEST = 60.0
"""Seconds after which a worker that keeps ending is begun anew, at most."""


class Pool:
    """The worker processes of `nicamon worker`, and what is done once for all of them.

    `command` begins a worker, and one for nothing but urgent jobs with the least priority added to it.
    `arm` brings the permanent jobs up to date, and says whether the workers must be begun anew to know it.
    """

    def __init__(self, queue: Queue, command: Sequence[str], config: Config, arm: Callable[[], bool]) -> None:
        self._queue, self._command, self._config, self._arm = queue, command, config, arm
        self._workers: list[subprocess.Popen[bytes]] = []
        self._lane: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._failures, self._not_before, self._needed = 0, 0.0, False
        self._offset = queue.now() - time.monotonic()

    def stop(self) -> None:
        """Lets the workers finish their batches and ends; for handlers of signals."""
        self._stopping.set()

    def run(self) -> None:
        """Keeps the workers running until it is told to stop, also beyond failures of the database."""
        armed = reaped = -_ARM
        try:
            while not self._stopping.is_set():
                now = time.monotonic()
                try:
                    if now - armed >= _ARM:
                        armed = now
                        self._renew() if self._arm() else None
                    if now - reaped >= self._queue.lease / BEATS or self._clock_was_set(now):
                        reaped = now
                        jobs.reap(self._queue)
                    self._tend(now)
                    self._open_lane()
                    self._stopping.wait(_LOOK)
                except NicamonError as error:
                    _LOG.error("%s; trying again in %g s", error.what, PATIENCE)
                    self._stopping.wait(PATIENCE)
        finally:
            self._end()

    def _clock_was_set(self, now: float) -> bool:
        """Whether the clock has jumped since the last look: then jobs may wait for a moment that is far."""
        before, self._offset = self._offset, self._queue.now() - now
        return abs(self._offset - before) > _JUMP

    def _tend(self, now: float) -> None:
        """Begins workers that are missing; one that keeps failing less and less often."""
        ended = [worker for worker in self._workers if worker.poll() is not None]
        self._workers = [worker for worker in self._workers if worker not in ended]
        if failed := [worker.returncode for worker in ended if worker.returncode]:
            self._failures += 1
            pause = min(_LONGEST, 2.0**self._failures)
            self._not_before = now + pause
            _LOG.error("a worker ended with code %d; another one in %g s", failed[0], pause)
        elif now - self._not_before > _LONGEST:
            self._failures = 0
        missing = self._config.workers - len(self._workers)
        if missing and now >= self._not_before:
            # The lane would have come before these, and so one of them would rest for its sake.
            self._end_lane()
            self._workers += [self._begin() for _ in range(missing)]

    def _open_lane(self) -> None:
        """Begins one worker more where all are busy with work less urgent than what waits."""
        if self._lane and self._lane.poll() is None:
            return
        situation = jobs.look(self._queue)
        bound = bound_of(self._config)
        busy = [priority for priority, number in situation.running.items() for _ in range(number)]
        needed = machine.fastlane(len(busy), bound, situation.waiting, busy) > bound
        # Seen twice: a worker that has room claims what comes due by itself, within this time.
        if needed and self._needed:
            self._lane = self._begin("--down-to", str(min(situation.waiting)))
        self._needed = needed

    def _begin(self, *more: str) -> subprocess.Popen[bytes]:
        # In a session of its own: Ctrl-C on a terminal is for the pool alone, which tells the workers.
        return subprocess.Popen([*self._command, *more], start_new_session=True)

    def _renew(self) -> None:
        """Ends the workers in order; those that take their place know the new inventory."""
        self._end_lane()
        for worker in self._workers:
            worker.terminate()

    def _end_lane(self) -> None:
        if self._lane:
            self._lane.terminate()

    def _end(self) -> None:
        everyone = [*self._workers, *([self._lane] if self._lane else [])]
        for worker in everyone:
            worker.terminate()
        for worker in everyone:
            worker.wait()
