"""Packages that are folders: known by a version file in them, or by their names."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .names import package_of, suffix_of, version_in, written
from .output import Output
from .rows import Package

HEADERS = re.compile(r"(?:\w+/)*+(RVersion\.hx?x?|G4Version\.hh|XrdVersion\.hh)")
RELEASE = re.compile(r'ROOT_RELEASE\s+"([^"]+)"')
PART = re.compile(r"define\s+ROOT_VERSION_(MAJOR|MINOR|PATCH)\s+(\d+)")
GEANT = re.compile(r'G4VERSION_TAG\s+"\$Name: geant4-([\w-]+)')
XROOTD = re.compile(r'XrdVERSION\s+"v?(\d[^"]*)"')
CONFIG = re.compile(r'version="?(\d[^"\s]*)')


def installations(seen: Output) -> Iterator[Package]:
    """ROOT, Geant4 and xrootd, each by a file that it installs; also those inside FairSoft."""
    for path, lines in seen.files.items():
        text = "\n".join(lines)
        base, _, inner = path.rpartition("/include/")
        if match := HEADERS.fullmatch(inner):
            package, version = _header(match[1], text)
            if version:
                yield _package(package, base, version, match[1])
        elif path.endswith("/bin/geant4-config") and (match := CONFIG.search(text)):
            base = path.removesuffix("/bin/geant4-config")
            yield _package("Geant4", base, written("Geant4", match[1]), "geant4-config")


def _header(name: str, text: str) -> tuple[str, str | None]:
    if name == "G4Version.hh":  # `#define G4VERSION_TAG "$Name: geant4-11-01-patch-01 $"`
        match = GEANT.search(text)
        return "Geant4", written("Geant4", match[1]) if match else None
    if name == "XrdVersion.hh":
        match = XROOTD.search(text)
        return "xrootd", match[1] if match else None
    if match := RELEASE.search(text):
        return "ROOT", written("ROOT", match[1])
    # From 6.30 on, in ROOT/RVersion.hxx: `#define ROOT_VERSION_MINOR 32` and ROOT_RELEASE made of these.
    parts = dict(PART.findall(text))
    numbers = [parts.get(part) for part in ("MAJOR", "MINOR", "PATCH")]
    return "ROOT", written("ROOT", ".".join(map(str, numbers))) if all(numbers) else None


def releases(seen: Output) -> Iterator[Package]:
    """What the names of folders say, or the configuration scripts of FairSoft and FairRoot where they say nothing."""
    for folder in seen.releases:
        parts = folder.split("/")
        place = max((index for index, part in enumerate(parts) if package_of(part)), default=None)
        if place is None:
            seen.notes.add(f"release `{folder}` has no name of a package")
            continue
        package = package_of(parts[place])
        # Some are installed as /opt/mpdroot-211112, with the version in that one name.
        name = "/".join(parts[place + 1 :]) or suffix_of(parts[place])
        if version := version_in(package, name):
            yield _package(package, folder, version, "folder")
        else:
            inner = f"{folder}/install"  # where it is listed as well, it stands for itself
            bases = [folder] if inner in seen.releases else [folder, inner]
            yield from _configured(package, folder, bases, seen)


def _configured(package: str, folder: str, bases: list[str], seen: Output) -> Iterator[Package]:
    """The package in a folder whose name says nothing, from its fairroot-config or fairsoft-config."""
    name = f"{package.lower()}-config"
    lines = [line for base in bases for line in seen.files.get(f"{base}/bin/{name}", [])]
    lines.sort(key=lambda line: not line.startswith("_version="))
    if version := next(filter(None, (version_in(package, line) for line in lines)), None):
        yield _package(package, folder, version, name)


def _package(package: str, path: str, version: str, method: str) -> Package:
    return Package(package, path, version, method, default=None, root="")
