"""The collectors of one daemon: processes that are started, watched and ended together."""

from __future__ import annotations

import logging
import subprocess
import threading
import time
from collections.abc import Callable, Sequence

from nicassh import tasks
from nicassh.collector.capacity import current_limit, limit_with_urgent
from nicassh.collector.loop import RETRY_AFTER
from nicassh.collector.recorder import HEARTBEATS
from nicassh.config.settings import Config
from nicassh.model.errors import NicamonError
from nicassh.tasks import TaskList

_LOG = logging.getLogger("nicamon")
_POLL = 0.5
"""Seconds between two looks at the collectors and the tasks."""
_SYNC_INTERVAL = 60.0
"""Seconds between two looks at inventory and probes."""
_CLOCK_JUMP = 5.0
"""Seconds by which a clock may be corrected without a look at the tasks that wait."""
_LONGEST_PAUSE = 60.0
"""Seconds after which a collector that keeps failing is started again, at most."""


class Pool:
    """The collector processes of `nicamon daemon`, and what is done once for all of them.

    collectors: the processes that are running
    urgent:     one more, for urgent tasks alone; None before the first

    `command` starts a collector; for the urgent one the lowest class that it serves is added. `sync` brings the
    periodic tasks up to date, and says whether the collectors must be restarted to know of changes.
    """

    def __init__(self, task_list: TaskList, command: Sequence[str], config: Config, sync: Callable[[], bool]) -> None:
        self._task_list, self._command, self._config, self._sync = task_list, command, config, sync
        self.collectors: list[subprocess.Popen[bytes]] = []
        self.urgent: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._failures, self._not_before, self._urgent_needed = 0, 0.0, False
        self._offset = task_list.now() - time.monotonic()

    def stop(self) -> None:
        """Let the collectors finish their batches, and end; for handlers of signals."""
        self._stopping.set()

    def run(self) -> None:
        """Keep the collectors running until it is told to stop; failures of the database do not end it."""
        synced = reaped = -_SYNC_INTERVAL
        try:
            while not self._stopping.is_set():
                now = time.monotonic()
                try:
                    if now - synced >= _SYNC_INTERVAL:
                        synced = now
                        if self._sync():
                            self.restart()
                    if now - reaped >= self._task_list.lease / HEARTBEATS or self._clock_was_set(now):
                        reaped = now
                        tasks.reap(self._task_list)
                    self.start_missing(now)
                    self.start_urgent()
                    self._stopping.wait(_POLL)
                except NicamonError as error:
                    _LOG.error("%s; trying again in %g s", error.what, RETRY_AFTER)
                    self._stopping.wait(RETRY_AFTER)
        finally:
            self.end()

    def _clock_was_set(self, now: float) -> bool:
        """Say whether the clock has jumped since the last look: then tasks may wait for a moment that is far away."""
        before, self._offset = self._offset, self._task_list.now() - now
        return abs(self._offset - before) > _CLOCK_JUMP

    def start_missing(self, now: float) -> None:
        """Start the collectors that are missing; after failures, less and less often. `now` is in monotonic seconds."""
        ended = [collector for collector in self.collectors if collector.poll() is not None]
        self.collectors = [collector for collector in self.collectors if collector not in ended]
        if failed := [collector.returncode for collector in ended if collector.returncode]:
            self._failures += 1
            pause = min(_LONGEST_PAUSE, 2.0**self._failures)
            self._not_before = now + pause
            _LOG.error("a collector ended with code %d; another one in %g s", failed[0], pause)
        elif now - self._not_before > _LONGEST_PAUSE:
            self._failures = 0
        missing = self._config.collectors - len(self.collectors)
        if missing and now >= self._not_before:
            # The urgent one would be older than these, so one of these would rest in its place.
            self._end_urgent()
            self.collectors += [self._start() for _ in range(missing)]

    def start_urgent(self) -> None:
        """Start one more collector where all are busy with less urgent tasks than one that waits.

        That must be so at two calls: a collector that has room claims what comes due by itself, within this time.
        """
        if self.urgent and self.urgent.poll() is None:
            return
        state = tasks.scheduler_state(self._task_list)
        limit = current_limit(self._config)
        busy = [priority for priority, number in state.running.items() for _ in range(number)]
        needed = limit_with_urgent(len(busy), limit, state.waiting, busy) > limit
        if needed and self._urgent_needed:
            self.urgent = self._start("--down-to", str(min(state.waiting)))
        self._urgent_needed = needed

    def _start(self, *more: str) -> subprocess.Popen[bytes]:
        # In a session of its own: Ctrl-C on a terminal is for the pool alone, which tells the collectors.
        return subprocess.Popen([*self._command, *more], start_new_session=True)

    def restart(self) -> None:
        """Have the collectors finish; those that take their place know the new inventory and probes."""
        self._end_urgent()
        for collector in self.collectors:
            collector.terminate()

    def _end_urgent(self) -> None:
        if self.urgent:
            self.urgent.terminate()

    def end(self) -> None:
        """Have all collectors finish, and wait for them."""
        processes = [*self.collectors, *([self.urgent] if self.urgent else [])]
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
