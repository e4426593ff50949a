"""Several collectors on one monitoring host: processes that are begun, watched and ended together."""

from __future__ import annotations

import logging
import subprocess
import threading
import time
from collections.abc import Callable, Sequence

from nicassh import tasks
from nicassh.collector.capacity import current_limit, limit_with_urgent
from nicassh.collector.loop import PATIENCE
from nicassh.collector.recorder import BEATS
from nicassh.config.settings import Config
from nicassh.model.errors import NicamonError
from nicassh.tasks import TaskList

_LOG = logging.getLogger("nicamon")
_LOOK = 0.5
"""Seconds between two looks at the collectors and the task list."""
_ARM = 60.0
"""Seconds between two looks at inventory and probes."""
_JUMP = 5.0
"""Seconds by which a clock may be put right without a look at what waits."""
_LONGEST = 60.0
"""Seconds after which a collector that keeps ending is begun anew, at most."""


class Pool:
    """The collector processes of `nicamon daemon`, and what is done once for all of them.

    `command` begins a collector, and one for nothing but urgent tasks with the least priority added to it.
    `arm` brings the periodic tasks up to date, and says whether the collectors must be begun anew to know it.
    """

    def __init__(self, task_list: TaskList, command: Sequence[str], config: Config, arm: Callable[[], bool]) -> None:
        self._task_list, self._command, self._config, self._arm = task_list, command, config, arm
        self._collectors: list[subprocess.Popen[bytes]] = []
        self._urgent: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._failures, self._not_before, self._needed = 0, 0.0, False
        self._offset = task_list.now() - time.monotonic()

    def stop(self) -> None:
        """Lets the collectors finish their batches and ends; for handlers of signals."""
        self._stopping.set()

    def run(self) -> None:
        """Keeps the collectors running until it is told to stop, also beyond failures of the database."""
        armed = reaped = -_ARM
        try:
            while not self._stopping.is_set():
                now = time.monotonic()
                try:
                    if now - armed >= _ARM:
                        armed = now
                        self._renew() if self._arm() else None
                    if now - reaped >= self._task_list.lease / BEATS or self._clock_was_set(now):
                        reaped = now
                        tasks.reap(self._task_list)
                    self._tend(now)
                    self._begin_urgent()
                    self._stopping.wait(_LOOK)
                except NicamonError as error:
                    _LOG.error("%s; trying again in %g s", error.what, PATIENCE)
                    self._stopping.wait(PATIENCE)
        finally:
            self._end()

    def _clock_was_set(self, now: float) -> bool:
        """Whether the clock has jumped since the last look: then tasks may wait for a moment that is far."""
        before, self._offset = self._offset, self._task_list.now() - now
        return abs(self._offset - before) > _JUMP

    def _tend(self, now: float) -> None:
        """Begins collectors that are missing; one that keeps failing less and less often."""
        ended = [collector for collector in self._collectors if collector.poll() is not None]
        self._collectors = [collector for collector in self._collectors if collector not in ended]
        if failed := [collector.returncode for collector in ended if collector.returncode]:
            self._failures += 1
            pause = min(_LONGEST, 2.0**self._failures)
            self._not_before = now + pause
            _LOG.error("a collector ended with code %d; another one in %g s", failed[0], pause)
        elif now - self._not_before > _LONGEST:
            self._failures = 0
        missing = self._config.collectors - len(self._collectors)
        if missing and now >= self._not_before:
            # The lane would have come before these, and so one of them would rest for its sake.
            self._end_urgent()
            self._collectors += [self._begin() for _ in range(missing)]

    def _begin_urgent(self) -> None:
        """Begins one collector more where all are busy with work less urgent than what waits."""
        if self._urgent and self._urgent.poll() is None:
            return
        situation = tasks.scheduler_state(self._task_list)
        bound = current_limit(self._config)
        busy = [priority for priority, number in situation.running.items() for _ in range(number)]
        needed = limit_with_urgent(len(busy), bound, situation.waiting, busy) > bound
        # Seen twice: a collector that has room claims what comes due by itself, within this time.
        if needed and self._needed:
            self._urgent = self._begin("--down-to", str(min(situation.waiting)))
        self._needed = needed

    def _begin(self, *more: str) -> subprocess.Popen[bytes]:
        # In a session of its own: Ctrl-C on a terminal is for the pool alone, which tells the collectors.
        return subprocess.Popen([*self._command, *more], start_new_session=True)

    def _renew(self) -> None:
        """Ends the collectors in order; those that take their place know the new inventory."""
        self._end_urgent()
        for collector in self._collectors:
            collector.terminate()

    def _end_urgent(self) -> None:
        if self._urgent:
            self._urgent.terminate()

    def _end(self) -> None:
        everyone = [*self._collectors, *([self._urgent] if self._urgent else [])]
        for collector in everyone:
            collector.terminate()
        for collector in everyone:
            collector.wait()
