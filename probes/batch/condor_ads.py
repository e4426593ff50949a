"""The ads that HTCondor's commands print in JSON, and the values in them.

An attribute that is not there, or is an expression without a value (`"/Expr(RequestMemory * 2)/"`), is None. A user may
give his job any attribute with any value: one that is not what it should be is None too, with a note.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from nicassh.model.notes import Notes, Unreadable

from .doubts import Doubts

NONE = "All queues are empty"
"""What condor_q -global says on stdout where there are no jobs."""
_BLANKS = re.compile(r"\s*")
_DIGITS = 40
_DECODER = json.JSONDecoder(strict=False)
# Python refuses to read a number of more than 4300 digits.
_PATIENT = json.JSONDecoder(strict=False, parse_int=lambda text: int(text) if len(text) < _DIGITS else float("inf"))


class Ad:
    """One ad. Its attributes have no case."""

    def __init__(self, attributes: dict[str, Any], notes: Notes) -> None:
        self._values = {name.lower(): value for name, value in attributes.items()}
        self.name = self._name()
        self._doubts = Doubts(notes, self.name)

    def text(self, name: str) -> str | None:
        """A text that is not empty."""
        return self._doubts.text(name, self._value(name))

    def number(self, name: str) -> float | None:
        """A number that is not negative."""
        return self._doubts.number(name, self._value(name))

    def count(self, name: str) -> int | None:
        """A whole number."""
        return self._doubts.count(name, self._value(name))

    def time(self, name: str) -> datetime | None:
        """A moment; HTCondor has seconds since 1970, and 0 for none."""
        return self._doubts.time(name, self._value(name))

    def flag(self, name: str) -> bool:
        """Whether it is true."""
        return self._value(name) is True

    def has(self, name: str) -> bool:
        """Whether it has a value, be it a strange one."""
        return self._value(name) is not None

    def needed(self, name: str) -> str:
        """A text or a whole number without which the ad means nothing. Raises Unreadable where it is missing."""
        value = self._value(name)
        if isinstance(value, str) and value:
            return value
        number = self._doubts.count(name, value)
        if number is None:
            raise Unreadable(f"an ad without {name}")
        return str(number)

    def _value(self, name: str) -> Any:
        value = self._values.get(name.lower())
        return None if isinstance(value, str) and value.startswith("/Expr(") else value

    def _name(self) -> str:
        if machine := self._values.get("machine"):
            return f"machine {machine if isinstance(machine, str) else ''}"
        number = [self._values.get(name) for name in ("clusterid", "procid")]
        return f"job {'.'.join(str(part) for part in number if type(part) is int and part.bit_length() < 64)}"


def read(text: str, notes: Notes) -> list[Ad]:
    """The ads of one or several lists. Raises Unreadable where one is cut. Without any, nothing at all is printed."""
    text = text.strip()
    if not text or text == NONE:
        return []
    try:
        found = list(_lists(text, _DECODER))
    except json.JSONDecodeError as error:
        raise Unreadable(f"no list of ads, or one that is cut: {text[:80]!r}") from error
    except (ValueError, RecursionError):
        found = list(_pieces(text, notes))
    if not all(isinstance(ad, dict) for ad in found):
        raise Unreadable(f"no list of ads: {text[:80]!r}")
    return [Ad(ad, notes) for ad in found]


def _lists(text: str, decoder: json.JSONDecoder) -> Iterator[Any]:
    """What stands in one or several lists."""
    place = 0
    while place < len(text):
        ads, end = decoder.raw_decode(text, place)
        if not isinstance(ads, list):
            raise Unreadable(f"no list of ads: {text[place : place + 80]!r}")
        yield from ads
        place = _BLANKS.match(text, end).end()  # type: ignore[union-attr]


def _pieces(text: str, notes: Notes) -> Iterator[Any]:
    """The ads one by one, where one of them has a value that Python cannot read: a number of thousands of digits, or
    lists within lists without end. Each ad ends with a line of its own.
    """
    for ads in text.removesuffix("]").split("\n]\n"):
        for piece in ads.strip().removeprefix("[").split("\n,\n"):
            try:
                ad, end = _PATIENT.raw_decode(piece.strip())
            except json.JSONDecodeError as error:
                raise Unreadable(f"an ad that is cut: {piece[:80]!r}") from error
            except RecursionError:
                notes.add("an ad with lists within lists without end cannot be read")
                continue
            if piece.strip()[end:].strip():
                raise Unreadable(f"an ad that is cut: {piece[:80]!r}")
            yield ad
