"""The transport to this very machine: a shell as a child process, in a session of its own."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from concurrent.futures import Future, ThreadPoolExecutor

from nicassh.inventory import Node
from nicassh.model.outcome import State
from nicassh.transport.base import DRAIN_TIMEOUT, Limits, Listener, Request, Response, ResponseBuffer, T

_POLL_INTERVAL = 0.01
"""Seconds between two attempts to end the shells that are at work."""
_CHUNK = 65536


class Local:
    """Shells on this machine, each watched by a thread."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._threads = ThreadPoolExecutor(limits.fanout, "local")
        self._under_way: set[Future[object]] = set()
        self._shells: set[int] = set()

    def refresh(self) -> None:
        """See `Transport.refresh`: there are no files."""

    def check(self, node: Node) -> None:
        """See `Transport.check`: there is nothing that an operator could have done wrong."""

    def submit(self, request: Request[T], heard: Listener | None = None) -> Future[Response[T]]:
        """See `Transport.submit`."""
        future = self._threads.submit(self._respond, request, heard)
        self._under_way.add(future)  # type: ignore[arg-type]
        future.add_done_callback(self._under_way.discard)
        return future

    def stalled(self) -> float:
        """See `Transport.stalled`: no shell can hold up another."""
        return 0.0

    def interrupt(self) -> None:
        """See `Transport.interrupt`: kills all shells."""
        while any(not future.done() for future in list(self._under_way)):  # one may be about to start its shell
            for leader in list(self._shells):
                _kill(leader)
            time.sleep(_POLL_INTERVAL)

    def close(self) -> None:
        """See `Transport.close`."""
        self.interrupt()
        self._threads.shutdown()

    def _respond(self, request: Request[T], heard: Listener | None) -> Response[T]:
        """Return the response of this machine; blocks until it is there or the deadline has come."""
        begin = time.monotonic()
        buffer = ResponseBuffer(request.end_mark, request.max_bytes, heard)
        try:
            process = subprocess.Popen(
                ["/bin/sh", "-s"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                start_new_session=True, cwd="/",
            )  # fmt: skip
        except OSError as error:
            return buffer.response(request, State.UNREACHABLE, f"/bin/sh: {error.strerror}", begin)
        with process:
            self._shells.add(process.pid)
            try:
                finished = _exchange(process, request.script, buffer, begin + self._limits.timeout)
                if finished and not buffer.complete:
                    buffer.shell_ended(_status(process))
            finally:
                _kill(process.pid)
                self._shells.discard(process.pid)
        state, reason = buffer.verdict()
        if not finished:
            state, reason = State.TIMEOUT, f"the answer was not complete within {self._limits.timeout:g} s"
        return buffer.response(request, state, reason, begin)


def _status(process: subprocess.Popen[bytes]) -> int | None:
    """Return how a shell ended that closed its streams: its exit status, minus a signal's number, None if it runs."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        return process.wait(DRAIN_TIMEOUT)
    return None


def _kill(leader: int) -> None:
    """Kill a shell and all that it started: they are in one session and process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def _exchange(process: subprocess.Popen[bytes], script: bytes, buffer: ResponseBuffer, deadline: float) -> bool:
    """Write the script and read both streams to their end. Returns False where the deadline came first."""
    assert process.stdin and process.stdout and process.stderr  # noqa: S101 three pipes were asked for
    is_error = {process.stdout.fileno(): False, process.stderr.fileno(): True}
    unsent, finished = memoryview(script), False
    with selectors.DefaultSelector() as selector:
        os.set_blocking(process.stdin.fileno(), False)
        selector.register(process.stdin, selectors.EVENT_WRITE)
        for descriptor in is_error:
            selector.register(descriptor, selectors.EVENT_READ)
        while is_error and not buffer.too_large:
            # The other stream may still be on its way, unless a child process that was left behind keeps it open.
            if buffer.complete and not finished:
                finished, deadline = True, min(deadline, time.monotonic() + DRAIN_TIMEOUT)
            left = deadline - time.monotonic()
            events = selector.select(max(0.0, left))
            if not events or left < 0:
                return buffer.complete
            for key, _ in events:
                if key.fileobj is process.stdin:
                    unsent = _write(process.stdin.fileno(), unsent)
                    if not unsent:
                        selector.unregister(process.stdin)
                        process.stdin.close()
                elif data := os.read(key.fd, _CHUNK):
                    buffer.receive(data, is_error[key.fd])
                else:
                    selector.unregister(key.fd)
                    del is_error[key.fd]
    return True


def _write(descriptor: int, unsent: memoryview) -> memoryview:
    """Write what the pipe takes now, and return the rest."""
    try:
        return unsent[os.write(descriptor, unsent) :]
    except BrokenPipeError:  # the shell has ended; what it printed tells why
        return unsent[:0]
