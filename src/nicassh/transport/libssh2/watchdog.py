"""A watchdog for the event loop: it ends a connection whose bytes keep libssh2 from coming back.

libssh2 reads for as long as the kernel has bytes for it, and the event loop runs in the same thread: while a node
sends without end, no deadline strikes and no other node is served. So each connection has a budget of bytes, which
the event loop looks at between two calls and a thread of its own during one.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from types import TracebackType
from typing import Any

from nicassh.transport.libssh2.failures import Flood

_POLL_INTERVAL = 0.025
"""Seconds between two looks at the call that is under way."""
_REST = 40
"""Looks without a call after which the thread sleeps."""
_CALL, _SESSION = 0.1, 1.0
"""Seconds of CPU that one call may take while bytes arrive, and all calls for one step of a session."""
_STEADY = 16 * 1024
"""Bytes within one call that are no flood: it is the node's own arithmetic that takes long, not its words."""
_BYTES, _WORK = "more bytes than it may", "packets that took too much CPU of this host"
LOGIN = 128 * 1024
"""Bytes that a node may send until it has let us in, and until it has begun to answer."""


class Watchdog:
    """Watches the calls into libssh2 of the thread that makes it; `end` ends its own thread.

    At most one call is under way, for one thread makes them all. While there is none for a second, it sleeps.
    """

    def __init__(self) -> None:
        self._clock = 0
        self._lock, self._wake = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None
        self._asleep = self._ended = False
        self._line: Line | None = None
        self._calls = self._seen = 0
        self._cpu = 0.0

    def enter(self, line: Line) -> None:
        """Begin the watch over a call for this connection."""
        self._line = line
        self._calls += 1
        if self._asleep:
            self._wake.set()
        elif self._thread is None:
            self._clock = time.pthread_getcpuclockid(threading.get_ident())
            self._cpu = time.clock_gettime(self._clock)
            self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
            self._thread.start()

    def leave(self) -> None:
        """End the watch over a call. Under the lock, as the descriptor may soon be another connection's."""
        with self._lock:
            self._line = None

    def end(self) -> None:
        """End the thread; a further call begins another."""
        thread, self._thread, self._ended = self._thread, None, True
        self._wake.set()
        if thread:
            thread.join()
        self._wake.clear()
        self._ended = self._asleep = False

    def _run(self) -> None:
        idle = 0
        while not self._ended:
            time.sleep(_POLL_INTERVAL)
            idle = 0 if self._look() else idle + 1
            if idle > _REST:
                self._asleep = True
                if self._line is None and not self._ended:  # else the call that began just now saw us awake
                    self._wake.wait()
                    self._wake.clear()
                self._asleep, idle = False, 0

    def _look(self) -> bool:
        """Judge the call that is under way; whether there was one since the last look."""
        cpu = time.clock_gettime(self._clock)
        spent, self._cpu = cpu - self._cpu, cpu
        with self._lock:
            again, self._seen = self._calls == self._seen, self._calls
            if self._line is None:
                return not again
            self._line.judge(spent, again)
        return True


class Line:
    """One connection to a node, and how much may come over it. As a context it surrounds a call into libssh2.

    Raises Flood at the end of a call which the watchdog has cut off.
    """

    def __init__(self, dog: Watchdog, sock: Any) -> None:
        self._dog, self._sock, self._descriptor = dog, sock, sock.fileno()
        self._spent = self._call = 0.0
        self._begun = self._most = 0
        self._flood = ""
        self.allow(LOGIN)

    def __enter__(self) -> None:
        self._dog.enter(self)

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._dog.leave()
        if self._flood and isinstance(error, Exception):
            raise Flood(self._flood) from error

    def allow(self, more: int) -> None:
        """Begin a new step of the session, in which so many bytes may come."""
        self._most = received(self._sock) + more
        self._spent = 0.0

    def grant(self, more: int) -> None:
        """Let so many more bytes come in the same step."""
        self._most += more

    def check(self) -> None:
        """Raise Flood where more has come than may."""
        if not self._flood and received(self._sock) > self._most:
            self._flood = _BYTES
        if self._flood:
            raise Flood(self._flood)

    def judge(self, spent: float, again: bool) -> None:
        """Compare what came with the limits. `spent` is CPU since the last look; `again`: the same call goes on."""
        # The descriptor is borrowed: an object of gevent is for the thread of its loop alone.
        with _Borrowed(self._descriptor) as sock:
            came = received(sock)
            if again:
                self._call += spent
            else:
                self._call, self._begun = 0.0, came
            self._spent += spent if again else min(spent, _POLL_INTERVAL)  # of a call that is new, part was another's
            if came > self._most:
                self._flood = _BYTES
            elif (self._call > _CALL and (came < 0 or came - self._begun > _STEADY)) or self._spent > _SESSION:
                self._flood = _WORK
            if self._flood:
                # Both ways: of a socket that is shut for reading alone Linux goes on handing out what arrives.
                sock.shutdown(socket.SHUT_RDWR)


class _Borrowed:
    """A socket made of a descriptor that stays its owner's."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> socket.socket:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, self._descriptor)
        return self._socket

    def __exit__(self, *_: object) -> None:
        self._socket.detach()


def received(sock: Any) -> int:
    """Return how many bytes a TCP connection has brought so far; -1 where the kernel does not tell."""
    try:
        return int(_COUNT.unpack_from(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO), _OFFSET)[0])
    except (OSError, struct.error):
        return -1


_COUNT = struct.Struct("Q")
_OFFSET, _INFO = 128, 136
"""Where tcpi_bytes_received stands in Linux's struct tcp_info, and how much of that is asked for."""
