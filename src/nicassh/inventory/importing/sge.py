"""Grid Engine: what `qconf -sel`, `qhost`, `qhost -q` and `qconf -shgrp @GROUP` print."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nicassh.inventory.importing.found import Found, Line, joined

_QUEUE = re.compile(r"\s+(\S+)\s+[BIPCTN]+\s+\d+/\d+(?:/\d+)?(?:\s+\S+)?\s*")
_DETAIL = re.compile(r"\s+(?:[a-z]{2}:\S+=.*|job-ID\s.*|-+|\d+\s.*)")
"""Resources of `qhost -F` and jobs of `qhost -j`."""
_ROW = re.compile(r"(\S+)\s+\S+\s+(?:\d+|-)(?:\s+\S+){5,}\s*")
"""A line of qhost: the host, its architecture, its processors, and at least five more values."""
_NO_HOSTS = ("HOSTNAME", "global")


def read(lines: Sequence[Line]) -> Found:
    """Return the execution hosts, with their queues and host groups as groups."""
    found = Found()
    host = group = ""
    for place, text in joined(lines):
        words = text.split()
        if not words or set(text.strip()) == {"-"}:
            continue
        if words[0] == "group_name" and len(words) == 2:
            group = words[1].lstrip("@")
        elif words[0] == "hostlist":
            _add_group(place, group, words[1:], found)
        elif text[0].isspace():
            _add_queue(place, host, text, found)
        elif words[0] not in _NO_HOSTS:
            row = _ROW.fullmatch(text) if len(words) > 1 else None
            host = words[0] if row or len(words) == 1 else ""
            if host:
                found.add(place, host, role="batch")
            else:
                found.problem(place, f"not understood: {text.strip()[:80]}")
    return found


def _add_group(place: str, group: str, names: Sequence[str], found: Found) -> None:
    for name in names:
        if name.startswith("@"):
            found.problem(place, f"the host group {name} in @{group}: give what `qconf -shgrp {name}` prints, too")
        elif name != "NONE":
            found.add(place, name, role="batch", groups=[group] if group else [])


def _add_queue(place: str, host: str, text: str, found: Found) -> None:
    """Add the queue of an indented line of `qhost -q` to the host above it."""
    queue = _QUEUE.fullmatch(text)
    if queue and host:
        found.add(place, host, groups=[queue[1]])
    elif not _DETAIL.fullmatch(text):
        found.problem(place, f"not understood: {text.strip()[:80]}")
