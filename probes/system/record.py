"""What a node is: operating system, kernel, processors, time of boot."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from nicassh.record import Record, column, moment, whole
from nicassh.units import Count, Text, Time

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


def parse(output: str) -> Iterable[Record]:
    """One System. Lines are `etc/os-release:NAME="AlmaLinux"`, as grep -H prints them, or `osrelease 5.14.0`."""
    files: dict[str, list[str]] = {}
    plain: dict[str, str] = {}
    for line in filter(None, whole(output).split("\n")):
        name, colon, text = line.partition(":")
        if colon and "/" in name and " " not in name:
            files.setdefault(name, []).append(text)
        else:
            key, _, value = line.partition(" ")
            plain[key] = value
    processors = files.get("proc/cpuinfo", [])
    boot = next((line.split()[1] for line in files.get("proc/stat", []) if line.startswith("btime ")), None)
    yield System(
        hostname=plain["hostname"],
        os=_os(files),
        kernel=plain["osrelease"],
        cpu=_cpu(processors),
        cpus=sum(line.startswith("processor") for line in processors) or None,
        boot_time=moment(int(boot)) if boot else None,
    )


def advance(now: Sequence[System], before: Sequence[System], _seconds: float) -> Iterable[System]:
    """Keeps the boot time known before where the new one is within seconds of it.

    Old kernels compute btime from the clock at each read, so it wavers without a reboot.
    """
    for system in now:
        old = before[0].boot_time if before else None
        near = old and system.boot_time and abs(system.boot_time - old) < timedelta(seconds=30)
        yield replace(system, boot_time=old) if near else system


def _os(files: dict[str, list[str]]) -> str | None:
    """`Scientific Linux 6.4`, `AlmaLinux 9.4`, `Debian GNU/Linux 12.11`: the most exact version that a file gives."""
    # Oracle Linux calls itself Red Hat in redhat-release.
    for line in (line for name in ("oracle", "centos", "redhat") for line in files.get(f"etc/{name}-release", [])):
        # `Scientific Linux CERN SLC release 6.5 (Carbon)`; el7 on: `CentOS Linux release 7.9.2009 (Core)`
        if match := re.match(r"(.+?) release (\S+)", line):
            return f"{match[1]} {match[2]}"
    release = _assignments(files.get("etc/os-release") or files.get("usr/lib/os-release") or [])
    name = release.get("NAME")
    if not name:
        return release.get("PRETTY_NAME")
    exact = {"debian": "etc/debian_version", "alpine": "etc/alpine-release"}.get(release.get("ID", ""), "")
    numbers = [line for line in files.get(exact, []) if re.match(r"\d", line)]
    version = numbers[0] if numbers else release.get("VERSION_ID", "")
    return f"{name} {version}" if version else release.get("PRETTY_NAME", name)  # Debian testing has no version


def _assignments(lines: list[str]) -> dict[str, str]:
    """os-release(5): shell assignments, quoted or not."""
    pairs = (line.partition("=") for line in lines)
    return {name: " ".join(_unquoted(value)) for name, _, value in pairs}


def _unquoted(value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError:  # a quote that never closes: better the raw text than none
        return [value.strip("\"'")]


def _cpu(lines: list[str]) -> str | None:
    """The first processor's model without trademark signs and runs of blanks."""
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "cpu model", "cpu", "Model") and value.strip():
            return " ".join(re.sub(r"\((?:R|TM|r|tm)\)", " ", value).split())
    return None
