"""What systemd says about units that failed, that are configured, or that should run and do not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from nicassh.record import Untold

from .daemons import TIME
from .evidence import Key, down, named
from .rows import DEGRADED, FAILED, STARTING, SYSTEM, UNIT, UP, Service
from .sources import Sources


def blocks(sources: Sources) -> list[dict[str, str]]:
    """The properties of each unit, as `systemctl show` prints them: `Id=sshd.service`, a blank line between two.

    One that is both asked for and failed is printed twice.
    """
    text = "\n".join(sources.sections.get("units", []))
    found = [dict(line.split("=", 1) for line in part.split("\n") if "=" in line) for part in text.split("\n\n")]
    return list({block["Id"]: block for block in found if "Id" in block}.values())


def unasked(sources: Sources) -> Iterator[Untold]:
    """That the units could not be learnt, where systemctl failed."""
    status = next((line for line in sources.sections.get("units", []) if line.startswith("status ")), "status 0")
    if status != "status 0" and not blocks(sources):
        yield Untold(Service, (("kind", UNIT),))


def excused(sources: Sources) -> set[Key]:
    """Services whose unit systemd did not start because a condition of it is not met, or that are masked."""
    return {named(block["Id"])[:2] for block in blocks(sources) if _excused(block)}


def units(sources: Sources, services: Iterable[Service]) -> Iterator[Service]:
    """A row for each unit that is none of the services that run; one that contradicts its unit is degraded."""
    there = {(row.service, row.instance): row for row in services if row.kind == SYSTEM}
    pids = {str(row.pid) for row in services}
    times = any(service in TIME.values() for service, _ in there)
    for block in blocks(sources):
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
        pid_known = re.fullmatch("[1-9][0-9]{0,9}", pid)
        return replace(
            row,
            state=UP,
            reason=None,
            user=block.get("User") or "root",
            pid=int(pid) if pid_known else None,
            started=_moment(begun, sources),
        )
    row = replace(row, ended=_moment(block.get("InactiveEnterTimestampMonotonic", ""), sources))
    if active == "failed":
        return replace(row, state=FAILED, reason=result)
    if active == "activating":
        again = block.get("SubState") == "auto-restart"
        return replace(row, state=FAILED if again else STARTING, reason=f"restarting: {result}" if again else active)
    return replace(row, reason=active or "unknown")


def _moment(microseconds: str, sources: Sources) -> datetime | None:
    """A time since the boot, 0 where it never came."""
    return sources.since_boot(int(microseconds) / 1e6) if re.fullmatch("[1-9][0-9]{0,15}", microseconds) else None
