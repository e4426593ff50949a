"""What the script of `mounts` printed, taken apart: the mounts, what fstab lists, and what came of each look."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from nicassh.model.notes import Notes, Unreadable
from nicassh.probes.tools import decode_mount, require_end

UPTIME, NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,9})?"), re.compile(r"\d{1,20}")
SLOW = 1.0
PATIENCE = 5
"""Seconds that the script waits for the answers."""
STATES = {
    "Stale file handle": "stale",
    "Stale NFS file handle": "stale",
    "Permission denied": "denied",
    "Operation not permitted": "denied",
    "Required key not available": "denied",
}
"""What strerror(3) says, and the state that it is; anything else is an error."""


@dataclass
class Answer:
    """What came of one look: `guard mount POINT STATUS`, `took 17.20 17.21`, then `size …` or an error of stat(1)."""

    status: str
    lines: list[str] = field(default_factory=list)

    def judge(self) -> tuple[str, str | None, float | None]:
        """State, reason and seconds. Raises Unreadable where the node's stat(1) cannot do it."""
        if self.status in ("hung", "stuck"):
            return (
                "hung",
                f"no answer in {PATIENCE} s" if self.status == "hung" else "an earlier look still hangs",
                None,
            )
        seconds, reason = self._seconds, self.lines[1].rpartition(": ")[2] if len(self.lines) > 1 else ""
        if seconds is None or not reason or (self.status == "0" and not self._numbers):
            return "unchecked", "its answer cannot be read", None
        if self.status == "0" and not any(self._numbers):
            # The kernel says this, without asking, of a FUSE mount to everybody but the one who made it.
            return "denied", "only the account that mounted it may look", seconds
        if self.status == "0":
            return "slow" if seconds >= SLOW else "ok", None, seconds
        # stat: cannot read file system information for '/data': Stale file handle
        if self.status in ("126", "127") or reason.startswith("invalid option"):
            raise Unreadable(f"this node has no stat(1) that can ask: {reason}")
        return STATES.get(reason, "error"), reason, seconds

    @property
    def _seconds(self) -> float | None:
        """How long it took, of `took 17.20 17.21`."""
        words = self.lines[0].removeprefix("took ").split(" ") if self.lines else []
        if len(words) != 2 or not all(UPTIME.fullmatch(word) for word in words):
            return None
        return round(float(words[1]) - float(words[0]), 2)

    @property
    def _numbers(self) -> list[int]:
        """Block size, blocks, free and available ones, inodes and free ones, of `size 4096 1000 400 300 50 20`."""
        words = self.lines[1].removeprefix("size ").split(" ") if len(self.lines) > 1 else []
        return [int(word) for word in words] if len(words) == 6 and all(map(NUMBER.fullmatch, words)) else []

    @property
    def sizes(self) -> list[int]:
        """The same; nothing where it did not answer, or has no blocks to count."""
        numbers = self._numbers if self.status == "0" else []
        return numbers if numbers and numbers[1] else []


@dataclass
class Output:
    """The lines of the script by what they tell, with decoded names. The lists are source, type, options."""

    mounts: dict[str, list[str]] = field(default_factory=dict)
    listed: dict[str, list[str]] = field(default_factory=dict)
    covered: set[str] = field(default_factory=set)
    unchecked: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    notes: Notes = field(default_factory=Notes)


def read(output: str) -> Output:
    """The script's output. Raises ValueError where its end is missing."""
    found = Output()
    answer = Answer("")
    for line in require_end(output).split("\n"):
        word, _, rest = line.partition(" ")
        if word in ("mount", "fstab"):
            with found.notes.reading("line", line):
                source, point, kind, options = rest.split(" ")
                path = decode_mount(point).rstrip("/") or "/"  # fstab may have `/data/`
                place = found.mounts if word == "mount" else found.listed
                place.pop(path, None)  # of several on one path the last counts
                place[path] = [decode_mount(source), kind, options]
        elif word == "over":
            found.covered.add(decode_mount(rest))
            found.mounts.pop(decode_mount(rest), None)
        elif word == "unchecked":
            point, _, reason = rest.partition(" ")
            found.unchecked[decode_mount(point)] = reason
        elif word == "guard":
            point, _, status = rest.removeprefix("mount ").rpartition(" ")
            answer = Answer(status)
            found.answers.setdefault(decode_mount(point), answer)
        elif line:
            answer.lines.append(line)
    return found
