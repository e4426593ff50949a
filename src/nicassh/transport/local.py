"""The transport to this very machine: a shell as a child process, in a session of its own."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time

from nicassh.model.outcome import State
from nicassh.transport.task import LINGER, Answer, Limits, Reply, Task

BREATH = 0.01
"""Seconds between two attempts to end the shells that are at work."""
_CHUNK = 65536
_running: set[int] = set()
"""The shells that are at work, so that an interruption need not wait for them."""


def ask(task: Task, limits: Limits) -> Reply:
    """The reply of this machine; blocks until it is there or the deadline has come."""
    start = time.monotonic()
    answer = Answer(task.end, task.size)
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-s"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True, cwd="/",
        )  # fmt: skip
    except OSError as error:
        return Reply(task.node, State.UNREACHABLE, f"/bin/sh: {error.strerror}", b"", b"", 0.0, task.about)
    with process:
        _running.add(process.pid)
        try:
            finished = _exchange(process, task.script, answer, start + limits.timeout)
            if finished and not answer.complete:
                answer.ended(_status(process))
        finally:
            _kill(process.pid)
            _running.discard(process.pid)
    state, reason = answer.verdict()
    if not finished:
        state, reason = State.TIMEOUT, f"the answer was not complete within {limits.timeout:g} s"
    seconds = time.monotonic() - start
    reason += answer.words()
    return Reply(task.node, state, reason, bytes(answer.output), bytes(answer.errors), seconds, task.about)


def _status(process: subprocess.Popen[bytes]) -> int | None:
    """The exit status of a shell that has closed both streams, minus the number of its signal; None where it lives."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        return process.wait(LINGER)
    return None


def stop() -> None:
    """Ends the shells that are at work, and with them the calls of `ask`."""
    for leader in tuple(_running):
        _kill(leader)


def _kill(leader: int) -> None:
    """Ends a shell with all that it left behind: it keeps its session, and so its process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def _exchange(process: subprocess.Popen[bytes], script: bytes, answer: Answer, deadline: float) -> bool:
    """Writes the script and reads both streams to their end; False where the deadline came first."""
    assert process.stdin and process.stdout and process.stderr  # noqa: S101 three pipes were asked for
    sinks = {process.stdout.fileno(): answer.output, process.stderr.fileno(): answer.errors}
    waiting, over = memoryview(script), False
    with selectors.DefaultSelector() as selector:
        os.set_blocking(process.stdin.fileno(), False)
        selector.register(process.stdin, selectors.EVENT_WRITE)
        for descriptor in sinks:
            selector.register(descriptor, selectors.EVENT_READ)
        while sinks and not answer.too_large:
            # The other stream may still be on its way, unless a child that was left behind keeps it open.
            if answer.complete and not over:
                over, deadline = True, min(deadline, time.monotonic() + LINGER)
            patience = deadline - time.monotonic()
            events = selector.select(max(0.0, patience))
            if not events or patience < 0:
                return answer.complete
            for key, _ in events:
                if key.fileobj is process.stdin:
                    waiting = _write(process.stdin.fileno(), waiting)
                    if not waiting:
                        selector.unregister(process.stdin)
                        process.stdin.close()
                elif data := os.read(key.fd, _CHUNK):
                    sinks[key.fd] += data
                else:
                    selector.unregister(key.fd)
                    del sinks[key.fd]
    return True


def _write(descriptor: int, waiting: memoryview) -> memoryview:
    try:
        return waiting[os.write(descriptor, waiting) :]
    except BrokenPipeError:  # the shell ended early; what it said tells why
        return waiting[:0]
