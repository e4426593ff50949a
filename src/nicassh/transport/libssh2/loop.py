"""An event loop of gevent in a thread of its own.

The loop belongs to this thread, so the rest of the process needs no gevent, and signals reach the main thread at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

import gevent
from gevent.event import Event
from gevent.pool import Group

T = TypeVar("T")
_BEAT = 0.25
"""Seconds between two signs of life of the loop."""


class Loop:
    """Runs functions as greenlets. `close` ends the thread after it has called `finish` there."""

    def __init__(self, finish: Callable[[], None] = lambda: None) -> None:
        self._finish = finish
        self._lock, ready = threading.Lock(), threading.Event()
        self._beat = float("inf")
        self._thread = threading.Thread(target=self._run, args=(ready,), name="libssh2", daemon=True)
        self._thread.start()
        ready.wait()

    def __len__(self) -> int:
        """Return how many greenlets are at work."""
        return len(self._greenlets)

    def spawn(self, function: Callable[[], T]) -> Future[T]:
        """Run a function as a greenlet. The future is cancelled where the greenlet is killed. For other threads."""
        future: Future[T] = Future()
        if not self.call(partial(self._start, future, function)):
            _cancel(future)
        return future

    def call(self, function: Callable[[], object]) -> bool:
        """Call a function soon in the thread of the loop; it must not wait. For other threads.

        Returns False where the loop has ended.
        """
        with self._lock:
            if self._hub is None:
                return False
            self._hub.loop.run_callback_threadsafe(function)
        return True

    def wait_for(self, function: Callable[[], T]) -> T:
        """Run a function that blocks in a thread of its own. Returns or raises what it does. For greenlets.

        Where the greenlet is killed, the thread goes on alone until the function ends.
        """
        done, future = Event(), Future[T]()
        future.add_done_callback(lambda _: self.call(done.set))
        threading.Thread(target=_settle, args=(future, function), name="blocking", daemon=True).start()
        done.wait()
        return future.result()

    def stalled(self) -> float:
        """Return for how many seconds the loop has stood still; 0 while it turns. For other threads."""
        return max(0.0, time.monotonic() - self._beat - _BEAT)

    def kill(self) -> None:
        """Kill all greenlets that are at work now. For other threads."""
        self.call(lambda: self._greenlets.kill(block=False))

    def close(self) -> None:
        """Kill all greenlets and end the thread."""
        self.call(self._ended.set)
        self._thread.join()

    def _start(self, future: Future[T], function: Callable[[], T]) -> None:
        greenlet = gevent.Greenlet(_settle, future, function)
        greenlet.rawlink(lambda _: _cancel(future))  # where it was killed, perhaps before it began
        self._greenlets.start(greenlet)

    def _run(self, ready: threading.Event) -> None:
        self._hub: Any = gevent.get_hub()
        self._greenlets, self._ended = Group(), Event()
        ready.set()
        while not self._ended.is_set():
            self._beat = time.monotonic()
            self._ended.wait(_BEAT)
        self._beat = float("inf")
        self._greenlets.kill()
        self._finish()
        with self._lock:
            hub, self._hub = self._hub, None
        hub.destroy(destroy_loop=True)


def _settle(future: Future[T], function: Callable[[], T]) -> None:
    """Give the future its result."""
    try:
        future.set_result(function())
    except Exception as error:  # noqa: BLE001 raised again by whoever asks the future
        future.set_exception(error)


def _cancel(future: Future[Any]) -> None:
    """Cancel a future that has no result, and wakes those who wait for it."""
    if future.cancel():
        future.set_running_or_notify_cancel()
