"""Which releases of the experiment's software a node has, and where."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nicassh.record import Record, column
from nicassh.units import Text

every = 3600
priority = "low"
timeout = 20
keep = "intervals"

_RELEASE = re.compile(
    r"(?<![a-z])(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\d\d(?:p\d+)?(?:rc\d*)?(?![a-z\d])"
)
_NUMBER = re.compile(r"v?[-.]?\d+(?:[._-]\d+)+[a-z]?(?:[-_.]?\w+)*|\d{6}|v\d+")


@dataclass(frozen=True)
class Package(Record):
    package: Text = column("FairSoft, FairRoot, ROOT or MpdRoot.", key=True)
    path: Text = column("The folder that holds it.", key=True)
    version: Text | None = column("Its version; for FairSoft the month of the release.")
    method: Text = column("What the version was read from: the folder's name or a file in it.")


def parse(output: str) -> Iterable[Record]:
    """A Package for each release found by a folder's name or a version file in it.

    Lines are `release /opt/fairsoft/apr13` and, from grep -H,
    `/opt/fairsoft/apr13/install/include/root/RVersion.h:#define ROOT_RELEASE "5.34/05"`.
    """
    folders: list[str] = []
    files: dict[str, list[str]] = {}
    for line in output.splitlines():
        if line.startswith("release "):
            folders.append(line[len("release ") :])
        else:
            path, _, text = line.partition(":")
            files.setdefault(path, []).append(text)
    found = dict.fromkeys([*_roots(files), *_releases(folders, files)])
    return sorted(found, key=lambda package: (package.package, package.path))


def _roots(files: dict[str, list[str]]) -> Iterator[Package]:
    for path, lines in files.items():
        base, slash, _ = path.rpartition("/include/")
        release = re.search(r'ROOT_RELEASE\s+"([^"]+)"', "\n".join(lines))
        if slash and release:
            base = base.removesuffix("/include")
            yield Package("ROOT", base, release[1].replace("/", "."), "RVersion.h")


def _releases(folders: list[str], files: dict[str, list[str]]) -> Iterator[Package]:
    for folder in folders:
        parts = folder.split("/")
        place = max(index for index, part in enumerate(parts) if _package(part))
        package = _package(parts[place])
        below = "/".join(parts[place + 1 :])
        pattern = _RELEASE if package == "FairSoft" else _NUMBER
        # MpdRoot alone is also installed as /opt/mpdroot-211112, with its version in that one name.
        name = below or (parts[place][len("mpdroot") :] if package == "MpdRoot" else "")
        if match := pattern.search(name):
            yield Package(package, folder, match[0], "folder")
        elif config := _configured(package, folder, pattern, files):
            yield config


def _configured(package: str, folder: str, pattern: re.Pattern[str], files: dict[str, list[str]]) -> Package | None:
    """The package in a folder whose name says nothing, from its fairroot-config or fairsoft-config."""
    name = f"{package.lower()}-config"
    for base in (folder, f"{folder}/install"):
        for line in files.get(f"{base}/bin/{name}", []):
            if match := pattern.search(line):
                return Package(package, folder, match[0], name)
    return None


def _package(part: str) -> str:
    lower = part.lower()
    if lower.startswith("mpdroot"):
        return "MpdRoot"
    return {"fairsoft": "FairSoft", "fairroot": "FairRoot", "root": "ROOT"}.get(lower, "")
