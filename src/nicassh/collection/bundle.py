"""Build one sh script of several probes, and parse its output into sections, one for each probe.

The script runs on the node as `sh -s`, read from its standard input. Each probe runs in a shell of
its own with its own time and size limit, between lines that carry a random mark. Each run on each node has a
mark of its own: who learns one can forge nothing on another node, nor in a later run. On both streams:

    MARK begin NAME
    (the probe's output)
    MARK exit STATUS                      only where the probe ended by itself and its output was not cut
    MARK close NAME REASON [BEGUN ENDED]  ok, or timeout; the node's uptime before and after the probe, in seconds
    MARK end                              after the last probe
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Protocol

from nicassh.probes import filesystems

_STATUS = re.compile(rb"[0-9]{1,3}\s*")
_UPTIME = re.compile(rb"[0-9]{1,10}(?:\.[0-9]{1,9})?")


class Part(Protocol):
    """What a bundle runs: a probe, or a command of an operator.

    `timeout` is in whole seconds. `size` is how many bytes it may print; with 0 there is no such limit, and what it
    prints is passed on at once.
    """

    @property
    def name(self) -> str: ...
    @property
    def script(self) -> str: ...
    @property
    def timeout(self) -> int: ...
    @property
    def size(self) -> int: ...


@dataclass(frozen=True)
class Section:
    """What one probe printed.

    `status` is its exit status, None where it did not end by itself. `whole` is true only for output
    that came from its first to its last byte. `begun` and `ended` are the node's own uptime in seconds just
    before and just after the probe; both None where the node cannot tell it, or the section was cut.
    """

    output: bytes
    errors: bytes
    status: int | None
    timed_out: bool
    whole: bool
    begun: float | None = None
    ended: float | None = None


def new_mark() -> str:
    """Return a mark for one run on one node, which no process can guess."""
    return f"nicamon-{secrets.token_hex(16)}"


def end_line(mark: str) -> bytes:
    """Return the line that ends the output of a run."""
    return f"\n{mark} end\n".encode()


def build_script(
    probes: Sequence[Part], deadline: float, parameters: Mapping[str, str] | None = None, tick: float = 1
) -> bytes:
    """Return the script of these probes, in their order. It can be run after `with_mark` has given it a mark.

    deadline:   seconds that the whole script may live; each probe has its own limit as well
    parameters: become shell variables that every probe can read
    tick:       how long a second of all these limits really is, for tests; `sleep` must know fractions then
    """
    assignments = [f"{name}={_quoted(value)}\n" for name, value in (parameters or {}).items()]
    runs = [f"run {probe.name} {probe.timeout} {probe.size} {_quoted(probe.script)}\n" for probe in probes]
    frame = resources.files("nicassh.collection").joinpath("bundle.sh").read_text(encoding="utf-8")
    settings = f"tick={tick:g}\ndeadline={max(1, int(deadline))}\n"
    return "".join([settings, *assignments, filesystems.functions(), frame, *runs, "finish\n"]).encode()


def with_mark(script: bytes, mark: str) -> bytes:
    """Return the script of `build_script` for one run on one node."""
    return f"mark={mark}\n".encode() + script


def parse_output(output: bytes, errors: bytes, mark: str, probes: Sequence[Part]) -> dict[str, Section]:
    """Return the sections of those probes that were begun, by name. Text outside of the sections is ignored.

    Wherever the streams were cut, a section that came from its first to its last byte is whole.
    """
    said = {name: body for name, body, _ in _frames(errors, mark)}
    sections = {}
    for name, body, closing in _frames(output, mark):
        body, _, tail = body.rpartition(f"\n{mark} exit ".encode())  # noqa: PLW2901
        status = int(tail) if _STATUS.fullmatch(tail) else None
        if status is None:
            body = tail  # noqa: PLW2901 rpartition found no mark, so all of it is the tail
        reason = closing[1] if len(closing) > 1 else b""
        begun, ended = _uptimes(closing[2:])
        sections[name] = Section(
            output=body,
            errors=said.get(name, b"").strip(),
            status=status,
            timed_out=reason == b"timeout",
            whole=status is not None and reason == b"ok",
            begun=begun,
            ended=ended,
        )
    return {probe.name: sections[probe.name] for probe in probes if probe.name in sections}


def _frames(stream: bytes, mark: str) -> Iterator[tuple[str, bytes, list[bytes]]]:
    """Yield name, body and words of the closing line of each frame in a stream; no words where it was cut."""
    for part in stream.split(f"{mark} begin ".encode())[1:]:
        name, _, rest = part.partition(b"\n")
        body, closed, tail = rest.partition(f"\n{mark} close ".encode())
        yield (
            name.decode("ascii", "replace"),
            body,
            tail.partition(b"\n")[0].split() if closed and b"\n" in tail else [],
        )


def _uptimes(words: Sequence[bytes]) -> tuple[float, float] | tuple[None, None]:
    """Return the node's uptime before and after a probe, from the words of the closing line."""
    if len(words) != 2 or not all(_UPTIME.fullmatch(word) for word in words):
        return None, None
    return float(words[0]), float(words[1])


def _quoted(text: str) -> str:
    """Return the text as one word for any POSIX shell."""
    return "'" + text.replace("'", "'\\''") + "'"
