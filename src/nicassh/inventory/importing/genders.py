"""A genders file: hosts and their attributes."""

from __future__ import annotations

from collections.abc import Sequence

from nicassh.inventory.importing.found import Found, Line, joined


def read(lines: Sequence[Line]) -> Found:
    """Return the hosts with their attributes as groups: `rack=3` is the group `rack-3`, and `role=batch` the role."""
    found = Found()
    for place, text in joined(lines):
        words = text.split()
        if len(words) > 2:
            found.problem(place, f"more than names and attributes: {' '.join(words[2:])[:80]}")
        if not words:
            continue
        attributes = words[1].split(",") if len(words) > 1 else []
        for name in found.names(place, words[0]):
            _add(place, name, attributes, found)
    return found


def _add(place: str, name: str, attributes: Sequence[str], found: Found) -> None:
    given = [attribute.replace("%n", name).replace("%%", "%").partition("=") for attribute in attributes]
    roles = [value for key, _, value in given if key == "role" and value]
    groups = [f"{key}-{value}" if value else key for key, _, value in given if key and key != "role"]
    found.add(place, name, role=roles[0] if roles else "", groups=groups)
