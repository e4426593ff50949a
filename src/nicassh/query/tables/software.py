"""The software of the nodes side by side: those that are not like the others stand out, and since when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from nicassh.inventory import natural
from nicassh.model.severity import Severity, worst
from nicassh.model.units import UNKNOWN, Count, Flag, Seconds, Text, Time, counted
from nicassh.query.drift import Drift
from nicassh.query.installed import EXPERIMENT, SYSTEM, Installed, Machine
from nicassh.query.registry import Parameter, TableSpec
from nicassh.query.releases import released
from nicassh.query.snapshot import Snapshot
from nicassh.query.table import Field, Row, Table, computed

MARK = "*"
"""Stands behind the version that a login gets."""


def software(snapshot: Snapshot, everything: bool = False) -> Table:
    """Return one row a node, those of the largest set first; with `everything`, all packages are compared and shown."""
    installed = Installed(snapshot)
    drift = Drift(installed, everything)
    machines = list(installed.machines.values())
    identities = {machine.name: drift.identity(machine) for machine in machines}
    sizes = Counter(identities.values())

    def order(machine: Machine) -> tuple[Any, ...]:
        identity = identities[machine.name]
        rank = 2 if not machine.known else int(bool(drift.deviations(machine)))
        return rank, -sizes[identity], str(identity), natural(machine.name)

    rows = tuple(_row(snapshot, machine, drift) for machine in sorted(machines, key=order))
    return Table("software", _fields(installed, rows, everything), rows, group_by_default=True)


def _row(snapshot: Snapshot, machine: Machine, drift: Drift) -> Row:
    deviations = drift.deviations(machine)
    packages = [*EXPERIMENT, *(one for one in drift.installed.packages if one not in EXPERIMENT)]
    times = [row["at"] for row in (machine.system, machine.looked) if row is not None]
    updated = max(times, default=None)
    values: dict[str, Any] = {
        "node": machine.name, "nodes": [machine.name], "count": 1,
        "os": machine.value("os"), "kernel": machine.value("kernel"), "since": drift.since(machine),
        "unseen": [f"{path} {state}" for path, state in sorted(machine.lost.items())] if machine.known else None,
        "defaults": {name.lower(): one.default for name, one in machine.packages.items() if one.default},
        "reference": not deviations if machine.known else None,
        "differs": [what.lower() for what in deviations],
        "updated": updated, "age": snapshot.seconds_since(updated) if updated else None,
    }  # fmt: skip
    for package in packages:
        found = machine.package(package)
        values[package.lower()] = list(found.versions) if found is not None else None
    stale = {what.lower() for what in machine.stale(snapshot)}
    severities = {what.lower(): Severity.WARNING for what in (*SYSTEM, *packages) if drift.differs(machine, what)}
    states = snapshot.column("software_folder", "state")
    severities["unseen"] = worst(states.severity(state) for state in machine.lost.values())
    return Row(values, stale, severities)


def _fields(installed: Installed, rows: Sequence[Row], everything: bool) -> tuple[Field, ...]:
    """Return the columns; those in which no node has anything are for who asks for them."""
    others = [one for one in installed.packages if one not in EXPERIMENT]
    priorities = {package: 40 if package in installed.drivers else 20 if everything else 0 for package in others}
    priorities |= {
        package: 60 - place if package in installed.packages else 0 for place, package in enumerate(EXPERIMENT)
    }
    # What differs somewhere is what a narrow terminal should show.
    differs = {name for row in rows for name in row.values["differs"]}
    own = [_package(one, priorities[one] + (30 if one.lower() in differs else 0)) for one in (*EXPERIMENT, *others)]
    system = [replace(field, priority=field.priority + (30 if field.name in differs else 0)) for field in _SYSTEM]
    told = {field.name for field in _DRIFT if any(row.values[field.name] for row in rows)}
    rest = [field if field.name in told else replace(field, priority=0) for field in _DRIFT]
    return (*_NODE, *own, *system, *rest, *_WHEN)


def _package(package: str, priority: int) -> Field:
    name = package.lower()
    text = f"Versions of {package}, the newest first; {MARK} behind the one that a login gets."
    column = computed(name, list, Text, text)
    return Field(column, priority, _versions(name), truncatable=True, sort_key=_released, json_group="packages")


def _released(versions: list[str]) -> list[Any]:
    return [released(version) for version in versions]


def _versions(name: str) -> Callable[[Row], str]:
    def draw(row: Row) -> str:
        versions, default = row.values[name], row.values["defaults"].get(name)
        if versions is None:
            return UNKNOWN
        return " ".join(f"{one}{MARK}" if one == default else one for one in versions) or "none"

    return draw


def summarize(table: Table) -> str:
    """Return `14 nodes: 5 alike, 8 differ, 1 unknown`."""
    counts = Counter(row.values["reference"] for row in table.rows)
    words = {True: "alike", False: "differ", None: "unknown"}
    parts = [f"{counts[value]} {word}" for value, word in words.items() if counts[value]]
    return f"{counted(len(table.rows), 'node')}: {', '.join(parts)}" if table.rows else "no nodes"


def _common(defaults: list[dict[str, str]]) -> dict[str, str]:
    return {name: one for name, one in defaults[0].items() if all(other.get(name) == one for other in defaults)}


def _joined(lists: list[list[str]]) -> list[str]:
    return [item for one in lists for item in one]


def _listed(name: str) -> Callable[[Row], str]:
    return lambda row: UNKNOWN if row.values[name] is None else ", ".join(row.values[name])


_NODE = (
    Field(
        computed("node", str, Text, "Name of the node; grouped, all nodes that are alike."),
        100,
        wraps=True,
    ),
    Field(computed("nodes", list, Text, "The same as a list."), 0, _listed("nodes"), aggregate=_joined),
    Field(computed("count", int, Count, "How many nodes they are."), 96, aggregate=sum),
)
_SYSTEM = (
    Field(computed("os", str, Text, "Operating system."), 45, truncatable=True),
    Field(computed("kernel", str, Text, "Release of the running kernel."), 44, truncatable=True),
)
_DRIFT = (
    Field(
        computed("since", datetime, Time, "Since when it differs from the largest set, as far as is known."),
        93,
        aggregate=min,
    ),
    Field(
        computed("unseen", list, Text, "Roots that could not be looked at; what was known of them is shown."),
        95,
        _listed("unseen"),
        True,
    ),
    Field(
        computed("reference", bool, Flag, "Whether it belongs to the largest set, with which the others are compared."),
        0,
    ),
    Field(computed("differs", list, Text, "In what it differs from that set."), 0, _listed("differs")),
    Field(computed("defaults", dict, Text, "Of each package the version that a login gets."), 0, aggregate=_common),
)
_WHEN = (
    Field(computed("updated", datetime, Time, "When it was collected."), 0, aggregate=max),
    Field(computed("age", float, Seconds, "How long ago that was."), 20, aggregate=max),
)
SOFTWARE = (*_NODE, *(_package(package, 1) for package in EXPERIMENT), *_SYSTEM, *_DRIFT, *_WHEN)
"""The columns that are there always; each driver and package of the distribution has one of its name."""
TABLE = TableSpec(
    "software",
    "The software of all nodes side by side: what differs, and since when.",
    SOFTWARE,
    lambda request: software(request.snapshot, request["all"]),
    summarize,
    (Parameter("all", bool, "Compare and show the distribution's packages as well.", False),),
    is_open=True,
)
