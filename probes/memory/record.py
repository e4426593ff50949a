"""Memory and swap of a node, from /proc/meminfo."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nicassh.record import Record, column, whole
from nicassh.units import Bytes, Flag, Percent

every = 60
priority = "critical"
timeout = 10
keep = "series"


@dataclass(frozen=True)
class Memory(Record):
    total: Bytes = column("Memory that the kernel manages.")
    available: Bytes = column("Memory that a new program can have without swapping.")
    available_percent: Percent = column("Available memory in percent of the total.", low=(10, 3))
    estimated: Flag = column("Whether `available` is our estimate, because the kernel is too old to give it.")
    swap_total: Bytes | None = column("Swap space.")
    swap_used: Bytes | None = column("Swap space in use.")


def parse(output: str) -> Iterable[Record]:
    """One Memory. Lines are `MemTotal: 49449004 kB`, where kB means 1024 bytes."""
    sizes: dict[str, int] = {}
    low = page = 0
    for line in whole(output).splitlines():
        name, value, *_ = line.split()
        if name == "low":
            low += int(value)
        elif name == "PageSize:":
            page = int(value)
        else:
            sizes[name.rstrip(":")] = int(value) * 1024
    total = sizes["MemTotal"]
    estimated = "MemAvailable" not in sizes
    available = _estimate(sizes, low * page) if estimated else sizes["MemAvailable"]
    swap = sizes.get("SwapTotal")
    yield Memory(
        total=total,
        available=available,
        available_percent=round(100 * available / total, 2),
        estimated=estimated,
        swap_total=swap,
        swap_used=swap - sizes["SwapFree"] if swap is not None and "SwapFree" in sizes else None,
    )


def _estimate(sizes: dict[str, int], low: int) -> int:
    """The kernel's own formula (si_mem_available, Linux 3.14), where its terms are known.

    `low` is the sum of the zones' low watermarks in bytes; half of the page cache, or that much, is
    taken to be needed.
    """
    free = sizes["MemFree"]
    if not low or "Active(file)" not in sizes:
        return max(0, free + sizes.get("Cached", 0) - sizes.get("Shmem", 0))
    cache = sizes["Active(file)"] + sizes["Inactive(file)"]
    slab = sizes.get("SReclaimable", 0)
    return max(0, free - low + cache - min(cache // 2, low) + slab - min(slab // 2, low))
