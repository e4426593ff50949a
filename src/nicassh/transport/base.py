"""What every transport takes and gives: requests, responses and limits."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from nicassh.inventory import Node
from nicassh.model.outcome import State
from nicassh.model.text import clean
from nicassh.model.units import draw_bytes

T = TypeVar("T")

SHELL = "exec sh -s"
"""The command that reads the script. csh, fish and all other login shells understand it."""
DRAIN_TIMEOUT = 0.5
"""Seconds in which the streams of a finished script must close. A child process that hangs may keep them open."""
Listener = Callable[[bytes, bool], None]
"""Is given each piece of an answer when it arrives, and whether it came on the stream of errors."""
_LAST_BYTES = 4096
"""Bytes at the end of a stream in which its last line is searched."""


@dataclass(frozen=True)
class Request(Generic[T]):
    """A script for one node.

    The output is complete when it ends with `end_mark`. `max_bytes` is the most that the node may send on both
    streams together. `context` belongs to the caller; the response has the same.
    """

    node: Node
    script: bytes
    end_mark: bytes
    max_bytes: int
    context: T


@dataclass(frozen=True)
class Limits:
    """The limits that hold for all nodes. Times are in seconds."""

    fanout: int = 32
    """Nodes that are asked at the same time."""
    connect_timeout: float = 10.0
    """The time for connection and login."""
    timeout: float = 60.0
    """The time for a whole request."""
    host_keys: str = "strict"
    """"strict", or "accept-new": record the host keys of nodes that have none on record."""
    lifetime: float = 600.0
    """The time after its login in which a session is used again. Then changed keys and inventories take effect."""


@dataclass(frozen=True)
class Response(Generic[T]):
    """What a node answered to one script, or why it did not answer.

    `output` and `errors` are what arrived on both streams, also where the state is not OK. `seconds` is the time from
    the beginning of the request to its end, `arrived` the moment of its end in seconds since 1970.
    """

    node: Node
    state: State
    reason: str
    output: bytes
    errors: bytes
    seconds: float
    context: T
    arrived: float = field(default_factory=time.time)


class ResponseBuffer:
    """Collects the two streams of one node and knows when they are complete or too large."""

    def __init__(self, end_mark: bytes, max_bytes: int, heard: Listener | None = None) -> None:
        self.output = bytearray()
        self.errors = bytearray()
        self._end_mark = end_mark
        self._max_bytes = max_bytes
        self._heard = heard
        self._ending = "the connection was lost"
        self._failed = False

    def receive(self, data: bytes, is_error: bool) -> None:
        """Add what has arrived on one of the streams, and pass it on to the listener."""
        (self.errors if is_error else self.output).extend(data)
        if data and self._heard:
            self._heard(data, is_error)

    def shell_ended(self, status: int | None) -> None:
        """Note how the shell ended: with an exit status, by a signal (minus its number), or None for not known."""
        self._failed = bool(status and status > 0)
        if status is None:
            self._ending = "its shell ended or was killed"
        elif status < 0:
            self._ending = f"its shell was killed by signal {-status}"
        else:
            self._ending = f"its shell ended with exit status {status}"

    @property
    def complete(self) -> bool:
        """Return whether the last line of the script's output has arrived."""
        return self.output.endswith(self._end_mark)

    @property
    def too_large(self) -> bool:
        """Return whether the node sent more than it may."""
        return len(self.output) + len(self.errors) > self._max_bytes

    def verdict(self) -> tuple[State, str]:
        """Return state and reason. Call it when nothing more will arrive."""
        if self.complete:
            return State.OK, ""
        if self.too_large:
            return State.TRUNCATED, f"the node sent more than {draw_bytes(self._max_bytes)}"
        state = State.FAILED if self._failed else State.TRUNCATED
        return state, f"{self._ending} before the answer was complete"

    def response(self, request: Request[T], state: State, reason: str, begin: float) -> Response[T]:
        """Return the response to a request that began at `begin` of the monotonic clock.

        Where the script did not even start, the reason also quotes the last line that the node printed.
        """
        output, errors, seconds = bytes(self.output), bytes(self.errors), time.monotonic() - begin
        return Response(request.node, state, reason + self._last_line(), output, errors, seconds, request.context)

    def _last_line(self) -> str:
        """Return the end of a reason: the last line of a shell that did not run the script; "" where it did."""
        mark = self._end_mark.strip().rpartition(b" ")[0]
        if self.complete or self.too_large or mark in self.output:
            return ""
        for stream in (self.errors, self.output):
            if lines := stream[-_LAST_BYTES:].strip().splitlines():
                return f"; it said: {clean(bytes(lines[-1]), 200)}"
        return ""


class Transport(Protocol):
    """A way to run scripts on nodes. One object serves many nodes at the same time.

    To add a transport, write a class with these methods and name it in `nicassh.inventory.transports`. All methods
    but `stalled` are called by one thread; `refresh`, `check` and `submit` return at once.
    """

    def __init__(self, limits: Limits) -> None: ...

    def refresh(self) -> None:
        """Forget what was read from files, so that `check` and the next logins see them as they are now."""

    def check(self, node: Node) -> None:
        """Raise ConfigError where an operator's mistake makes it useless to ask this node."""

    def submit(self, request: Request[T], heard: Listener | None = None) -> Future[Response[T]]:
        """Begin with a request. The future gets the response; a failure of the node is a response, too.

        A listener is called by a thread of the transport, and returns at once.
        The future ends in time whatever the node does: within `limits.timeout` and a little.
        """

    def stalled(self) -> float:
        """Return for how many seconds the transport has made no progress with any node; 0 while all is well.

        May be called by any thread.
        """

    def interrupt(self) -> None:
        """Break off all requests that are under way. Their futures end soon, in whatever way."""

    def close(self) -> None:
        """Break off all requests and log out everywhere. Blocks until that is done."""
