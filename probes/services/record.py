"""The daemons of a node, what is missing of them, and its clock.

A daemon that does not run is a fault only where it should: where it ran before, where init starts it at boot, where
its pid file names a dead process, where Grid Engine names the node as its master, or where the setting `units` names
its unit. One that stays away for 30 days is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable

from nicassh.model.notes import Note
from nicassh.model.outcome import Unknown
from nicassh.model.records import Record

from .clock import clock
from .daemons import running
from .evidence import missing
from .memory import advance
from .rows import SITE, SYSTEM, Clock, Service, Xrootd
from .sources import Sources
from .units import excused, unasked, units
from .xrootd import told

__all__ = ["advance", "parse"]

every = 60
priority = "high"
timeout = 30
keep = "intervals"
records = (Service, Clock, Xrootd)


def parse(output: str) -> Iterable[Record | Unknown | Note]:
    """Services, the Clock and an Xrootd for each that answers.

    Where /proc hides the processes of others only systemd and the time are heard.
    """
    sources = Sources(output)
    processes = [] if sources.hidden else running(sources)
    found = list(told(processes, sources))
    services = [row for row in found if isinstance(row, Service)]
    asked = list(units(sources, services))
    yield clock(sources, services)
    yield from unasked(sources)
    if sources.hidden:
        yield Unknown(Service)
    else:
        heard = {(row.service, row.instance) for row in asked} | excused(sources)
        surely = {(row.service, row.instance) for row in services if row.kind == SYSTEM}
        perhaps = {(one.service.service, one.name) for one in processes if one.service.kind == SITE}
        yield from missing(sources, surely | heard, perhaps)
    contradicted = {(row.service, row.instance) for row in asked}
    yield from (row for row in found if isinstance(row, Xrootd) or (row.service, row.instance) not in contradicted)
    yield from asked
    if any(sources.notes) and not sources.hidden:
        yield Unknown(Service)  # what was not read is not gone
    yield from sources.notes
