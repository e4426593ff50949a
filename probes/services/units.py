"""What systemd says about units that failed, that are configured, or that should run and do not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from nicassh.model.outcome import Unknown

from .evidence import down
from .names import TIME, Key, named
from .rows import DEGRADED, DOWN, FAILED, STARTING, SYSTEM, UNIT, UP, Service
from .sources import Sources

_PID, _MICROSECONDS = re.compile("[1-9][0-9]{0,9}"), re.compile("[1-9][0-9]{0,15}")


def unasked(sources: Sources) -> Iterator[Unknown]:
    """That the units could not be learnt, where systemctl failed."""
    status = next((line for line in sources.sections.get("units", []) if line.startswith("status ")), "status 0")
    if status != "status 0" and not sources.units():
        yield Unknown(Service, (("kind", UNIT),))


def excused(sources: Sources) -> set[Key]:
    """Services whose unit systemd did not start because a condition of it is not met, or that are masked."""
    return {named(block["Id"])[:2] for block in sources.units() if _excused(block)}


def units(sources: Sources, services: Iterable[Service]) -> Iterator[Service]:
    """A row for each unit that is none of the services that run; one that contradicts its unit is degraded."""
    there = {(row.service, row.instance): row for row in services if row.kind == SYSTEM}
    pids = {str(row.pid) for row in services}
    times = any(service in TIME.values() for service, _ in there)
    for block in sources.units():
        service, instance, known = named(block["Id"])
        running = there.get((service, instance))
        if running:
            if block.get("ActiveState") == "failed" and running.state == UP:
                reason = f"it runs, and {block['Id']} failed: {block.get('Result')}"
                yield replace(running, state=DEGRADED, reason=reason)
        elif block.get("MainPID") not in pids and not _excused(block) and not (times and service in TIME.values()):
            yield _row(block, down(service, instance, "", SYSTEM if known else UNIT), sources)


def _excused(block: dict[str, str]) -> bool:
    """A condition that was never looked at is reported as not met, with the time 0."""
    judged = block.get("ConditionTimestampMonotonic", "0") != "0"
    unmet = block.get("ConditionResult") == "no" and judged
    return block.get("ActiveState") == "inactive" and (unmet or block.get("LoadState") in ("not-found", "masked"))


def _row(block: dict[str, str], row: Service, sources: Sources) -> Service:
    active, result = block.get("ActiveState", ""), block.get("Result") or "unknown"
    if active in ("active", "reloading"):
        pid, begun = block.get("MainPID", ""), block.get("ActiveEnterTimestampMonotonic", "")
        pid_known = _PID.fullmatch(pid)
        return replace(
            row,
            state=UP,
            reason=None,
            user=block.get("User") or "root",
            pid=int(pid) if pid_known else None,
            started=_moment(begun, sources),
        )
    row = replace(row, ended=_moment(block.get("InactiveEnterTimestampMonotonic", ""), sources))
    if active == "activating" and block.get("SubState") != "auto-restart":
        return replace(row, state=STARTING, reason=active)
    known = row.kind == SYSTEM or _configured(block["Id"], sources)
    if active in ("failed", "activating"):
        reason = f"{'restarting' if active == 'activating' else 'failed'}: {result}"
        return replace(row, state=DOWN if known else FAILED, reason=reason)
    return replace(row, reason=active or "unknown")


def _configured(unit: str, sources: Sources) -> bool:
    """Whether the setting `units` has it, with or without `.service`."""
    return bool({unit, unit.removesuffix(".service")} & set(sources.words.get("unit", [])))


def _moment(microseconds: str, sources: Sources) -> datetime | None:
    """A time since the boot, 0 where it never came."""
    return sources.since_boot(int(microseconds) / 1e6) if _MICROSECONDS.fullmatch(microseconds) else None
