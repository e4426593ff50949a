"""The records of this probe: installed packages, and the folders in which they are looked for."""

from __future__ import annotations

from dataclasses import dataclass

from nicassh.model.records import Record, column
from nicassh.model.units import Flag, Text


@dataclass(frozen=True)
class Package(Record):
    package: Text = column(
        "FairSoft, FairRoot, ROOT, MpdRoot, BmnRoot or Geant4; a driver, or a package of the distribution by its name.",
        key=True,
    )
    path: Text = column(
        "The folder or modulefile that is it; of a driver and a package the place that says so.", key=True
    )
    version: Text | None = column("Its version; for FairSoft the month of the release.")
    method: Text = column(
        "What the version was read from: folder (its name), a file in it such as RVersion.h, modulefile (its name), "
        "module (a driver of the running kernel), rpm or dpkg."
    )
    default: Flag | None = column(
        "Whether it is the one that a login gets, or a module loaded without version; unknown where nothing says."
    )
    root: Text = column("The root under which it was found.", shown=False, volatile=True)


@dataclass(frozen=True)
class Folder(Record):
    path: Text = column(
        "A root of the configuration, what lies on a network mount below it, or a list of packages.", key=True
    )
    state: Text = column(
        "ok, missing, denied (not readable for this account), hung (a network mount that does not answer), "
        "skipped (others hung before it), broken (its list of packages cannot be read).",
        levels={"ok": 0, "missing": 0, "denied": 1, "skipped": 1, "broken": 1, "hung": 2},
    )
