"""Texts that fill an exact number of characters: padded, shortened, or continued on further lines."""

from __future__ import annotations

import re

from rich.cells import cell_len, set_cell_size

_WHOLE = 10
"""Characters up to which the name of a column stays in one line."""
_BREAKS = ",/_;|=:"
"""Characters behind which a word that is too long is broken, if that leaves a line at least half full."""


def length(text: str) -> int:
    """Return how many characters of a terminal a text takes."""
    return len(text) if text.isascii() else cell_len(text)


def padded(text: str, room: int, right: bool = False, ellipsis: str = "…") -> str:
    """Return the text in exactly that many characters: padded, or shortened with an ellipsis."""
    missing = room - length(text)
    if missing < 0:
        return set_cell_size(text, max(0, room - len(ellipsis))) + ellipsis[:room]
    return " " * missing + text if right else text + " " * missing


def wrapped(text: str, room: int) -> list[str]:
    """Return the text in lines of at most that many characters, broken at spaces where that is possible."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        joined = f"{line} {word}" if line else word
        if length(joined) <= room:
            line = joined
            continue
        lines += [line] if line else []
        line = word
        while length(line) > room:
            head = _head(line, room)
            lines.append(head)
            line = line[len(head) :]
    return [*lines, line] if line or not lines else lines


def header_room(name: str) -> int:
    """Return the least characters for the name of a column: a long one is broken behind each `_`."""
    if length(name) <= _WHOLE:
        return length(name)
    *first, last = name.split("_")
    return max(length(last), *(length(part) + 1 for part in first), 0)


def header(name: str, room: int) -> list[str]:
    """Return the name of a column in lines of at most that many characters, broken behind `_` if it can be."""
    lines = [""]
    for part in re.findall(r"[^_]*_|[^_]+", name):
        if lines[-1] and length(lines[-1] + part) > room:
            lines.append("")
        lines[-1] += part
    return [piece for line in lines for piece in wrapped(line, room)]


def _head(word: str, room: int) -> str:
    """Return the beginning of a word that is longer than a line: up to a break, if there is one in its second half."""
    size = next((at for at in range(len(word), 0, -1) if length(word[:at]) <= room), 1)
    at = max(word.rfind(one, 0, size) for one in _BREAKS) + 1
    return word[: at if 2 * at >= size else size]
