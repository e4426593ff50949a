"""The units that record fields are measured in, and how a person reads them.

A field's type names its unit (`used: Bytes`), so that names stay free of it and every projection
(table, JSON, documentation) knows it. Values in JSON are always in the base unit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any

from nicassh.model.zones import zone

UNKNOWN = "–"
"""What is printed for a value that is not known. Never 0."""


@dataclass(frozen=True)
class Unit:
    """What a number counts: its name for documentation, how to draw it, and the least that there can be of it."""

    name: str
    draw: Callable[[Any], str]
    right: bool = True
    least: float | None = None


def draw_bytes(value: int) -> str:
    """Return bytes in powers of 1024, at most four digits: `512 B`, `7.8 G`, `112 G`."""
    amount = float(value)
    for suffix in " KMGTPE":
        if abs(amount) < 999.5 or suffix == "E":
            break
        amount /= 1024
    if suffix == " ":
        return f"{amount:.0f} B"
    return f"{amount:.1f} {suffix}" if abs(amount) < 9.95 else f"{amount:.0f} {suffix}"


def draw_seconds(value: float) -> str:
    """Return a duration in its two largest units: `4 s`, `12 m 05 s`, `3 h 20 m`, `12 d 4 h`."""
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
    """Return a moment in the time zone in force, to the second: `2026-11-21 20:17:04`.

    In the hour that comes twice, when clocks are set back, the abbreviation of the zone follows: `01:30:00 EST`.
    """
    local = value.astimezone(zone())
    text = local.strftime("%Y-%m-%d %H:%M:%S")
    return text if local.replace(fold=1 - local.fold).utcoffset() == local.utcoffset() else f"{text} {local:%Z}"


def draw_moment(value: datetime) -> str:
    """Return the same with the abbreviation of the zone, for a sentence: `2026-11-21 20:17:04 MSK`."""
    return value.astimezone(zone()).strftime("%Y-%m-%d %H:%M:%S %Z")


def draw_percent(value: float) -> str:
    """Return a percentage with one decimal below 100: `0.4`, `99.8`, `163`."""
    return f"{value:.1f}" if abs(value) < 99.95 else f"{value:.0f}"


def draw_number(value: float) -> str:
    """Return a plain figure with two decimals: a load average."""
    return f"{value:.2f}"


def draw_celsius(value: float) -> str:
    """Return a temperature to the whole degree: `72 °C`."""
    return f"{value:.0f} °C"


def draw_watts(value: float) -> str:
    """Return a power to the whole watt: `312 W`."""
    return f"{value:.0f} W"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 node`, `14 nodes`, `2 processes`."""
    plural = f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def from_epoch(seconds: float | None) -> datetime | None:
    """Return the UTC moment so many seconds after 1970; None for None."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def read_quantity(text: str, unit: str = "") -> float:
    """Return the number that a person means by `4G`, `1.5 TiB`, `80%`, `10m` or `3h`.

    `unit` is the name of the column's unit: of `bytes`, `500m` is 500 MiB, and sizes are powers of 1024, as in the
    tables; of `seconds` it is 500 minutes. Without a unit `m` is minutes. Raises ValueError for anything else, and for
    a suffix that this unit does not have.
    """
    digits = text.strip().rstrip("%").rstrip()
    number = digits.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
    suffix = digits[len(number) :].strip()
    known = _OF_UNIT.get(unit, {"": 1.0}) if unit else _SUFFIXES
    factor = known.get(suffix.lower() if unit == "bytes" else suffix)
    if factor is None or not number or (unit not in ("", "percent") and "%" in text):
        raise ValueError(f"{text!r} is not a number with a unit such as 4G, 80% or 10m")
    value = float(number) * factor
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is not a finite number")
    return value


def read_seconds(text: str) -> float:
    """Return the duration of `90s`, `5m`, `12h`, `2d`, or of a number of seconds. Raises ValueError."""
    number, last = text.strip(), text.strip()[-1:]
    if last in _DURATIONS:
        number = number[:-1]
    try:
        value = float(number) * _DURATIONS.get(last, 1)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise ValueError(f"{text!r} is not a duration such as 90s, 5m, 12h or 2d")
    return value


def read_moment(text: str, now: datetime) -> datetime:
    """Return the moment of `2d` or `-12h` (before `now`), `03:12` (the last one), `yesterday`, or of an ISO 8601 time.

    What names no time zone is in the zone in force. Of a time that comes twice the first is meant; one that the clocks
    leave out is read with the offset from before the change. Raises ValueError.
    """
    text = text.strip()
    try:
        moment = _read_moment(text, now)
        if moment.year in _YEARS:
            return moment
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"invalid time {text!r}; a time is {TIMES}")


def _read_moment(text: str, now: datetime) -> datetime:
    if text[-1:] in _DURATIONS:
        return now - timedelta(seconds=read_seconds(text.removeprefix("-")))
    if _CLOCK.fullmatch(text):
        clock = _local(now, 0, text)
        return clock if clock <= now else _local(now, 1, text)
    word, _, rest = text.lower().partition(" ")
    if word in _DAYS:
        return _local(now, _DAYS[word], rest.strip() or "00:00")
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone())).astimezone(UTC)


def _local(now: datetime, days: int, clock: str) -> datetime:
    """Return the moment of a clock time so many days before today, by the calendar of the zone in force."""
    day = now.astimezone(zone()).date() - timedelta(days=days)
    return datetime.combine(day, time.fromisoformat(clock.zfill(5)), zone()).astimezone(UTC)


TIMES = "5m, 12h or 2d (ago), 03:12, today, yesterday, 2026-11-20, 2026-11-20T03:12, with or without +03:00 or Z"
"""The times that a person can type."""
_YEARS = range(2, 9999)
"""Years of which every moment can be drawn in every zone."""
_DAYS = {"today": 0, "yesterday": 1}
_DURATIONS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_CLOCK = re.compile(r"\d{1,2}:\d\d(:\d\d)?")
_SUFFIXES: dict[str, float] = {"": 1, "B": 1, **_DURATIONS}
for _power, _letter in enumerate("KMGTPE", start=1):
    _SUFFIXES |= {_letter: 1024**_power, f"{_letter}B": 1024**_power, f"{_letter}iB": 1024**_power}
_OF_UNIT: dict[str, dict[str, float]] = {
    "bytes": {suffix.lower(): factor for suffix, factor in _SUFFIXES.items() if suffix not in _DURATIONS},
    "seconds": {"": 1, **_DURATIONS},
}
"""The suffixes of each unit that has some, those of bytes in lower case."""

Bytes = Annotated[int, Unit("bytes", draw_bytes, least=0)]
Seconds = Annotated[float, Unit("seconds", draw_seconds)]
Percent = Annotated[float, Unit("percent", draw_percent, least=0)]
Number = Annotated[float, Unit("number", draw_number)]
Celsius = Annotated[float, Unit("degrees Celsius", draw_celsius, least=-273.15)]
Watts = Annotated[float, Unit("watts", draw_watts, least=0)]
Count = Annotated[int, Unit("count", str, least=0)]
Time = Annotated[datetime, Unit("time", draw_time)]
Text = Annotated[str, Unit("text", str, right=False)]
Flag = Annotated[bool, Unit("yes or no", lambda flag: "yes" if flag else "no", right=False)]
