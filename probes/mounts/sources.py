"""What the script of `mounts` printed, taken apart: the mounts, what fstab lists, and what came of each look."""

from __future__ import annotations

from dataclasses import dataclass, field

from nicassh.record import unescaped, whole

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
        """State, reason and seconds. Raises ValueError where the node's stat(1) cannot do it."""
        if self.status in ("hung", "stuck"):
            return (
                "hung",
                f"no answer in {PATIENCE} s" if self.status == "hung" else "an earlier look still hangs",
                None,
            )
        begin, end = (float(word) for word in self.lines[0].removeprefix("took ").split(" "))
        seconds = round(end - begin, 2)
        if self.status == "0" and not any(self._numbers):
            # The kernel says this, without asking, of a FUSE mount to everybody but the one who made it.
            return "denied", "only the account that mounted it may look", seconds
        if self.status == "0":
            return "slow" if seconds >= SLOW else "ok", None, seconds
        # stat: cannot read file system information for '/data': Stale file handle
        reason = self.lines[1].rpartition(": ")[2]
        if self.status in ("126", "127") or reason.startswith("invalid option"):
            raise ValueError(f"this node has no stat(1) that can ask: {reason}")
        return STATES.get(reason, "error"), reason, seconds

    @property
    def _numbers(self) -> list[int]:
        """Block size, blocks, free and available ones, inodes and free ones, of `size 4096 1000 400 300 50 20`."""
        return [int(word) for word in self.lines[1].removeprefix("size ").split(" ")]

    @property
    def sizes(self) -> list[int]:
        """The same; nothing where it did not answer, or has no blocks to count."""
        return self._numbers if self.status == "0" and self._numbers[1] else []


@dataclass
class Output:
    """The lines of the script by what they tell, with decoded names. The lists are source, type, options."""

    mounts: dict[str, list[str]] = field(default_factory=dict)
    listed: dict[str, list[str]] = field(default_factory=dict)
    covered: set[str] = field(default_factory=set)
    unasked: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)


def read(output: str) -> Output:
    """The script's output. Raises ValueError where its end is missing."""
    found = Output()
    answer = Answer("")
    for line in whole(output).split("\n"):
        word, _, rest = line.partition(" ")
        if word in ("mount", "fstab"):
            source, point, kind, options = rest.split(" ")
            path = unescaped(point).rstrip("/") or "/"  # fstab may have `/data/`
            place = found.mounts if word == "mount" else found.listed
            place.pop(path, None)  # of several on one path the last counts
            place[path] = [unescaped(source), kind, options]
        elif word == "over":
            found.covered.add(unescaped(rest))
            found.mounts.pop(unescaped(rest), None)
        elif word == "unasked":
            point, _, reason = rest.partition(" ")
            found.unasked[unescaped(point)] = reason
        elif word == "guard":
            point, status = rest.removeprefix("mount ").split(" ")
            answer = Answer(status)
            found.answers.setdefault(unescaped(point), answer)
        elif line:
            answer.lines.append(line)
    return found
