"""The ads that HTCondor's commands print in JSON, and the values in them.

An attribute that is not there, or is an expression without a value (`"/Expr(RequestMemory * 2)/"`), is None.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from nicassh.record import moment

NONE = "All queues are empty"
"""What condor_q -global says on stdout where there are no jobs."""
_DECODER = json.JSONDecoder(strict=False)


class Ad:
    """One ad. Its attributes have no case."""

    def __init__(self, attributes: dict[str, Any]) -> None:
        self._values = {name.lower(): value for name, value in attributes.items()}

    def text(self, name: str) -> str | None:
        """A text that is not empty."""
        value = self._values.get(name.lower())
        return value if isinstance(value, str) and value and not value.startswith("/Expr(") else None

    def number(self, name: str) -> float | None:
        """A number that is not negative."""
        value = self._values.get(name.lower())
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value) if value >= 0 else None

    def count(self, name: str) -> int | None:
        """A whole number."""
        value = self.number(name)
        return None if value is None else int(value)

    def time(self, name: str) -> datetime | None:
        """A moment; HTCondor has seconds since 1970, and 0 for none."""
        value = self.number(name)
        return moment(value) if value else None

    def flag(self, name: str) -> bool:
        """Whether it is true."""
        return self._values.get(name.lower()) is True

    def needed(self, name: str) -> str:
        """A text or a number without which the ad means nothing. Raises ValueError where it is missing."""
        value = self._values.get(name.lower())
        if isinstance(value, str | int) and value != "":
            return str(value)
        raise ValueError(f"an ad without {name}: {str(self._values)[:80]}")


def read(text: str) -> list[Ad]:
    """The ads of one or several lists. Raises ValueError where one is cut. Without any, nothing at all is printed."""
    found: list[Ad] = []
    text = text.strip()
    while text and text != NONE:
        ads, end = _DECODER.raw_decode(text)
        if not isinstance(ads, list) or not all(isinstance(ad, dict) for ad in ads):
            raise ValueError(f"no list of ads: {text[:80]!r}")
        found += [Ad(ad) for ad in ads]
        text = text[end:].lstrip()
    return found
