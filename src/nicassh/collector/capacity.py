"""How many collectors this machine can bear, by its load and its memory."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from nicassh.config.settings import Config
from nicassh.tasks import Priority


@dataclass(frozen=True)
class MachineState:
    """How busy this machine is; None where it does not say: not Linux, or older than Linux 3.14 for the memory.

    load:   the higher load average of 1 and 5 minutes
    memory: bytes that programs may still take
    """

    load: float | None
    memory: int | None


def machine_state(proc: Path = Path("/proc")) -> MachineState:
    """Read what this machine says of itself now."""
    return MachineState(load_in(_text(proc / "loadavg")), memory_in(_text(proc / "meminfo")))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def load_in(text: str) -> float | None:
    """Return the higher load average of 1 and 5 minutes in a text of /proc/loadavg, `0.20 0.18 0.12 1/80 11206`."""
    try:
        one, five, *_ = text.split()
        return max(float(one), float(five))
    except ValueError:
        return None


def memory_in(text: str) -> int | None:
    """Return the bytes of `MemAvailable:` in a text of /proc/meminfo, which has them in KiB."""
    for line in text.splitlines():
        match line.split():
            case ["MemAvailable:", kibibytes, "kB"] if kibibytes.isdecimal():
                return int(kibibytes) * 1024
    return None


def current_limit(config: Config) -> int:
    """Return how many collectors may be at work on this machine now; all where it says neither load nor memory."""
    state = machine_state()
    if state.memory is not None and state.memory < config.min_memory * 2**20:
        return 0
    if state.load is None:
        return config.collectors
    return collector_limit(state.load, config.max_load, config.load_exponent, config.collectors)


def collector_limit(load: float, max_load: float, exponent: float, maximum: int) -> int:
    """Return how many of `maximum` collectors may be active under this load: fewer as it grows, none from `max_load`.

    An exponent of 0 gives all of them under any load below `max_load`.
    """
    free: float = (max(0.0, max_load - load) / max_load) ** exponent
    # Rounded to twelve digits: a value that is 6 but for the error of floating point must not become 7.
    return math.ceil(round(free * maximum, 12))


def limit_with_urgent(active: int, limit: int, waiting: Collection[int], claimed: Collection[int]) -> int:
    """Return the limit of active collectors, raised by one where all are busy with less urgent tasks than one waiting.

    waiting: the classes with a task that may be claimed
    claimed: the classes of the tasks that collectors hold

    Background tasks never raise the limit, and a limit of 0 stays 0.
    """
    urgent = min(waiting, default=Priority.BACKGROUND)
    full = 0 < limit <= active
    return limit + 1 if full and urgent < min([*claimed, Priority.BACKGROUND]) else limit
