"""Values as Grid Engine prints them in XML. What it does not know it writes in several ways; here it is None."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, datetime
from math import isfinite
from typing import Any
from xml.etree.ElementTree import Element

from nicassh.model.notes import Unreadable
from nicassh.probes.tools import from_epoch

from .doubts import MOST

UNKNOWN = frozenset(("", "-", "NA", "N/A", "-NA-", "NONE"))
_POWERS = {"k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_PIECE = 1 << 15
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_REFERENCE = re.compile(r"&#(\d{1,7}|x[0-9a-fA-F]{1,6});|&(?!\w+;)")
"""A character by its number, or an `&` that nobody has escaped: some variants copy a job's name as it is."""


def elements(text: str, root: str, tag: str) -> Iterator[Element]:
    """Each element of this tag in a document whose root has the name `root`; it is empty once the next is asked for.

    A banner may stand above the document (of a wrapper script), and control characters of job names in it. Raises
    Unreadable for anything else, also for a document type: Grid Engine has none, and its entities could be bombs.
    """
    start = text.find("<?xml")
    if start < 0:
        raise Unreadable(f"no XML for <{root}>: {text[:80]!r}")
    text = _REFERENCE.sub(_mended, _FORBIDDEN.sub("", text[start:]))
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise Unreadable("XML with a document type")
    parser: Any = ET.XMLPullParser(("end",))  # its types speak of all kinds of events
    last: Element | None = None
    # A tree of 100 000 jobs would be 200 MB, and Python's garbage collector would walk it again and again.
    for place in range(0, len(text) + _PIECE, _PIECE):
        try:
            parser.feed(text[place : place + _PIECE]) if place < len(text) else parser.close()
            events = list(parser.read_events())
        except ET.ParseError as error:
            raise Unreadable(f"XML for <{root}> that is cut or broken in line {error.position[0]}") from error
        for _, last in events:
            if last.tag == tag:
                yield last
                last.clear()
    if last is None or last.tag != root:
        raise Unreadable(f"<{last.tag if last is not None else ''}> where <{root}> was asked for")


def _mended(found: re.Match[str]) -> str:
    """A reference to a character that XML allows as it is, to another one as nothing; a bare `&` escaped."""
    if not found[1]:
        return "&amp;"
    number = int(found[1][1:], 16) if found[1][0] == "x" else int(found[1])
    legal = number in (9, 10, 13) or 0x20 <= number < 0xD800 or 0xE000 <= number < 0xFFFE or 0xFFFF < number < 0x110000
    return found[0] if legal else ""


def tagged(element: Element) -> dict[str, str]:
    """The children by their tags, with their text: `<slots>1</slots>`."""
    return {child.tag: (child.text or "").strip() for child in element}


def named(element: Element) -> dict[str, str]:
    """The children by their names, with their text: `<hostvalue name='num_proc'>24</hostvalue>`."""
    return {child.attrib["name"]: (child.text or "").strip() for child in element if "name" in child.attrib}


def name(text: str | None) -> str:
    """A name that a user chose. Up to 8.1, `<` alone is written wrongly: `mpi%lt;test&gt;`."""
    return (text or "").replace("%lt;", "<")


def number(text: str | None) -> float | None:
    """`24.31`; None for `-`, `-nan` and the like."""
    if text is None or text.strip() in UNKNOWN:
        return None
    value = float(text)
    if value < 0:
        raise Unreadable("below zero")
    return value if isfinite(value) else None


def count(text: str | None) -> int | None:
    """`24`."""
    value = number(text)
    if value is not None and value > MOST:
        raise Unreadable("too many")
    return None if value is None else int(value)


def needed(text: str) -> int:
    """A number without which the row means nothing. Raises Unreadable where it is not known."""
    value = count(text)
    if value is None:
        raise Unreadable("a number is missing")
    return value


def size(text: str | None) -> int | None:
    """Bytes in `47.1G`: by sge_types(5), capital suffixes are powers of 1024 and small ones of 1000."""
    text = (text or "").strip()
    power = _POWERS.get(text[-1:], 1)
    value = number(text[:-1] if power > 1 else text)
    return None if value is None else round(value * power)


def clock(text: str | None) -> datetime | None:
    """The moment of `2026-11-20T21:04:11`, which the script asks for in UTC; 9.x adds `.123456`.

    Some variants write it as in their tables: `11/20/2026 21:04:11`.
    """
    if text is None or text.strip() in UNKNOWN:
        return None
    text = text.strip()
    time = datetime.strptime(text, "%m/%d/%Y %H:%M:%S") if "/" in text else datetime.fromisoformat(text)
    return from_epoch((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())


def epoch(text: str | None) -> datetime | None:
    """The moment of `1795205051`; Univa has printed milliseconds, 9.x prints microseconds. 0 is no time."""
    value = number(text)
    while value and value > 1e11:  # the year 5138 in seconds, 1973 in milliseconds
        value /= 1000
    return from_epoch(value) if value else None
