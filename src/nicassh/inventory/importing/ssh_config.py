"""ssh_config: the names of its Host lines. What it says of each is read when the inventory is read."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nicassh.inventory.importing.found import Found, Line
from nicassh.inventory.ssh_lines import split

_LINE = re.compile(r"\s*(host|include)(?:\s*=\s*|\s+)(.*)", re.IGNORECASE)


def read(lines: Sequence[Line]) -> Found:
    """Return the hosts that are named without a pattern."""
    found = Found()
    for place, text in lines:
        match = _LINE.fullmatch(text.rstrip())
        if not match:
            continue
        words = split(match[2])
        if words is None:
            found.problem(place, "its quotes do not close")
        elif match[1].lower() == "include":
            found.problem(place, f"Include {' '.join(words)}: give these files, too")
        else:
            for word in words:
                _add(place, word, found)
    return found


def _add(place: str, word: str, found: Found) -> None:
    if not set(word) & set("*?!"):
        found.add(place, word)
    elif word != "*":
        found.problem(place, f"Host {word} is a pattern, and names no host")
