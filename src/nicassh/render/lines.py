"""Texts that fill an exact number of characters: padded, shortened, or continued on further lines."""

from __future__ import annotations

import re

from rich.cells import cell_len, get_character_cell_size, set_cell_size

_WHOLE = 10
"""Characters up to which the name of a column stays in one line."""
_NAME_PARTS = re.compile("[^_]++_?|_")
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
        *parts, last = _parts(word, room)
        lines += [line, *parts] if line else parts
        line = last
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
    for part in _NAME_PARTS.findall(name):
        if lines[-1] and length(lines[-1] + part) > room:
            lines.append("")
        lines[-1] += part
    return [piece for line in lines for piece in wrapped(line, room)]


def _parts(word: str, room: int) -> list[str]:
    """Return a word in parts of at most that many characters: up to a break, if there is one in a part's second half.

    Each character is looked at once: a word may be as long as any text, and its author may be hostile.
    """
    parts: list[str] = []
    begin = 0
    while True:
        end, used = begin, 0
        while end < len(word) and (used := used + get_character_cell_size(word[end])) <= room:
            end += 1
        if end == len(word):
            return [*parts, word[begin:]]
        end = max(end, begin + 1)
        at = max(word.rfind(one, begin, end) for one in _BREAKS) + 1
        end = at if 2 * (at - begin) >= end - begin else end
        parts.append(word[begin:end])
        begin = end
