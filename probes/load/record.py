"""How busy a node is: load averages and processes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nicassh.record import Record, column, whole
from nicassh.units import Count, Number

every = 60
priority = "critical"
timeout = 10
keep = "series"


@dataclass(frozen=True)
class Load(Record):
    load1: Number = column("Load average over 1 minute.")
    load5: Number = column("Load average over 5 minutes.")
    load15: Number = column("Load average over 15 minutes.")
    processes: Count | None = column("Processes that the account of the monitor can see.")
    running: Count | None = column("Threads that are running or ready to run.")
    blocked: Count | None = column("Threads that wait for a disk or another device (state D).", high=(8, 64))


def parse(output: str) -> Iterable[Record]:
    """One Load. The first line is `loadavg 0.20 0.18 0.12 1/80 11206` (proc(5)); `pids` is our own count."""
    words = {name: rest.split() for name, _, rest in (line.partition(" ") for line in whole(output).splitlines())}
    load1, load5, load15 = words["loadavg"][:3]
    yield Load(
        load1=float(load1),
        load5=float(load5),
        load15=float(load15),
        processes=_count(words, "pids"),
        running=_count(words, "procs_running"),
        blocked=_count(words, "procs_blocked"),
    )


def _count(words: dict[str, list[str]], name: str) -> int | None:
    return int(words[name][0]) if name in words else None
