"""The ways to all nodes: gives each request to the transport of its node and yields the responses."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from functools import partial
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any

from nicassh.model.errors import ConfigError
from nicassh.transport import descriptors, registry
from nicassh.transport.base import Limits, Listener, Request, Response, T, Transport
from nicassh.transport.feeder import Feeder

GRACE = 3.0
"""Seconds in which nodes that are being asked may still answer after `stop`."""
_REFRESH = 60.0
"""Seconds after which files of keys are read again."""


class Connections:
    """The connections to all nodes. Sessions stay open between runs, until `close`.

    One thread uses them, for one run at a time. Only `stop` and `stalled` may be called by other threads.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._transports: dict[str, Transport] = {}
        self._stopped = float("inf")
        self._refreshed = 0.0
        self._busy_since: float | None = None
        self._events: SimpleQueue[Any] = SimpleQueue()

    def __enter__(self) -> Connections:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def run(
        self,
        requests: Iterable[Request[T]],
        started: Callable[[Request[T]], None] = lambda _request: None,
        heard: Callable[[Request[T], bytes, bool], None] | None = None,
    ) -> Iterator[Response[T]]:
        """Ask all nodes and yield the responses as they arrive. A node's failure is a response, too.

        At most `limits.fanout` requests are under way. The next one is taken from `requests` when there is room, in
        another thread, so the iterator may block. `started` is called for each before it begins, `heard` with each
        piece of an answer as it arrives, and whether it is one of the errors. Raises ConfigError before it asks a node
        whose files cannot be used, and what the iterator raises; both after the responses of the nodes under way.
        """
        self._refresh()
        self._events = SimpleQueue()
        feeder = Feeder(requests, min(self.limits.fanout, descriptors.room()), self._events)
        under_way, broken_off = set[Future[Response[T]]](), set[Future[Response[T]]]()
        try:
            while feeder.open or under_way:
                event = self._next_event(under_way, broken_off)
                if event is feeder:
                    feeder.open = False
                elif isinstance(event, Request):
                    if future := self._begin(event, started, feeder, heard):
                        under_way.add(future)
                elif isinstance(event, partial):
                    event()
                elif event in under_way:
                    under_way.remove(event)
                    feeder.free_place()
                    if event not in broken_off:
                        self._busy_since = time.monotonic()
                        yield event.result()
                        self._busy_since = None
        finally:
            self._busy_since = None
            feeder.end()
            self._break_off(under_way)
        if feeder.error:
            raise feeder.error

    def _begin(
        self,
        request: Request[T],
        started: Callable[[Request[T]], None],
        feeder: Feeder[T],
        heard: Callable[[Request[T], bytes, bool], None] | None,
    ) -> Future[Response[T]] | None:
        """Begin with a request. Returns None where it must not: after `stop`, or after an operator's mistake."""
        if time.monotonic() >= self._stopped or not feeder.open:
            feeder.free_place()
            return None
        if time.monotonic() - self._refreshed > _REFRESH:
            self._refresh()
        transport = self._transport(request.node.transport)
        try:
            transport.check(request.node)
        except ConfigError as error:
            feeder.fail(error)
            return None
        started(request)
        future = transport.submit(request, self._listener(heard, request) if heard else None)
        future.add_done_callback(self._events.put)
        return future

    def _listener(self, heard: Callable[[Request[T], bytes, bool], None], request: Request[T]) -> Listener:
        """Return what puts each piece of an answer among the events, from a thread of the transport."""
        return lambda data, is_error: self._events.put(partial(heard, request, data, is_error))

    def _next_event(self, under_way: set[Future[Response[T]]], broken_off: set[Future[Response[T]]]) -> Any:
        """Wait for a request, a response or the end of the requests. Breaks off what is under way after GRACE."""
        left = self._stopped + GRACE - time.monotonic() if under_way - broken_off else float("inf")
        try:
            return self._events.get(timeout=max(0.0, left) if left < float("inf") else None)
        except Empty:
            broken_off |= under_way
            self._interrupt()
            return None

    def _break_off(self, under_way: set[Future[Response[T]]]) -> None:
        """Break off the rest of a run that its caller has left. Nothing of it is at work afterwards."""
        if under_way:
            self._interrupt()
            wait(under_way)

    def _interrupt(self) -> None:
        for transport in self._transports.values():
            transport.interrupt()

    def _refresh(self) -> None:
        self._refreshed = time.monotonic()
        for transport in self._transports.values():
            transport.refresh()

    def _transport(self, name: str) -> Transport:
        if name not in self._transports:
            self._transports[name] = registry.create(name, self.limits)
        return self._transports[name]

    def stalled(self) -> float:
        """Return for how many seconds no node has been served; 0 while all is well. For other threads.

        A transport that makes no progress counts, and a caller of `run` who does not come back for the next response.
        """
        busy = self._busy_since
        waits = 0.0 if busy is None else time.monotonic() - busy
        return max([waits, *(transport.stalled() for transport in list(self._transports.values()))])

    def stop(self) -> None:
        """Begin with no further node, now and for good. Nodes that are being asked have GRACE seconds to answer.

        For handlers of signals and other threads.
        """
        self._stopped = min(self._stopped, time.monotonic())
        self._events.put(None)

    def close(self) -> None:
        """Break off what is under way and log out everywhere, for good."""
        self.stop()
        while self._transports:
            self._transports.popitem()[1].close()
