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
_PATTERNS = {
    "FairSoft": _RELEASE,
    "MpdRoot": re.compile(f"{_NUMBER.pattern}|{_RELEASE.pattern}"),  # apr17 was one too
}


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
    for line in filter(None, output.split("\n")):
        if line.startswith("release "):
            folders.append(line[len("release ") :])
        else:
            path, _, text = line.partition(":")
            files.setdefault(path, []).append(text)
    found: dict[tuple[str, str], Package] = {}
    for package in (*_roots(files), *_releases(folders, files)):
        found.setdefault((package.package, package.path), package)  # what a file says is surer than a folder's name
    return [found[key] for key in sorted(found)]


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
        pattern = _PATTERNS.get(package, _NUMBER)
        # MpdRoot alone is also installed as /opt/mpdroot-211112, with its version in that one name.
        name = below or (parts[place][len("mpdroot") :] if package == "MpdRoot" else "")
        if match := pattern.search(name):
            yield Package(package, folder, match[0], "folder")
        else:
            inner = f"{folder}/install"  # where it is listed as well, it stands for itself
            yield from _configured(package, folder, [folder] if inner in folders else [folder, inner], pattern, files)


def _configured(
    package: str, folder: str, bases: list[str], pattern: re.Pattern[str], files: dict[str, list[str]]
) -> Iterator[Package]:
    """The package in a folder whose name says nothing, from its fairroot-config or fairsoft-config."""
    name = f"{package.lower()}-config"
    found = (pattern.search(line) for base in bases for line in files.get(f"{base}/bin/{name}", []))
    if match := next(filter(None, found), None):
        yield Package(package, folder, match[0], name)


def _package(part: str) -> str:
    lower = part.lower()
    if lower.startswith("mpdroot"):
        return "MpdRoot"
    return {"fairsoft": "FairSoft", "fairroot": "FairRoot", "root": "ROOT"}.get(lower, "")
