"""The units that record fields are measured in, and how a person reads them.

A field's type names its unit (`used: Bytes`), so that names stay free of it and every projection
(table, JSON, documentation) knows it. Values in JSON are always in the base unit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

UNKNOWN = "–"
"""What is printed for a value that is not known. Never 0."""


@dataclass(frozen=True)
class Unit:
    """What a number counts: its name for documentation and how to draw it."""

    name: str
    draw: Callable[[Any], str]
    right: bool = True


def draw_bytes(value: int) -> str:
    """Bytes in powers of 1024, at most four digits: `512 B`, `7.8 G`, `112 G`."""
    amount = float(value)
    for suffix in " KMGTPE":
        if abs(amount) < 999.5 or suffix == "E":
            break
        amount /= 1024
    if suffix == " ":
        return f"{amount:.0f} B"
    return f"{amount:.1f} {suffix}" if abs(amount) < 9.95 else f"{amount:.0f} {suffix}"


def draw_seconds(value: float) -> str:
    """A duration in its two largest units: `4 s`, `12 m 05 s`, `3 h 20 m`, `12 d 4 h`."""
    seconds = int(value)
    if value < 1:
        return f"{value:.2f} s"
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} m {seconds % 60:02d} s"
    if seconds < 86400:
        return f"{seconds // 3600} h {seconds % 3600 // 60:02d} m"
    return f"{seconds // 86400} d {seconds % 86400 // 3600} h"


def draw_time(value: datetime) -> str:
    """A moment in UTC to the second: `2026-11-21 20:17:04`."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def draw_percent(value: float) -> str:
    """A percentage with one decimal below 100: `0.4`, `99.8`, `163`."""
    return f"{value:.1f}" if abs(value) < 99.95 else f"{value:.0f}"


def draw_number(value: float) -> str:
    """A plain figure with two decimals: a load average."""
    return f"{value:.2f}"


def draw_celsius(value: float) -> str:
    """A temperature to the whole degree: `72 °C`."""
    return f"{value:.0f} °C"


def draw_watts(value: float) -> str:
    """A power to the whole watt: `312 W`."""
    return f"{value:.0f} W"


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 node`, `14 nodes`, `2 processes`."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def read_quantity(text: str) -> float:
    """The number that a person means by `4G`, `1.5 TiB`, `80%`, `10m` (minutes) or `3h`.

    Size suffixes are powers of 1024, as in the tables. Raises ValueError for anything else.
    """
    digits = text.strip().rstrip("%").rstrip()
    number = digits.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
    suffix = digits[len(number) :].strip()
    if suffix not in _SUFFIXES or not number:
        raise ValueError(f"{text!r} is not a number with a unit such as 4G, 80% or 10m")
    value = float(number) * _SUFFIXES[suffix]
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not a finite number")
    return value


_SUFFIXES: dict[str, float] = {"": 1, "B": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
for _power, _letter in enumerate("KMGTPE", start=1):
    _SUFFIXES |= {_letter: 1024**_power, f"{_letter}B": 1024**_power, f"{_letter}iB": 1024**_power}

Bytes = Annotated[int, Unit("bytes", draw_bytes)]
Seconds = Annotated[float, Unit("seconds", draw_seconds)]
Percent = Annotated[float, Unit("percent", draw_percent)]
Number = Annotated[float, Unit("number", draw_number)]
Celsius = Annotated[float, Unit("degrees Celsius", draw_celsius)]
Watts = Annotated[float, Unit("watts", draw_watts)]
Count = Annotated[int, Unit("count", str)]
Time = Annotated[datetime, Unit("UTC time", draw_time)]
Text = Annotated[str, Unit("text", str, right=False)]
Flag = Annotated[bool, Unit("yes or no", lambda flag: "yes" if flag else "no", right=False)]
