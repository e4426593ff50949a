"""What the script of `gpus` printed, taken apart: the answers of nvidia-smi, and who owns the processes.

cards        guard nvidia-smi STATUS, and a table
parts        guard nvidia-smi STATUS, and a list; only where a card is split
owners       owner PID UID, and lines of passwd(5)
processes    guard nvidia-smi STATUS, and a table
end
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from nicassh.model.notes import Unreadable
from nicassh.probes.tools import require_end, user_names

PART = re.compile(r"  MIG (\S+) +Device +(\d{1,9}): \(UUID: (.*)\)")


@dataclass
class Section:
    """An answer of nvidia-smi: the status with which it ended, or hung or stuck, and its lines."""

    status: str = ""
    lines: list[str] = field(default_factory=list)


@dataclass
class Sections:
    """The answers, and the owner of each process by its id."""

    cards: Section
    parts: Section
    processes: Section
    owners: dict[int, str]


def sections(output: str) -> Sections:
    """The script's output. Raises ValueError where its end is missing."""
    cards, known, rest = require_end(output).removesuffix("\n").partition("\nowners\n")
    owners, _, processes = f"\n{rest}".partition("\nprocesses\n")
    cards, _, found = cards.removeprefix("cards\n").partition("\nparts\n")
    if not known or not output.startswith("cards\n"):
        raise Unreadable("the output has no cards or no owners")
    return Sections(_section(cards), _section(found), _section(processes), _owners(owners))


def _section(text: str) -> Section:
    first, *lines = text.split("\n")
    return Section(first.removeprefix("guard nvidia-smi "), lines)


def _owners(text: str) -> dict[int, str]:
    """Names by process, from `owner PID UID` and lines of passwd(5), where the first of several names wins."""
    lines = text.split("\n")
    people = {str(uid): name for uid, name in user_names(lines).items()}
    owned: dict[int, str] = {}
    for line in lines:
        word, _, rest = line.partition(" ")
        pid, _, uid = rest.partition(" ")
        if word == "owner" and len(pid) < 20 and pid.isdecimal():
            owned[int(pid)] = uid
    return {pid: people.get(uid, uid) for pid, uid in owned.items()}


def parts(section: Section) -> Iterator[tuple[str, int, str, str]]:
    """Card, number, profile and uuid of each part.

    GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5b…)
      MIG 1g.5gb      Device  0: (UUID: MIG-c6d4…)
    """
    card = ""
    for line in section.lines:
        if line.startswith("GPU "):
            card = line.rpartition("(UUID: ")[2].rstrip(")")
        elif match := PART.fullmatch(line):
            yield card, int(match[2]), match[1], match[3]
