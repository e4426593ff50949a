"""Values as Slurm prints them in text. What it does not know it writes in many words; here it is None.

What has digits and is no such value raises Unreadable.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

from nicassh.model.notes import Unreadable

from .doubts import MOST

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_SPAN = re.compile(r"(?:(\d+)-)?(\d+(?::\d+)*)")
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)([KMGT]?)")
_TASKS = re.compile(r"(\d+)(?:-(\d+)(?::(\d+))?)?")
_DIGIT = re.compile(r"[0-9]")
NO_VALUE = 4294967294
"""What stands for no value in 32 bits; one more stands for an infinite one."""


def clock(text: str) -> datetime | None:
    """The moment of `2026-11-20T21:04:11`, which the script asks for in UTC; None for `N/A`, `Unknown` or `None`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if _match(_TIME, text) else None


def span(text: str) -> float | None:
    """Seconds in `1-00:00:00`, `8:12:44`, `30:00` or `2-12`; None for `UNLIMITED`, `NOT_SET`, `Partition_Limit`…"""
    match = _match(_SPAN, text)
    if not match:
        return None
    parts = [int(part) for part in match[2].split(":")]
    if match[1]:  # after days it is hours that come first, without them minutes, unless there are three parts
        parts += [0] * (3 - len(parts))
    hours, minutes, seconds = ([0, *parts, 0] if len(parts) == 1 else [0, *parts])[-3:]
    return 86400.0 * int(match[1] or 0) + 3600 * hours + 60 * minutes + seconds


def number(text: str) -> float | None:
    """`24.31`, or 2048 for `2K`; None for `N/A`, `(null)` and the like."""
    match = _match(_NUMBER, text)
    return float(match[1]) * 1024 ** " KMGT".index(match[2] or " ") if match else None


def _match(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """The match of a whole text, None for words. Raises Unreadable for anything else."""
    match = pattern.fullmatch(text)
    if not match and _DIGIT.search(text):
        raise Unreadable("no such value")
    return match


def load(hundredths: float | None) -> float | None:
    """A load from what the protocol has for it, also where a version prints no value as 42949672.94."""
    return None if hundredths is None or round(hundredths) >= NO_VALUE else hundredths / 100


def count(text: str) -> int | None:
    """`24`."""
    value = number(text)
    if value is not None and value > MOST:
        raise Unreadable("too many")
    return None if value is None else int(value)


def mebibytes(value: float | None) -> int | None:
    """Bytes of a node's memory in MiB. 1 is what a node has whose memory nobody has configured."""
    return None if value is None or value <= 1 else int(value) * 1024 * 1024


def given(allocated: float | None, used: int | None, memory: int | None) -> int | None:
    """Bytes of a node's memory that jobs have been given; None where Slurm does not deal it out.

    The free memory that Slurm knows as well says less: it does not count the page cache as free, and may be more
    than what is configured.
    """
    if memory is None or allocated is None or (used and not allocated):
        return None
    return int(allocated) * 1024 * 1024


def left(cpus: int, cores: int | None, threads: int | None) -> int:
    """The processors that are left for jobs of those that a node has, where it keeps so many cores for itself."""
    return max(0, cpus - (cores or 0) * max(1, threads or 1))


def tasks(text: str) -> int:
    """How many tasks `1,3,8-5000%50` or `1-9:2` has. `%50` says how many of them may run at once.

    Before 15.08 a long list ends with `...`, and then this is how many of them are told.
    """
    number = 0
    for part in text.partition("%")[0].split(","):
        if match := _TASKS.fullmatch(part):
            first, last, step = int(match[1]), int(match[2] or match[1]), int(match[3] or 1)
            number += max(0, (last - first) // step + 1)
    return max(number, 1)
