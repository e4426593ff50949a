"""How busy a node is: load averages and processes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nicassh.model.notes import Note, Notes, Unreadable
from nicassh.model.records import Record, column
from nicassh.model.units import Count, Number
from nicassh.probes.tools import require_end

every = 60
priority = "critical"
timeout = 10
keep = "series"


@dataclass(frozen=True)
class Load(Record):
    load1: Number | None = column("Load average over 1 minute.")
    load5: Number | None = column("Load average over 5 minutes.")
    load15: Number | None = column("Load average over 15 minutes.")
    processes: Count | None = column("Processes that the account of the monitor can see.")
    running: Count | None = column("Threads that are running or ready to run.")
    blocked: Count | None = column("Threads that wait for a disk or another device (state D).", high=(8, 64))


def parse(output: str) -> Iterable[Record | Note]:
    """One Load. The first line is `loadavg 0.20 0.18 0.12 1/80 11206` (proc(5)); `pids` is our own count."""
    words = dict(line.partition(" ")[::2] for line in require_end(output).splitlines())
    averages = words.get("loadavg", "").split()[:3]
    if len(averages) < 3:
        raise Unreadable(f"no three load averages in `{words.get('loadavg', '')}`")
    notes = Notes()
    load1, load5, load15 = (notes.value("load average", _average, average) for average in averages)
    yield Load(
        load1=load1,
        load5=load5,
        load15=load15,
        processes=notes.value("number of processes", int, words.get("pids")),
        running=notes.value("procs_running", int, words.get("procs_running")),
        blocked=notes.value("procs_blocked", int, words.get("procs_blocked")),
    )
    yield from notes


def _average(text: str) -> float:
    """A load average: the tasks that run or wait, of which a kernel has no more than 2^22. Else raises Unreadable."""
    number = float(text)
    if not 0 <= number <= 2**22:
        raise Unreadable("no load can be this")
    return number
