"""Notes: what of a probe's output could not be read, while the rest of it could.

One strange row costs that row, and one strange value costs that value; the note says so to the operator. An answer that
was cut is no such case: then nothing of it is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from nicassh.model.text import clean

T = TypeVar("T")
MOST = 10
"""Notes of one outcome that are told; of all others their number is."""
_LONG, _SHOWN = 200, 60
STRANGE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What Python raises where a text is not what a parser expects."""


class Unreadable(ValueError):
    """A probe's output, or a part of it, is not what the parser expects: in words that an operator understands."""


@dataclass(frozen=True)
class Note:
    """Says, among the records of a probe, that something in its output could not be read, and what.

    `number` is for how many it stands; one without a text is counted only.
    """

    text: str
    number: int = 1


class Notes:
    """The notes of one output: a parser fills them, and gives them among its records at the end."""

    def __init__(self) -> None:
        self._kept: list[Note] = []
        self._more = 0

    def __iter__(self) -> Iterator[Note]:
        yield from self._kept
        if self._more:
            yield Note("", self._more)

    def add(self, text: str, number: int = 1) -> None:
        """Add a note: what could not be read, and why."""
        if text and len(self._kept) < MOST:
            self._kept.append(Note(clean(text, _LONG)))
            number -= 1
        self._more += number

    @contextmanager
    def reading(self, what: str, text: object = "") -> Iterator[None]:
        """Note what cannot be read inside of the `with` block. Then the parser goes on.

        `what` is its name for the operator, `text` what was to be read, of which the note shows the beginning.
        """
        try:
            yield
        except STRANGE as error:
            shown = clean(str(text)[:_LONG], _SHOWN)
            reason = f": {error}" if isinstance(error, Unreadable) else ""
            self.add(f"{what}{f' `{shown}`' if shown else ''} cannot be read{reason}")

    def value(self, what: str, read: Callable[[str], T], text: str | None) -> T | None:
        """Return what `read` makes of a text; None where there is no text. Notes a text that cannot be read."""
        with self.reading(what, text):
            return None if text is None else read(text)
        return None


def joined(notes: Iterable[Note]) -> str | None:
    """Return the notes as one text of bounded length; None where there are none."""
    found = Notes()
    for note in notes:
        found.add(note.text, note.number)
    told = [note.text or f"and {note.number} more" for note in found]
    return "; ".join(told) or None
