"""What differs between nodes, thing by thing: software and its folders, system, processors, memory, mounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from nicassh.inventory import fold, natural
from nicassh.model.units import Text, Time, counted, draw_bytes
from nicassh.query.installed import EXPERIMENT, LISTED, Installed, Machine
from nicassh.query.scene import Scene
from nicassh.query.table import Field, Row, View, declared

NOTHING = "none"
"""What stands for a thing that a node is known not to have."""
_FACTS = {"os": "OS", "kernel": "kernel", "cpu": "CPU", "cpus": "CPUs"}


@dataclass
class _Side:
    """One node: each thing that it has as text, by its name and place, and since when it has been so."""

    machine: Machine
    things: dict[tuple[str, str], tuple[str, datetime | None]] = field(default_factory=dict)

    def value(self, thing: tuple[str, str]) -> str | None:
        """A thing's text, or NOTHING; None where it is not known."""
        if thing in self.things:
            return self.things[thing][0]
        what = thing[0]
        if what in (*_FACTS.values(), "memory"):
            return None
        known = any(one == "mount" for one, _ in self.things) if what == "mount" else self.machine.cell(what)
        return NOTHING if known else None

    def since(self, thing: tuple[str, str]) -> datetime | None:
        """Since when it has been so; None where that is not known, as of a thing that is not there."""
        return self.things[thing][1] if thing in self.things else None


def diff(scene: Scene, second: str) -> View:
    """What the nodes of a scene have other than the node `second`, which is one of them.

    What is not known of one side is no difference.
    """
    sides = _sides(scene)
    others = [name for name in scene.names if name != second]
    rows: list[Row] = []
    for thing in sorted({thing for side in sides.values() for thing in side.things}, key=_order):
        here = sides[second].value(thing)
        groups: dict[str, list[str]] = {}
        for name in others:
            value = sides[name].value(thing)
            if None not in (value, here) and value != here:
                groups.setdefault(str(value), []).append(name)
        for value, names in groups.items():
            times = [side.since(thing) for side in (sides[second], *(sides[name] for name in names))]
            since = max(filter(None, times), default=None)
            rows.append(Row({
                "what": thing[0], "path": thing[1] or None, "node": fold(names), "first": value, "second": here,
                "since": since,
            }))  # fmt: skip
    silent = [name for name, side in sides.items() if not side.things]
    return View("diff", _fields(others, second), tuple(rows), lambda shown: _summary(shown, others, second, silent))


def _sides(scene: Scene) -> dict[str, _Side]:
    sides = {name: _Side(machine) for name, machine in Installed(scene).machines.items()}
    for side in sides.values():
        for package, cell in side.machine.cells.items():
            for row in cell.rows:
                place = "" if row["method"] in LISTED else row["path"]
                mark = " (default)" if row["default"] else ""
                side.things[package, place] = (f"{row['version'] or '?'}{mark}", row["since"])
        if system := side.machine.system:
            facts = ((title, system[name]) for name, title in _FACTS.items() if system[name] is not None)
            side.things |= {(title, ""): (str(value), system["since"]) for title, value in facts}
    for row in scene.rows("memory"):
        sides[row["node"]].things["memory", ""] = (draw_bytes(row["total"]), None)
    for record, name in (("disks", "type"), ("mounts", "source")):
        for row in scene.rows(record):
            sides[row["node"]].things["mount", row["mount"]] = (str(row[name]), row.get("since"))
    return sides


def _order(thing: tuple[str, str]) -> tuple[Any, ...]:
    """The machine, the experiment's packages, the others, mounts."""
    what, place = thing
    first = (*_FACTS.values(), "memory", *EXPERIMENT)
    rank = first.index(what) if what in first else len(first) + (what == "mount")
    return rank, what.lower(), natural(place)


def _fields(others: Sequence[str], second: str) -> tuple[Field, ...]:
    """The columns, the two sides under their names where they are two nodes."""
    titles = {"first": "there" if len(others) > 1 else fold(others), "second": second}
    named = (replace(one, column=replace(one.column, title=titles.get(one.name, one.column.title))) for one in DIFF)
    return tuple(replace(one, weight=0) if one.name == "node" and len(others) < 2 else one for one in named)


def _summary(rows: Sequence[Row], others: Sequence[str], second: str, silent: Sequence[str]) -> str:
    found = f"{counted(len(rows), 'difference')} between {fold(others)} and {second}"
    return "; ".join([found, *([f"nothing is known of {fold(silent)}"] if silent else [])])


DIFF = (
    Field(declared("what", str, Text, "OS, kernel, CPU, CPUs, memory, a package, or mount."), 100),
    Field(declared("path", str, Text, "The folder of the package, or the mount point."), 80, flexible=True),
    Field(declared("node", str, Text, "Which of several nodes."), 95, flexible=True),
    Field(declared("first", str, Text, "What they have: a version, or none."), 99, flexible=True),
    Field(declared("second", str, Text, "What the second node has."), 98, flexible=True),
    Field(declared("since", datetime, Time, "When the later of the two sides became what it is."), 70),
)
