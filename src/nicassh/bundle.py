"""One sh script out of many probes, and its output taken apart again.

The script runs on the node as `sh -s`, read from its standard input. Each probe runs in a shell of
its own with its own time and size limit, framed by lines that carry a random mark of this run, which
nothing on the node can know beforehand. On both streams:

    MARK begin NAME
    (the probe's output)
    MARK exit STATUS          only where the probe ended by itself and its output was not cut
    MARK close NAME REASON    ok, or timeout
    MARK end                  after the last probe
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from nicassh.probe import Probe

ERROR_LIMIT = 16 * 1024
"""Bytes kept of what a probe says on stderr."""


@dataclass(frozen=True)
class Section:
    """What one probe printed.

    `status` is its exit status, None where it did not end by itself. `whole` is true only for output
    that came from its first to its last byte.
    """

    output: bytes
    errors: bytes
    status: int | None
    timed_out: bool
    whole: bool


def nonce() -> str:
    """A mark for one run, that no process on a node can guess."""
    return f"nicamon-{secrets.token_hex(16)}"


def end_of(mark: str) -> bytes:
    """The line after which a node has nothing more to say."""
    return f"\n{mark} end\n".encode()


def join(probes: Sequence[Probe], mark: str, deadline: float, parameters: Mapping[str, str] | None = None) -> bytes:
    """The script for these probes, in their order.

    `deadline` is how many seconds the whole script may live; each probe's own limit comes with it.
    `parameters` become shell variables that every probe can read.
    """
    assignments = [f"{name}={_quoted(value)}\n" for name, value in (parameters or {}).items()]
    runs = [f"run {probe.name} {probe.timeout} {probe.size} {_quoted(probe.script)}\n" for probe in probes]
    frame = resources.files("nicassh").joinpath("bundle.sh").read_text(encoding="utf-8")
    settings = f"mark={mark}\ndeadline={max(1, int(deadline))}\n"
    return "".join([settings, *assignments, frame, *runs, "finish\n"]).encode()


def split(output: bytes, errors: bytes, mark: str, probes: Sequence[Probe]) -> dict[str, Section]:
    """The sections of those probes that were begun. What stands before, between and after them is ignored."""
    said = {name: body for name, body, _ in _frames(errors, mark)}
    sections = {}
    for name, body, closing in _frames(output, mark):
        body, _, tail = body.rpartition(f"\n{mark} exit ".encode())  # noqa: PLW2901
        status = int(tail) if tail.strip().isdigit() else None
        if status is None:
            body = tail  # noqa: PLW2901 rpartition found no mark, so all of it is the tail
        sections[name] = Section(
            output=body,
            errors=said.get(name, b"")[:ERROR_LIMIT].strip(),
            status=status,
            timed_out=closing == "timeout",
            whole=status is not None and closing == "ok",
        )
    return {probe.name: sections[probe.name] for probe in probes if probe.name in sections}


def _frames(stream: bytes, mark: str) -> Iterator[tuple[str, bytes, str]]:
    """Name, body and closing word ("" where it was cut) of each frame in a stream."""
    for part in stream.split(f"{mark} begin ".encode())[1:]:
        name, _, rest = part.partition(b"\n")
        body, closed, tail = rest.partition(f"\n{mark} close ".encode())
        words = tail.partition(b"\n")[0].split() if closed and b"\n" in tail else []
        yield (
            name.decode("ascii", "replace"),
            body,
            words[1].decode("ascii", "replace") if len(words) > 1 else "",
        )


def _quoted(text: str) -> str:
    """The text as one word for any POSIX shell."""
    return "'" + text.replace("'", "'\\''") + "'"
