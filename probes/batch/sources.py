"""The script's output: each command of a batch system with what it printed, said and ended with.

    guard sge qhost -q -j -xml 0   a command and its exit status: `hung` where it did not end in time, `stuck` where one
                                   of an earlier run still hangs and no second was started
     <?xml version='1.0'?>         a line of its output, after one blank, so that no job's name can pass for a frame
    error commlib error: …         a line that it said on stderr
    end                            the last line of all: without it the output was cut

Lines without anything lie between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nicassh.record import whole


@dataclass
class Source:
    """One command: `status` is None where it hung, now or, if it is `stuck`, since an earlier run."""

    system: str
    command: str
    status: int | None = None
    stuck: bool = False
    lines: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All that it printed."""
        return "\n".join(self.lines)

    @property
    def well(self) -> bool:
        """Whether it ended in order."""
        return self.status == 0

    @property
    def trouble(self) -> str:
        """In words why it did not end in order."""
        name = self.command.split()[0]
        if self.stuck:
            return f"{name} of an earlier run still hangs and cannot be killed"
        if self.status is None:
            return f"{name} did not answer in time"
        return " ".join(self.errors) or f"{name} ended with {self.status}"


def read(output: str) -> Sequence[Source]:
    """The commands in their order. Raises ValueError for an output that does not end with the line `end`."""
    sources: list[Source] = []
    for line in filter(None, whole(output).split("\n")):
        word, _, rest = line.partition(" ")
        if word == "guard":
            sources.append(_begun(rest))
        elif not word and sources:
            sources[-1].lines.append(rest)
        elif word == "error" and sources:
            sources[-1].errors.append(rest)
        else:
            raise ValueError(f"a line of no kind that is known: {line[:80]!r}")
    return sources


def _begun(words: str) -> Source:
    """The source in `sge qhost -q -j -xml 0`."""
    command, _, ending = words.rpartition(" ")
    system, _, command = command.partition(" ")
    if not command or not (ending.isdecimal() or ending in ("hung", "stuck")):
        raise ValueError(f"a command without its status: {words[:80]!r}")
    return Source(system, command, int(ending) if ending.isdecimal() else None, ending == "stuck")
