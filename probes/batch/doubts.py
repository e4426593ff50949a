"""Values that a user or a node chooses: one that cannot be what it should is unknown, and a row that cannot be read is
left out. Each has a note.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

from nicassh.model.notes import STRANGE, Notes, Unreadable
from nicassh.probes.tools import from_epoch

T = TypeVar("T")
R = TypeVar("R")
MOST = 2**31
"""More slots, processors and nodes than a cluster has; a sum of many is still one that a database can hold."""
_VAST = 1e200


class Doubts:
    """The values of one row, which has a name for the notes: `job 12.3`."""

    def __init__(self, notes: Notes, row: str) -> None:
        self._notes, self._row = notes, row

    def number(self, what: str, value: Any) -> float | None:
        """A number from 0 on; None where there is none."""
        if type(value) in (int, float) and 0 <= value < _VAST:
            return float(value)
        self._odd(what, value)
        return None

    def count(self, what: str, value: Any) -> int | None:
        """A whole number of things that can be counted."""
        if type(value) in (int, float) and 0 <= value <= MOST:
            return int(value)
        self._odd(what, value)
        return None

    def time(self, what: str, value: Any) -> datetime | None:
        """The moment of a number of seconds since 1970, of which 0 is none."""
        seconds = self.number(what, value)
        return self.read(what, from_epoch, seconds) if seconds else None

    def text(self, what: str, value: Any) -> str | None:
        """A text that is not empty."""
        if isinstance(value, str):
            return value or None
        self._odd(what, value)
        return None

    def read(self, what: str, read: Callable[[Any], R | None], value: Any) -> R | None:
        """What `read` makes of a value; None where there is none, or where it cannot be read."""
        try:
            return None if value is None else read(value)
        except STRANGE:
            self._odd(what, value)
        return None

    def _odd(self, what: str, value: Any) -> None:
        """Notes that a value, where there is one, is not what it should be."""
        if value is not None:
            self._notes.add(f"{self._row}: {what} {_shown(value)} cannot be read")


def each(
    notes: Notes, what: str, items: Iterable[T], read: Callable[[T], R], show: Callable[[T], object] = str
) -> list[R]:
    """What `read` makes of each item, with a note of those that it raises for, in which `show` gives its name.

    Raises Unreadable where there are items and it raises for all of them: then they are something else.
    """
    found: list[R] = []
    first: Exception | None = None
    for item in items:
        try:
            found.append(read(item))
        except STRANGE as error:
            first = first or error
            with notes.reading(what, show(item)):
                raise
    if first and not found:
        raise Unreadable(f"no {what} can be read{f': {first}' if isinstance(first, Unreadable) else ''}")
    return found


def _shown(value: object) -> str:
    """A value for a note. Neither a number of a million digits is written nor what is nested without end."""
    if isinstance(value, list | dict):
        return "that is a list" if isinstance(value, list) else "that is an object"
    if isinstance(value, int) and value.bit_length() > 100:
        return "of more than 30 digits"
    return repr(value[:60]) if isinstance(value, str) else str(value)[:60]
