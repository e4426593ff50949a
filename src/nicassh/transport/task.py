"""What a transport is given, and what it gives back."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from nicassh.inventory import Node
from nicassh.model.outcome import State
from nicassh.model.text import clean
from nicassh.model.units import draw_bytes

COMMAND = "exec sh -s"
"""Runs in the login shell of the account, whichever it is: csh, fish and all others understand it alike."""


_LAST = 4096
"""Bytes in which a last line is looked for."""
LINGER = 0.5
"""Seconds in which the streams of a finished script must close; a child that hangs may hold them open."""


@dataclass(frozen=True)
class Task:
    """A script for a node, the bytes with which its output ends when all of it has arrived, and how many may come.

    `about` is what the caller has in mind with it.
    """

    node: Node
    script: bytes
    end: bytes
    size: int = 8 * 1024 * 1024
    about: Any = None


@dataclass(frozen=True)
class Limits:
    """What no node may exceed. Times in seconds."""

    fanout: int = 32
    connect_timeout: float = 10.0
    timeout: float = 60.0
    host_keys: str = "strict"
    lifetime: float = 600.0
    """How long after its login a session is used again: then keys and inventories that changed take effect."""


@dataclass(frozen=True)
class Reply:
    """What one node answered to one script, or why it did not.

    `output` and `errors` are the bytes of both streams as far as they came, also where the state is
    not OK. `seconds` is the time from the node's turn to the end of its answer, `arrived` that end, in seconds since
    1970. `about` is that of the task.
    """

    node: Node
    state: State
    reason: str
    output: bytes
    errors: bytes
    seconds: float
    about: Any = None
    arrived: float = field(default_factory=time.time)


class Answer:
    """The two streams of one node while they arrive, watched for their end and their size."""

    def __init__(self, end: bytes, size: int) -> None:
        self.output = bytearray()
        self.errors = bytearray()
        self._end = end
        self._size = size
        self._ending = "the connection was lost"
        self._failed = False

    def ended(self, status: int | None) -> None:
        """Notes that the shell is no more, with its exit status; minus the signal's number; None for an unknown end."""
        self._failed = bool(status and status > 0)
        if status is None:
            self._ending = "its shell ended or was killed"
        elif status < 0:
            self._ending = f"its shell was killed by signal {-status}"
        else:
            self._ending = f"its shell ended with exit status {status}"

    @property
    def complete(self) -> bool:
        """Whether the last line of the script's output is there."""
        return self.output.endswith(self._end)

    @property
    def too_large(self) -> bool:
        """Whether more came than a node may send."""
        return len(self.output) + len(self.errors) > self._size

    def verdict(self) -> tuple[State, str]:
        """State and reason of an answer after which nothing more will come."""
        if self.complete:
            return State.OK, ""
        if self.too_large:
            return State.TRUNCATED, f"the node sent more than {draw_bytes(self._size)}"
        state = State.FAILED if self._failed else State.TRUNCATED
        return state, f"{self._ending} before the answer was complete"

    def words(self) -> str:
        """The last line of a shell that gave the script no chance, as the end of a reason; "" where there is none."""
        mark = self._end.strip().rpartition(b" ")[0]
        if self.complete or self.too_large or mark in self.output:
            return ""
        for stream in (self.errors, self.output):
            if lines := stream[-_LAST:].strip().splitlines():
                return f"; it said: {clean(bytes(lines[-1]), 200)}"
        return ""
