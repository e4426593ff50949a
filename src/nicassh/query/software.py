"""The software of the nodes side by side: those that are not like the others stand out, and since when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from nicassh.inventory import natural
from nicassh.model.units import UNKNOWN, Count, Flag, Seconds, Text, Time, counted
from nicassh.query.drift import Drift
from nicassh.query.installed import EXPERIMENT, SYSTEM, Installed, Machine
from nicassh.query.scene import Scene
from nicassh.query.table import Field, Row, View, declared
from nicassh.query.versions import released

MARK = "*"
"""Stands behind the version that a login gets."""


def software(scene: Scene, everything: bool = False) -> View:
    """One row a node, those of the largest set first; with `everything`, all packages are compared and shown."""
    installed = Installed(scene)
    drift = Drift(installed, everything)
    machines = list(installed.machines.values())
    identities = {machine.name: drift.identity(machine) for machine in machines}
    sizes = Counter(identities.values())

    def order(machine: Machine) -> tuple[Any, ...]:
        identity = identities[machine.name]
        rank = 2 if not machine.known else int(bool(drift.odd(machine)))
        return rank, -sizes[identity], str(identity), natural(machine.name)

    rows = tuple(_row(scene, machine, drift) for machine in sorted(machines, key=order))
    return View("software", _fields(installed, rows, everything), rows, _summary, gathers=True)


def _row(scene: Scene, machine: Machine, drift: Drift) -> Row:
    odd = drift.odd(machine)
    packages = [*EXPERIMENT, *(one for one in drift.installed.packages if one not in EXPERIMENT)]
    times = [row["at"] for row in (machine.system, machine.looked) if row is not None]
    updated = max(times, default=None)
    values: dict[str, Any] = {
        "node": machine.name, "nodes": [machine.name], "count": 1,
        "os": machine.value("os"), "kernel": machine.value("kernel"), "since": drift.since(machine),
        "unseen": [f"{path} {state}" for path, state in sorted(machine.lost.items())] if machine.known else None,
        "defaults": {name.lower(): cell.default for name, cell in machine.cells.items() if cell.default},
        "reference": not odd if machine.known else None, "differs": [what.lower() for what in odd],
        "updated": updated, "age": scene.since(updated) if updated else None,
    }  # fmt: skip
    for package in packages:
        cell = machine.cell(package)
        values[package.lower()] = list(cell.versions) if cell is not None else None
    old = {what.lower() for what in machine.old(scene)}
    trouble = {what.lower(): 1 for what in (*SYSTEM, *packages) if drift.differs(machine, what)}
    return Row(values, old, trouble | {"unseen": 2 if "hung" in machine.lost.values() else int(bool(machine.lost))})


def _fields(installed: Installed, rows: Sequence[Row], everything: bool) -> tuple[Field, ...]:
    """The columns; those in which no node has anything are for who asks for them."""
    others = [one for one in installed.packages if one not in EXPERIMENT]
    weights = {package: 40 if package in installed.drivers else 20 if everything else 0 for package in others}
    weights |= {package: 60 - place if package in installed.packages else 0 for place, package in enumerate(EXPERIMENT)}
    # What differs somewhere is what a narrow terminal should show.
    differs = {name for row in rows for name in row.values["differs"]}
    own = [_package(one, weights[one] + (30 if one.lower() in differs else 0)) for one in (*EXPERIMENT, *others)]
    system = [replace(field, weight=field.weight + (30 if field.name in differs else 0)) for field in _SYSTEM]
    told = {field.name for field in _DRIFT if any(row.values[field.name] for row in rows)}
    rest = [field if field.name in told else replace(field, weight=0) for field in _DRIFT]
    return (*_NODE, *own, *system, *rest, *_WHEN)


def _package(package: str, weight: int) -> Field:
    name = package.lower()
    text = f"Versions of {package}, the newest first; {MARK} behind the one that a login gets."
    column = declared(name, list, Text, text, package)
    return Field(column, weight, _versions(name), flexible=True, sort=_ordered, inside="packages")


def _ordered(versions: list[str]) -> list[Any]:
    return [released(version) for version in versions]


def _versions(name: str) -> Callable[[Row], str]:
    def draw(row: Row) -> str:
        versions, default = row.values[name], row.values["defaults"].get(name)
        if versions is None:
            return UNKNOWN
        return " ".join(f"{one}{MARK}" if one == default else one for one in versions) or "none"

    return draw


def _summary(rows: Sequence[Row]) -> str:
    """`14 nodes: 5 alike, 8 differ, 1 unknown`."""
    counts = Counter(row.values["reference"] for row in rows)
    words = {True: "alike", False: "differ", None: "unknown"}
    parts = [f"{counts[value]} {word}" for value, word in words.items() if counts[value]]
    return f"{counted(len(rows), 'node')}: {', '.join(parts)}" if rows else "no nodes"


def _common(defaults: list[dict[str, str]]) -> dict[str, str]:
    return {name: one for name, one in defaults[0].items() if all(other.get(name) == one for other in defaults)}


def _joined(lists: list[list[str]]) -> list[str]:
    return [item for one in lists for item in one]


def _listed(name: str) -> Callable[[Row], str]:
    return lambda row: UNKNOWN if row.values[name] is None else ", ".join(row.values[name])


_NODE = (
    Field(declared("node", str, Text, "Name of the node; gathered, all nodes that are alike."), 100, flexible=True),
    Field(declared("nodes", list, Text, "The same as a list."), 0, _listed("nodes"), merge=_joined),
    Field(declared("count", int, Count, "How many nodes they are.", "nodes"), 97, merge=sum),
)
_SYSTEM = (
    Field(declared("os", str, Text, "Operating system.", "OS"), 45, flexible=True),
    Field(declared("kernel", str, Text, "Release of the running kernel."), 44, flexible=True),
)
_DRIFT = (
    Field(
        declared(
            "since", datetime, Time, "Since when it differs from the largest set, as far as is known.", "drift since"
        ),
        93,
        merge=min,
    ),
    Field(
        declared("unseen", list, Text, "Roots that could not be looked at; what was known of them is shown."),
        95,
        _listed("unseen"),
        True,
    ),
    Field(
        declared("reference", bool, Flag, "Whether it belongs to the largest set, with which the others are compared."),
        0,
    ),
    Field(declared("differs", list, Text, "In what it differs from that set."), 0, _listed("differs")),
    Field(declared("defaults", list, Text, "Of each package the version that a login gets."), 0, merge=_common),
)
_WHEN = (
    Field(declared("updated", datetime, Time, "When it was collected."), 0, merge=max),
    Field(declared("age", float, Seconds, "How long ago that was.", "updated"), 20, merge=max),
)
SOFTWARE = (*_NODE, *(_package(package, 1) for package in EXPERIMENT), *_SYSTEM, *_DRIFT, *_WHEN)
"""The columns that are there always; each driver and package of the distribution has one of its name."""
