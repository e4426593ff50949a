"""The name and version of an operating system, from the files that distributions have for it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

Files = Mapping[str, Sequence[str]]

RELEASE = re.compile(r"(.{1,200}?) release (.*)")
NUMBER = re.compile(r"(?<![\w.])[vV]?\d[^\s(),]*")
"""The number among the words behind `release`: `6.5 (Carbon)`, `MUROM (7.3.1) MINIMAL`, `V10 (Sword)`."""
SUSE = re.compile(r"([^\d(]{1,200}?) \d[\d.]*")
SETTING = re.compile(r"(VERSION|PATCHLEVEL) ?= ?(\d[\d.]*)")
BEFORE = re.compile(r"([^\d(]{1,200}?) (?:release )?(\d[^\s()]*)")
BARE = (
    "etc/altlinux-release",
    "etc/redhat-release",
    "etc/slackware-version",
    "etc/gentoo-release",
    "etc/photon-release",
)
"""Files of systems before os-release whose line may have no word `release`."""
NUMBERS = {"etc/debian_version": "Debian GNU/Linux", "etc/alpine-release": "Alpine Linux"}
"""Files that hold a number alone, and whose it is."""
LINES = ("oracle", "centos", "redhat", "system")
"""Oracle Linux calls itself Red Hat in redhat-release; system-release may be all that there is."""


def operating_system(files: Files) -> str | None:
    """`Scientific Linux 6.4`, `AlmaLinux 9.4`, `Debian GNU/Linux 12.11`: the most exact version that a file gives."""
    for line in (line for name in LINES for line in files.get(f"etc/{name}-release", [])):
        # `Scientific Linux CERN SLC release 6.5 (Carbon)`; el7 on: `CentOS Linux release 7.9.2009 (Core)`
        if match := RELEASE.match(line):
            number = NUMBER.search(match[2])
            version = number[0] if number else match[2].partition(" ")[0]
            return f"{match[1]} {version}".rstrip()
    return _release(files) or _suse(files.get("etc/SuSE-release", [])) or _plain(files)


def _release(files: Files) -> str | None:
    """What os-release(5) says, with the point release where another line or file knows it."""
    release = assignments(files.get("etc/os-release") or files.get("usr/lib/os-release") or [])
    name = release.get("NAME")
    if not name:
        return release.get("PRETTY_NAME")
    version = release.get("VERSION_ID", "")
    exact = {"debian": "etc/debian_version", "alpine": "etc/alpine-release"}.get(release.get("ID", ""), "")
    # Ubuntu: VERSION_ID="22.04" and VERSION="22.04.4 LTS (Jammy Jellyfish)".
    known = [*files.get(exact, []), *(release.get(other, "").removeprefix(name).strip() for other in _OTHERS)]
    numbers = [word for word in (line.partition(" ")[0] for line in known) if word[:1].isdigit()]
    if numbers and (numbers[0] == files.get(exact, [""])[0] or not version):
        version = numbers[0]
    else:
        version = next((word for word in numbers if word.startswith(f"{version}.")), version)
    return f"{name} {version}" if version else release.get("PRETTY_NAME", name)  # Debian testing has no version


_OTHERS = ("VERSION", "PRETTY_NAME")


def _suse(lines: Sequence[str]) -> str | None:
    """`SUSE Linux Enterprise Server 11 (x86_64)`, `VERSION = 11`, `PATCHLEVEL = 2`; later ones have os-release."""
    found = {match[1]: match[2] for match in map(SETTING.fullmatch, lines) if match}
    if not lines or SETTING.fullmatch(lines[0]):
        return None
    name = SUSE.match(lines[0])
    if not name or "VERSION" not in found:
        return lines[0]
    patch = found.get("PATCHLEVEL", "0")
    return f"{name[1]} {found['VERSION']}" + (f".{patch}" if patch != "0" else "")


def _plain(files: Files) -> str | None:
    """Others before they had os-release: Ubuntu, ALT Linux, Slackware, Gentoo, Debian, Alpine."""
    described = assignments(files.get("etc/lsb-release", [])).get("DISTRIB_DESCRIPTION")
    if described:
        return described
    for line in (line for file in BARE for line in files.get(file, [])):
        if match := BEFORE.match(line):  # `ALT Linux 7.0.5 Centaurus (Orchid)`, `Gentoo Base System release 2.14`
            return f"{match[1]} {match[2]}"
    versions = ((name, line) for file, name in NUMBERS.items() for line in files.get(file, []))
    return next((f"{name} {line}" for name, line in versions if line[:1].isdigit()), None)


def assignments(lines: Sequence[str]) -> dict[str, str]:
    """os-release(5): shell assignments, quoted or not."""
    pairs = (line.partition("=") for line in lines)
    return {name: " ".join(_unquoted(value[:1000])) for name, _, value in pairs}


def _unquoted(value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError:  # a quote that never closes: better the raw text than none
        return [value.strip("\"'")]
