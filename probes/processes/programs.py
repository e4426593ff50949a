"""Which of the experiment's packages a process runs, as far as its command line tells."""

from __future__ import annotations

import re

_PACKAGES = {
    "fairsoft": "FairSoft", "fairroot": "FairRoot", "mpdroot": "MpdRoot", "bmnroot": "BmnRoot", "geant4": "Geant4",
}  # fmt: skip
_PATH = re.compile(r"/(fairsoft|fairroot|mpdroot|bmnroot|geant4)[-/](?:(?:mpd|bmn)/)?([\w.+-]+)/", re.I)
_PROGRAMS = {
    "root": "ROOT", "root.exe": "ROOT", "proofserv": "ROOT", "proofserv.exe": "ROOT", "mpdroot": "MpdRoot",
    "bmnroot": "BmnRoot", "urqmd": "UrQMD", "smash": "SMASH",
}  # fmt: skip


def software(name: str, command: str) -> str | None:
    """`FairSoft apr13` for /opt/fairsoft/apr13/bin/root.exe; `ROOT` for a root.exe of no such path."""
    if found := _PATH.search(command):
        package, version = _PACKAGES[found[1].lower()], found[2]
        return f"{package} {version}" if version and version not in ("bin", "install", "lib") else package
    return _PROGRAMS.get(name)
