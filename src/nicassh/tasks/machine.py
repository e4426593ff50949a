"""How many workers the machine they run on can bear."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from nicassh.tasks.priority import Priority


@dataclass(frozen=True)
class Machine:
    """How busy this machine is: the higher load of 1 and 5 minutes, and bytes that programs may still take.

    None stands for what it does not tell: systems that are not Linux, and MemAvailable before Linux 3.14.
    """

    load: float | None
    memory: int | None


def read(proc: Path = Path("/proc")) -> Machine:
    """What this machine says of itself now."""
    return Machine(load_of(_text(proc / "loadavg")), memory_of(_text(proc / "meminfo")))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def load_of(text: str) -> float | None:
    """The higher load of 1 and 5 minutes in the text of /proc/loadavg, `0.20 0.18 0.12 1/80 11206`."""
    try:
        one, five, *_ = text.split()
        return max(float(one), float(five))
    except ValueError:
        return None


def memory_of(text: str) -> int | None:
    """The bytes after `MemAvailable:` in the text of /proc/meminfo, which tells them in KiB."""
    for line in text.splitlines():
        match line.split():
            case ["MemAvailable:", kibibytes, "kB"] if kibibytes.isdecimal():
                return int(kibibytes) * 1024
    return None


def worker_limit(load: float, max_load: float, exponent: float, maximum: int) -> int:
    """How many of at most so many workers may be active under this load: fewer as it grows, none from `max_load` on.

    An exponent of 0 gives all of them under any load.
    """
    free: float = (max(0.0, max_load - load) / max_load) ** exponent
    # Twelve digits are true: what is 6 but for the last one must not become 7.
    return math.ceil(round(free * maximum, 12))


def fastlane(active: int, limit: int, waiting: Collection[int], claimed: Collection[int]) -> int:
    """The limit of active workers to use: one more where all are busy with work less urgent than what waits.

    `waiting` are the classes with a job that may be claimed, `claimed` the classes of the jobs that workers hold.
    Negligible jobs open no lane, nor does any where the load allows no worker at all.
    """
    urgent = min(waiting, default=Priority.NEGLIGIBLE)
    full = 0 < limit <= active
    return limit + 1 if full and urgent < min([*claimed, Priority.NEGLIGIBLE]) else limit
