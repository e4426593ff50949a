"""Run one command of an operator on many nodes, in the frame of a bundle and over the same connections.

The command goes to the node on the standard input of `exec sh -s`, as probes do. So it also works with a key whose
authorized_keys has `command="exec sh -s"`: ssh with such a key would run a shell without a word, and end well.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from nicassh.collection.bundle import Part, Section, build_script, end_line, new_mark, parse_output, with_mark
from nicassh.collection.run import transport_limits
from nicassh.config.settings import Config
from nicassh.inventory import Node
from nicassh.model.outcome import State
from nicassh.model.text import clean, clean_lines
from nicassh.transport import Connections, Limits, Request, Response

MOST_BYTES = 2 * 1024 * 1024
"""Bytes that a command may print on one node, on both streams together."""
TIMED_OUT, NO_STATUS = 124, 255
"""Exit codes, as those of timeout(1) and ssh(1): the command took too long; its exit status is not known."""
_GRACE = 5.0
"""Seconds that a node has to end a command after its time."""


@dataclass(frozen=True)
class Command:
    """A line for the shell of the nodes, and the whole seconds that it may take on each. It is the part of a bundle."""

    line: str
    timeout: int
    name: str = "command"
    size: int = 0

    @property
    def script(self) -> str:
        """Return what the frame runs. A shell of its own may `exec` or end as it likes."""
        return f"sh -c {shlex.quote(self.line)}"

    @classmethod
    def of(cls, words: Sequence[str], timeout: int) -> Command:
        """Return a command. One word is a line for the shell; of several, each is one argument exactly as it is."""
        return cls(words[0] if len(words) == 1 else shlex.join(words), timeout)


@dataclass(frozen=True)
class CommandResult:
    """What became of a command on one node. `status` is its exit status, None where it did not end by itself.

    `output` and `errors` are clean: their lines have no control characters but tabs.
    """

    node: Node
    state: State
    reason: str
    status: int | None
    output: str
    errors: str
    seconds: float
    begun: bool

    @property
    def is_ok(self) -> bool:
        """Say whether the command ran and ended with exit status 0."""
        return self.status == 0

    @property
    def exit_code(self) -> int:
        """Return the exit status of the command, or the code that says why there is none."""
        if self.status is not None:
            return self.status
        return TIMED_OUT if self.begun and self.state is State.TIMEOUT else NO_STATUS


def command_limits(config: Config, window: int | None, command: Command) -> Limits:
    """Return the limits for a command: it has its own time, and the login that of the configuration."""
    whole = config.connect_timeout + command.timeout + _GRACE
    return replace(transport_limits(config), fanout=window or config.fanout, timeout=whole)


def run_command(
    nodes: Sequence[Node],
    command: Command,
    connections: Connections,
    started: Callable[[Request[Any]], None] = lambda _request: None,
    heard: Callable[[Node, str, bool], None] | None = None,
) -> Iterator[CommandResult]:
    """Run a command on nodes, and yield what became of it on each as it ends. A node's failure is a result.

    `heard` is given each line when it is there, and whether it is of the errors. Raises ConfigError.
    """
    script = build_script([command], command.timeout + 1)
    requests = (_request(node, script) for node in nodes)
    hear = partial(_hear, heard) if heard else None
    for response in connections.run(requests, started, hear):
        if heard:
            for lines in response.context.lines:
                for line in lines.rest():
                    heard(response.node, line, lines.is_error)
        yield _result(response, command)


class _Lines:
    """Take the lines of a command out of a stream that has the frame of a bundle around them."""

    def __init__(self, mark: str, is_error: bool) -> None:
        self.is_error = is_error
        self._mark = f"{mark} ".encode()
        self._begin = self._mark + b"begin "
        self._cut = b""
        self._inside = self._blank = False

    def feed(self, data: bytes) -> Iterator[str]:
        """Yield the lines that are whole now. An empty one may belong to the frame, and waits for the next line."""
        *whole, self._cut = (self._cut + data).split(b"\n")
        for line in whole:
            if line.startswith(self._mark):
                self._inside, self._blank = line.startswith(self._begin), False
            elif self._inside:
                if self._blank:
                    yield ""
                self._blank = not line
                if line:
                    yield clean_lines(line)

    def rest(self) -> Iterator[str]:
        """Yield a last line that was cut."""
        if self._inside and self._cut:
            yield clean_lines(self._cut)


class _Context:
    """What belongs to the command on one node: the mark of its frame, and its two streams."""

    def __init__(self) -> None:
        self.mark = new_mark()
        self.lines = (_Lines(self.mark, False), _Lines(self.mark, True))


def _request(node: Node, script: bytes) -> Request[_Context]:
    context = _Context()
    return Request(node, with_mark(script, context.mark), end_line(context.mark), MOST_BYTES, context)


def _hear(
    heard: Callable[[Node, str, bool], None], request: Request[_Context], data: bytes, is_error: bool
) -> None:  # fmt: skip
    for line in request.context.lines[is_error].feed(data):
        heard(request.node, line, is_error)


def _result(response: Response[_Context], command: Part) -> CommandResult:
    sections = parse_output(response.output, response.errors, response.context.mark, [command])
    section = sections.get(command.name)
    state, reason = _judged(response, section, command.timeout)
    output, errors = (section.output, section.errors) if section else (b"", b"")
    status = section.status if section and not section.timed_out else None
    return CommandResult(
        response.node, state, clean(reason), status, clean_lines(output), clean_lines(errors),
        round(response.seconds, 3), section is not None,
    )  # fmt: skip


def _judged(response: Response[Any], section: Section | None, timeout: int) -> tuple[State, str]:
    """Return how a command ended, and why it was not well."""
    if section and section.timed_out:
        return State.TIMEOUT, f"ran longer than its {timeout} s"
    if section and section.status is not None:
        return (State.FAILED, f"exit status {section.status}") if section.status else (State.OK, "")
    if response.state is State.OK:
        return State.TRUNCATED, "its shell was killed"
    return response.state, response.reason
