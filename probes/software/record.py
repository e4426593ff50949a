"""Which software a node has, where, and which of it a login gets; some packages of the distribution, and drivers.

FairSoft, FairRoot, ROOT, MpdRoot, BmnRoot and Geant4 are looked for below the configured roots, and as modulefiles.
A root on a network mount that hangs takes nothing else with it: what was known of it stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from nicassh.model.notes import Note
from nicassh.model.outcome import Unknown
from nicassh.model.records import Record
from nicassh.model.text import clean

from .folders import installations, releases
from .listed import distribution, drivers, modulefiles
from .login import mark
from .output import read
from .rows import Folder, Package

every = 3600
priority = "low"
timeout = 30
keep = "intervals"
records = (Package, Folder)


def parse(output: str) -> Iterable[Record | Unknown | Note]:
    """A Package for each that was found, a Folder for each place that was looked at. See `output` for the lines."""
    seen = read(output)
    found: dict[tuple[str, str], Package] = {}
    # What a file says is surer than a folder's name.
    for package in (*installations(seen), *releases(seen), *modulefiles(seen), *drivers(seen), *distribution(seen)):
        found.setdefault((package.package, package.path), package)
    for package in mark((found[key] for key in sorted(found)), seen):
        yield replace(package, root=seen.root_of(package.path))
    for path in sorted(seen.roots):
        yield Folder(path, seen.roots[path])
    for path in seen.lost():
        yield Unknown(Package, (("root", clean(path)),))
    yield from seen.notes
