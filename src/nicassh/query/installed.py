"""The software of nodes: the versions of each package, the operating system and the kernel, node by node."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from nicassh.query.releases import newest_first
from nicassh.query.snapshot import Snapshot
from nicassh.store import Row as Stored

EXPERIMENT = ("FairSoft", "FairRoot", "ROOT", "MpdRoot", "BmnRoot", "Geant4")
"""The experiment's packages, in the order in which they are shown."""
SYSTEM = ("os", "kernel")
LISTED = ("rpm", "dpkg", "module")
"""Methods that find a package that has no folder of its own."""


@dataclass(frozen=True)
class Installation:
    """One package on one node: its rows, its versions with the newest first, and the version that a login gets."""

    rows: Sequence[Stored]
    versions: tuple[str, ...]
    default: str | None

    @property
    def value(self) -> tuple[tuple[str, ...], str | None]:
        """Return what is compared between nodes."""
        return self.versions, self.default


MISSING = Installation((), (), None)
"""A package that a node is known not to have."""


@dataclass
class Machine:
    """One node: its packages, its row of `system`, and the folders that could not be read."""

    name: str
    packages: dict[str, Installation] = field(default_factory=dict)
    system: Stored | None = None
    looked: Stored | None = None
    """A row about one of its folders: when the node was read."""
    lost: dict[str, str] = field(default_factory=dict)
    """Folder to state."""
    _values: dict[str, object] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Say whether the packages of the node were ever read."""
        return bool(self.looked or self.packages)

    def package(self, name: str) -> Installation | None:
        """Return a package; None where nobody knows whether the node has it, because a folder could not be read."""
        found = self.packages.get(name)
        return found or (MISSING if self.known and not self.lost else None)

    def value(self, what: str) -> object:
        """Return what is compared of a package, of `os` or of `kernel`; None where it is not known."""
        if what not in self._values:
            if what in SYSTEM:
                self._values[what] = self.system[what] if self.system is not None else None
            else:
                package = self.package(what)
                self._values[what] = package.value if package is not None else None
        return self._values[what]

    def stale(self, snapshot: Snapshot) -> set[str]:
        """Return the names of the packages, and of `os` and `kernel`, whose values are out of date."""
        found = set(SYSTEM if self.system is not None and snapshot.is_stale("system", self.system) else ())
        if self.looked is not None and snapshot.is_stale("software_folder", self.looked):
            return found | set(self.packages)
        if self.lost:
            found |= {name for name, one in self.packages.items() if any(row["root"] in self.lost for row in one.rows)}
        return found


class Installed:
    """The machines of a snapshot. Where `only` names packages, the machines have these and the drivers alone."""

    def __init__(self, snapshot: Snapshot, only: Sequence[str] | None = None) -> None:
        self.snapshot = snapshot
        self.machines = {name: Machine(name) for name in snapshot.names}
        for row in snapshot.rows("system"):
            self.machines[row["node"]].system = row
        for row in snapshot.rows("software_folder"):
            machine = self.machines[row["node"]]
            machine.looked = row
            if row["state"] not in ("ok", "missing"):
                machine.lost[row["path"]] = row["state"]
        wanted: list[dict[str, Sequence[str]]] = [{}] if only is None else [{"package": only}, {"method": ["module"]}]
        for where in wanted:
            for node, rows in snapshot.by_node("software", **where).items():
                self.machines[node].packages = _by_package(rows) | self.machines[node].packages

    @cached_property
    def packages(self) -> list[str]:
        """Return all packages that some machine has: first the experiment's, then drivers, then the others by name."""
        found = {package: cell for machine in self.machines.values() for package, cell in machine.packages.items()}
        others = sorted((name for name in found if name not in EXPERIMENT), key=str.lower)
        drivers = [name for name in others if name in self.drivers]
        return [*(name for name in EXPERIMENT if name in found), *drivers, *(n for n in others if n not in drivers)]

    @cached_property
    def drivers(self) -> set[str]:
        """Return the packages that are modules of a running kernel."""
        cells = (item for machine in self.machines.values() for item in machine.packages.items())
        return {name for name, cell in cells if cell.rows[0]["method"] == "module"}


def _by_package(rows: Iterable[Stored]) -> dict[str, Installation]:
    by_package: dict[str, list[Stored]] = {}
    for row in rows:
        by_package.setdefault(row["package"], []).append(row)
    return {package: _installation(some) for package, some in by_package.items()}


def _installation(rows: list[Stored]) -> Installation:
    if len(rows) == 1:  # as most are
        version = rows[0]["version"] or "?"
        return Installation(rows, (version,), version if rows[0]["default"] else None)
    versions = newest_first(row["version"] or "?" for row in rows)
    # What a login gets by its environment goes before what a module would load.
    defaults = sorted((row for row in rows if row["default"]), key=lambda row: bool(row["method"] == "modulefile"))
    return Installation(rows, tuple(versions), defaults[0]["version"] if defaults else None)
