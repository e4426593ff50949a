"""What ran before and does not run any more is down: the one fault that leaves no trace on the node."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from nicassh.model.records import Record
from nicassh.model.units import draw_time

from .names import MOUNTING, TIME
from .rows import DEGRADED, DOWN, SITE, SYSTEM, UP, Clock, Service

FORGET = timedelta(days=30)
"""After so long a service that stays away has been taken away."""
_RUNS = (UP, DEGRADED)


def advance(now: Sequence[Record], before: Sequence[Record], _seconds: float) -> Iterable[Record]:
    """The records, with those services down that ran at some time before and are not there now."""
    time = next(record.time for record in now if isinstance(record, Clock))
    known = {_key(service): service for service in before if isinstance(service, Service)}
    rows = [_dated(row, known.get(_key(row)), time) for row in now if isinstance(row, Service)]
    there = {_key(row) for row in rows}
    lost = [gone for key, old in known.items() if key not in there and (gone := _gone(old, rows, time))]
    names = {service.service for service in lost}
    yield from (record for record in now if not isinstance(record, Service))
    # What says only that some instance should run is told better by the memory of the one that did.
    yield from (row for row in rows if row.state != DOWN or row.instance or row.ended or row.service not in names)
    yield from lost


def _dated(row: Service, old: Service | None, time: datetime) -> Service:
    """A service that does not run, with the moment since when, and with what was known of it while it ran."""
    if old is None or row.state in _RUNS:
        return row
    ended = row.ended or (time if old.state in _RUNS else old.ended)
    user, version, port = row.user or old.user, row.version or old.version, row.port or old.port
    return replace(row, ended=ended, user=user, version=version, port=port)


def _gone(old: Service, rows: Iterable[Service], time: datetime) -> Service | None:
    """The row of a service that is not there any more; None where it may go."""
    if old.kind not in (SYSTEM, SITE) or old.service in MOUNTING.values():
        return None
    if old.service in TIME.values() and any(row.service in TIME.values() and row.state == UP for row in rows):
        return None  # another one sets the clock now
    ended = time if old.state in _RUNS else old.ended
    if ended is None or time - ended > FORGET:
        return None
    reason = f"not running since {draw_time(ended)}"
    return replace(old, state=DOWN, reason=reason, pid=None, started=None, clients=None, ended=ended)


def _key(service: Service) -> tuple[str, str]:
    return service.service, service.instance
