"""Takes requests from an iterator that may block, in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from queue import SimpleQueue
from typing import Any, Generic

from nicassh.transport.base import Request, T


class Feeder(Generic[T]):
    """Puts requests into a queue, as many as there are free places, and at their end itself.

    It is `open` until the reader of the queue closes it. `error` is what has ended it before its time.
    """

    def __init__(self, requests: Iterable[Request[T]], places: int, events: SimpleQueue[Any]) -> None:
        self.open = True
        self.error: Exception | None = None
        self._events = events
        self._places = threading.Semaphore(places)
        self._ended = False
        threading.Thread(target=self._feed, args=(iter(requests),), name="feeder", daemon=True).start()

    def free_place(self) -> None:
        """Let one more request come."""
        self._places.release()

    def end(self) -> None:
        """Take no further request. One that is being taken now may still come into the queue."""
        self._ended = True
        self._places.release()

    def fail(self, error: Exception) -> None:
        """Take no further request, for this reason."""
        self.open, self.error = False, error
        self.end()

    def _feed(self, source: Iterator[Request[T]]) -> None:
        try:
            while True:
                self._places.acquire()
                request = None if self._ended else next(source, None)
                if request is None:
                    return
                self._events.put(request)
        except Exception as error:  # noqa: BLE001 raised again when the nodes under way have answered
            self.error = self.error or error
        finally:
            self._events.put(self)
