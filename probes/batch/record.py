"""The batch systems of a cluster: schedulers, batch nodes, queues and jobs of Grid Engine, Slurm and HTCondor."""

from __future__ import annotations

from collections.abc import Iterator

from nicassh.model.notes import STRANGE, Note, Notes, Unreadable
from nicassh.model.outcome import Unknown
from nicassh.model.records import Record

from . import condor, sge, slurm
from .rows import Host, Job, Queue, Scheduler
from .sources import Source, read

every = 60
priority = "high"
timeout = 50
keep = "intervals"
size = 64 * 1024 * 1024  # one job is half a KiB of XML, and a large cluster has tens of thousands
where = "batch_cluster"

records = (Scheduler, Host, Queue, Job)

_READERS = {"sge": sge.read, "slurm": slurm.read, "condor": condor.read}


def parse(output: str) -> Iterator[Record | Unknown | Note]:
    """The rows of each batch system whose commands the script has run: the sections of sources.py.

    A scheduler that is down tells nothing of its nodes and jobs: that is not the same as having none. Where the answer
    of one system cannot be read, and that of another can, its rows stay as they are, with a note.
    """
    printed, notes = read(output), Notes()
    for place in printed.refused:
        notes.add(f"{place} is not used: others than root and system accounts may write there")
    systems: dict[str, list[Source]] = {}
    for source in printed.sources:
        systems.setdefault(source.system, []).append(source)
    lost: dict[str, Exception] = {}
    for system, sources in systems.items():
        try:
            rows = list(_READERS[system](sources, notes))
        except (*STRANGE, RecursionError) as error:
            lost[system] = error
            continue
        yield from rows
        if any(isinstance(row, Scheduler) and row.state != "up" for row in rows):
            yield from _unknown(system, Host, Queue, Job)
    for system, trouble in lost.items():
        if len(lost) == len(systems):
            raise trouble
        notes.add(f"the answer of {system} cannot be read{f': {trouble}' if isinstance(trouble, Unreadable) else ''}")
        yield from _unknown(system, Scheduler, Host, Queue, Job)
    yield from notes


def _unknown(system: str, *records: type[Record]) -> Iterator[Unknown]:
    return (Unknown(record, (("system", system),)) for record in records)
