"""The transport to this very machine: a shell as a child process, in a session of its own."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager

from nicassh.state import State
from nicassh.transport.task import Answer, Limits, Reply, Task

_CHUNK = 65536


@contextmanager
def started(tasks: Sequence[Task], limits: Limits) -> Iterator[Callable[[], Iterator[Reply]]]:
    """Starts the tasks beside what the body of the `with` does; the callable yields their replies."""
    if not tasks:
        yield lambda: iter(())
        return
    running: set[int] = set()
    with ThreadPoolExecutor(min(limits.fanout, len(tasks))) as pool:
        futures = [pool.submit(_ask, task, limits, running) for task in tasks]
        try:
            yield lambda: (future.result() for future in as_completed(futures))
        finally:
            # An interruption must not wait for what is still running.
            pool.shutdown(wait=False, cancel_futures=True)
            for leader in tuple(running):
                _kill(leader)


def _ask(task: Task, limits: Limits, running: set[int]) -> Reply:
    limits.started(task.node.name)
    start = time.monotonic()
    answer = Answer(task.end, limits.size)
    try:
        process = subprocess.Popen(
            ["/bin/sh", "-s"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True, cwd="/",
        )  # fmt: skip
    except OSError as error:
        return Reply(task.node, State.UNREACHABLE, f"/bin/sh: {error.strerror}", b"", b"", 0.0)
    with process:
        running.add(process.pid)
        try:
            finished = _exchange(process, task.script, answer, start + limits.timeout)
        finally:
            _kill(process.pid)
            running.discard(process.pid)
    state, reason = answer.verdict(limits)
    if not finished:
        state, reason = State.TIMEOUT, f"the answer was not complete within {limits.timeout:g} s"
    return Reply(task.node, state, reason, bytes(answer.output), bytes(answer.errors), time.monotonic() - start)


def _kill(leader: int) -> None:
    """Ends a shell with all that it left behind: it keeps its session, and so its process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def _exchange(process: subprocess.Popen[bytes], script: bytes, answer: Answer, deadline: float) -> bool:
    """Writes the script and reads both streams to their end; False where the deadline came first."""
    assert process.stdin and process.stdout and process.stderr  # noqa: S101 three pipes were asked for
    sinks = {process.stdout.fileno(): answer.output, process.stderr.fileno(): answer.errors}
    waiting = memoryview(script)
    with selectors.DefaultSelector() as selector:
        os.set_blocking(process.stdin.fileno(), False)
        selector.register(process.stdin, selectors.EVENT_WRITE)
        for descriptor in sinks:
            selector.register(descriptor, selectors.EVENT_READ)
        while sinks and not answer.too_large and not answer.complete:
            events = selector.select(max(0.0, deadline - time.monotonic()))
            if not events:
                return False
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
