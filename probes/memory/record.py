"""Memory and swap of a node, from /proc/meminfo."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nicassh.model.notes import Note, Notes, Unreadable
from nicassh.model.records import Record, column
from nicassh.model.units import Bytes, Flag, Percent
from nicassh.probes.tools import require_end

every = 60
priority = "critical"
timeout = 10
keep = "series"


@dataclass(frozen=True)
class Memory(Record):
    total: Bytes = column("Memory that the kernel manages.")
    available: Bytes | None = column("Memory that a new program can have without swapping.")
    available_percent: Percent | None = column("Available memory in percent of the total.", low=(10, 3))
    estimated: Flag = column("Whether `available` is our estimate, because the kernel is too old to give it.")
    swap_total: Bytes | None = column("Swap space.")
    swap_used: Bytes | None = column("Swap space in use.")


def parse(output: str) -> Iterable[Record | Note]:
    """One Memory. Lines are `MemTotal: 49449004 kB`, where kB means 1024 bytes."""
    sizes: dict[str, int] = {}
    notes = Notes()
    low = page = 0
    for line in require_end(output).splitlines():
        with notes.reading("line", line):
            name, word, *_ = line.split()
            number = int(word)
            if not 0 <= number < 2**53:
                raise Unreadable("no memory has this size")
            if name == "low":
                low += number
            elif name == "PageSize:":
                page = number
            else:
                sizes[name.rstrip(":")] = number * 1024
    total = sizes.get("MemTotal")
    if not total:
        raise Unreadable("it has no MemTotal")
    estimated = "MemAvailable" not in sizes
    available = _estimate(sizes, low * page) if estimated else sizes["MemAvailable"]
    with notes.reading("MemAvailable" if not estimated else "MemFree", available):
        if available is not None and available > total:  # as a container may tell it
            available = None
            raise Unreadable("it is more than the total")
    swap, unused = sizes.get("SwapTotal"), sizes.get("SwapFree")
    yield Memory(
        total=total,
        available=available,
        available_percent=None if available is None else round(100 * available / total, 2),
        estimated=estimated,
        swap_total=swap,
        swap_used=None if swap is None or unused is None else swap - unused,
    )
    yield from notes


def _estimate(sizes: dict[str, int], low: int) -> int | None:
    """The kernel's own formula (si_mem_available, Linux 3.14), where its terms are known; None without any.

    `low` is the sum of the zones' low watermarks in bytes; half of the page cache, or that much, is
    taken to be needed.
    """
    free = sizes.get("MemFree")
    if free is None:
        return None
    if not low or not {"Active(file)", "Inactive(file)"} <= set(sizes):
        return max(0, free + sizes.get("Cached", 0) - sizes.get("Shmem", 0))
    cache = sizes["Active(file)"] + sizes["Inactive(file)"]
    slab = sizes.get("SReclaimable", 0)
    return max(0, free - low + cache - min(cache // 2, low) + slab - min(slab // 2, low))
