"""The script's output: each command of a batch system with what it printed, said and ended with.

    guard sge qhost -q -j -xml 0   a command and its exit status: `hung` where it did not end in time, `stuck` where one
                                   of an earlier run still hangs and no second was started, `late` where the commands
                                   before it took all the time of their system
     <?xml version='1.0'?>         a line of its output, after one blank, so that no job's name can pass for a frame
    error commlib error: …         a line that it said on stderr
    refused /opt/sge               a folder whose programs are not run, because others may write there
    end                            the last line of all: without it the output was cut

Lines without anything lie between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from nicassh.model.notes import Unreadable
from nicassh.probes.tools import require_end

_ENDINGS = ("hung", "stuck", "late")


@dataclass
class Source:
    """One command: `status` is None where it did not end, and `ending` says how: hung, stuck or late."""

    system: str
    command: str
    status: int | None = None
    ending: str = ""
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
        if self.ending == "stuck":
            return f"{name} of an earlier run still hangs and cannot be killed"
        if self.ending == "late":
            return f"no time was left for {name}: the commands before it were too slow"
        if self.status is None:
            return f"{name} did not answer in time"
        return " ".join(self.errors) or f"{name} ended with {self.status}"


def find_source(sources: Sequence[Source], words: str) -> Source | None:
    """Returns the first command in which these words stand; None where there is none."""
    return next((source for source in sources if words in source.command), None)


@dataclass
class Printed:
    """All that the script printed: the commands in their order, and the folders that it did not use."""

    sources: list[Source] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def read(output: str) -> Printed:
    """What the script printed. Raises Unreadable for an output that does not end with the line `end`."""
    printed = Printed()
    for line in filter(None, require_end(output).split("\n")):
        word, _, rest = line.partition(" ")
        if word == "guard":
            printed.sources.append(_begun(rest))
        elif not word and printed.sources:
            printed.sources[-1].lines.append(rest)
        elif word == "error" and printed.sources:
            printed.sources[-1].errors.append(rest)
        elif word == "refused":
            printed.refused.append(rest)
        else:
            raise Unreadable(f"a line of no kind that is known: {line[:80]!r}")
    return printed


def _begun(words: str) -> Source:
    """The source in `sge qhost -q -j -xml 0`."""
    command, _, ending = words.rpartition(" ")
    system, _, command = command.partition(" ")
    if not command or not (ending.isdecimal() or ending in _ENDINGS):
        raise Unreadable(f"a command without its status: {words[:80]!r}")
    return Source(system, command, int(ending) if ending.isdecimal() else None, ending)
