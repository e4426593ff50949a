"""The batch systems of a cluster: schedulers, batch nodes, queues and jobs of Grid Engine, Slurm and HTCondor."""

from __future__ import annotations

from collections.abc import Iterable

from nicassh.record import Record, Untold

from . import condor, sge, slurm
from .rows import Host, Job, Queue, Scheduler
from .sources import Source, read

every = 60
priority = "high"
timeout = 50
keep = "intervals"
size = 64 * 1024 * 1024  # one job is half a KiB of XML, and a large cluster has tens of thousands
where = "head"

records = (Scheduler, Host, Queue, Job)

_READERS = {"sge": sge.read, "slurm": slurm.read, "condor": condor.read}


def parse(output: str) -> Iterable[Record | Untold]:
    """The rows of each batch system whose commands the script has run: the sections of sources.py.

    A scheduler that is down tells nothing of its nodes and jobs: that is not the same as having none.
    """
    systems: dict[str, list[Source]] = {}
    printed = read(output)
    for source in printed.sources:
        systems.setdefault(source.system, []).append(source)
    for system, sources in systems.items():
        rows = list(_READERS[system](sources))
        yield from rows
        if any(isinstance(row, Scheduler) and row.state != "up" for row in rows):
            yield from (Untold(record, (("system", system),)) for record in (Host, Queue, Job))
