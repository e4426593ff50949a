"""What a node is: operating system, kernel, processors, time of boot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from nicassh.model.notes import Note, Notes, Unreadable
from nicassh.model.records import Record, column
from nicassh.model.units import Count, Text, Time
from nicassh.probes.tools import from_epoch, require_end

from .processors import model
from .releases import operating_system

every = 3600
priority = "low"
timeout = 10
keep = "intervals"


@dataclass(frozen=True)
class System(Record):
    hostname: Text = column("The node's own name for itself.")
    os: Text | None = column("Operating system: its name and version.")
    kernel: Text = column("Release of the running kernel.")
    cpu: Text | None = column("Model of the processors.")
    cpus: Count | None = column("Logical processors that are online.")
    boot_time: Time | None = column("When the node was booted.")


def parse(output: str) -> Iterable[Record | Note]:
    """One System. Lines are `etc/os-release:NAME="AlmaLinux"`, as grep -H prints them, or `osrelease 5.14.0`."""
    files: dict[str, list[str]] = {}
    plain: dict[str, str] = {}
    for line in filter(None, require_end(output).split("\n")):
        name, colon, text = line.partition(":")
        if colon and "/" in name and " " not in name:
            files.setdefault(name, []).append(text)
        else:
            key, _, value = line.partition(" ")
            plain[key] = value
    missing = [name for name in ("hostname", "osrelease") if name not in plain]
    if missing:
        raise Unreadable(f"it has no {' and no '.join(missing)}")
    processors, notes = files.get("proc/cpuinfo", []), Notes()
    boot = next((line.removeprefix("btime ") for line in files.get("proc/stat", []) if line.startswith("btime ")), None)
    yield System(
        hostname=plain["hostname"],
        os=operating_system(files),
        kernel=plain["osrelease"],
        cpu=model(processors),
        cpus=sum(line.startswith("processor") for line in processors) or None,
        boot_time=notes.value("btime", lambda text: from_epoch(int(text)), boot),
    )
    yield from notes


def advance(now: Sequence[System], before: Sequence[System], _seconds: float) -> Iterable[System]:
    """Keeps the boot time known before where the new one is within seconds of it.

    Old kernels compute btime from the clock at each read, so it wavers without a reboot.
    """
    for system in now:
        old = before[0].boot_time if before else None
        near = old and system.boot_time and abs(system.boot_time - old) < timedelta(seconds=30)
        yield replace(system, boot_time=old) if near else system
