"""What is installed on nodes: the versions of each package, the operating system and the kernel, node by node."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from nicassh.query.scene import Scene
from nicassh.query.versions import newest_first
from nicassh.store import Row as Stored

EXPERIMENT = ("FairSoft", "FairRoot", "ROOT", "MpdRoot", "BmnRoot", "Geant4")
"""The experiment's packages, in the order in which they are shown."""
SYSTEM = ("os", "kernel")
LISTED = ("rpm", "dpkg", "module")
"""Methods that tell of a package without a folder of its own."""


@dataclass(frozen=True)
class Cell:
    """One package on one node: its rows; versions with the newest first, and the one that a login gets."""

    rows: Sequence[Stored]
    versions: tuple[str, ...]
    default: str | None

    @property
    def value(self) -> tuple[tuple[str, ...], str | None]:
        """What makes two nodes alike or not."""
        return self.versions, self.default


NONE = Cell((), (), None)
"""A package that is known to be missing."""


@dataclass
class Machine:
    """One node: its cells by package, its row of `system`, and the roots that could not be looked at."""

    name: str
    cells: dict[str, Cell] = field(default_factory=dict)
    system: Stored | None = None
    looked: Stored | None = None
    """A row about one of its roots: when the node was looked at."""
    lost: dict[str, str] = field(default_factory=dict)
    """Root to state."""
    _values: dict[str, object] = field(default_factory=dict)

    @property
    def known(self) -> bool:
        """Whether the node has ever told of its packages."""
        return bool(self.looked or self.cells)

    def cell(self, package: str) -> Cell | None:
        """A package's cell; None where nobody knows, as when it may be below a root that hangs."""
        cell = self.cells.get(package)
        return cell or (NONE if self.known and not self.lost else None)

    def value(self, what: str) -> object:
        """What makes two machines alike in a package, in `os` or in `kernel`; None where it is not known."""
        if what not in self._values:
            if what in SYSTEM:
                self._values[what] = self.system[what] if self.system is not None else None
            else:
                cell = self.cell(what)
                self._values[what] = cell.value if cell is not None else None
        return self._values[what]

    def old(self, scene: Scene) -> set[str]:
        """The packages, `os` and `kernel` of which the newest that is known is no news."""
        found = set(SYSTEM if self.system is not None and scene.is_old("system", self.system) else ())
        if self.looked is not None and scene.is_old("software_folder", self.looked):
            return found | set(self.cells)
        hidden = (package for package, cell in self.cells.items() if any(row["root"] in self.lost for row in cell.rows))
        return found | set(hidden if self.lost else ())


class Installed:
    """The machines of a scene; where `only` names packages, with these and the drivers alone."""

    def __init__(self, scene: Scene, only: Sequence[str] | None = None) -> None:
        self.scene = scene
        self.machines = {name: Machine(name) for name in scene.names}
        for row in scene.rows("system"):
            self.machines[row["node"]].system = row
        for row in scene.rows("software_folder"):
            machine = self.machines[row["node"]]
            machine.looked = row
            if row["state"] not in ("ok", "missing"):
                machine.lost[row["path"]] = row["state"]
        wanted: list[dict[str, Sequence[str]]] = [{}] if only is None else [{"package": only}, {"method": ["module"]}]
        for where in wanted:
            for node, rows in scene.grouped("software", **where).items():
                self.machines[node].cells = _cells(rows) | self.machines[node].cells

    @cached_property
    def packages(self) -> list[str]:
        """All packages that some machine has: the experiment's, drivers, the others by name."""
        found = {package: cell for machine in self.machines.values() for package, cell in machine.cells.items()}
        others = sorted((name for name in found if name not in EXPERIMENT), key=str.lower)
        drivers = [name for name in others if name in self.drivers]
        return [*(name for name in EXPERIMENT if name in found), *drivers, *(n for n in others if n not in drivers)]

    @cached_property
    def drivers(self) -> set[str]:
        """Packages that are modules of a running kernel."""
        cells = (item for machine in self.machines.values() for item in machine.cells.items())
        return {name for name, cell in cells if cell.rows[0]["method"] == "module"}


def _cells(rows: Iterable[Stored]) -> dict[str, Cell]:
    by_package: dict[str, list[Stored]] = {}
    for row in rows:
        by_package.setdefault(row["package"], []).append(row)
    return {package: _cell(some) for package, some in by_package.items()}


def _cell(rows: list[Stored]) -> Cell:
    if len(rows) == 1:  # as most are
        version = rows[0]["version"] or "?"
        return Cell(rows, (version,), version if rows[0]["default"] else None)
    versions = newest_first(row["version"] or "?" for row in rows)
    # What a login gets by its environment goes before what a module would load.
    defaults = sorted((row for row in rows if row["default"]), key=lambda row: bool(row["method"] == "modulefile"))
    return Cell(rows, tuple(versions), defaults[0]["version"] if defaults else None)
