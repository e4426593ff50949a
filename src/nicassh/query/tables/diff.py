"""What differs between nodes, thing by thing: software and its folders, system, processors, memory, mounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from nicassh.inventory import Node, fold, natural
from nicassh.model.errors import UsageError
from nicassh.model.units import Text, Time, counted, draw_bytes
from nicassh.query.installed import EXPERIMENT, LISTED, Installed, Machine
from nicassh.query.registry import Nodes, Parameter, Request, TableSpec
from nicassh.query.snapshot import Snapshot
from nicassh.query.table import Field, Row, Table, computed

NOTHING = "none"
"""The value of a thing that a node is known not to have."""
_FACTS = {"os": "OS", "kernel": "kernel", "cpu": "CPU", "cpus": "CPUs"}


@dataclass
class _Side:
    """One node: each thing that it has as text, by its name and place, and since when it has been so."""

    machine: Machine
    things: dict[tuple[str, str], tuple[str, datetime | None]] = field(default_factory=dict)

    def value(self, thing: tuple[str, str]) -> str | None:
        """Return the text of a thing, or NOTHING; None where it is not known."""
        if thing in self.things:
            return self.things[thing][0]
        what = thing[0]
        if what in (*_FACTS.values(), "memory"):
            return None
        known = any(one == "mount" for one, _ in self.things) if what == "mount" else self.machine.package(what)
        return NOTHING if known else None

    def since(self, thing: tuple[str, str]) -> datetime | None:
        """Return since when it has been so; None where that is not known, as of a thing that is not there."""
        return self.things[thing][1] if thing in self.things else None


def diff(snapshot: Snapshot, second: str) -> Table:
    """Return what nodes have other than the node `second`, which is one of those of the snapshot.

    What is unknown of one side is no difference.
    """
    sides = _sides(snapshot)
    others = [name for name in snapshot.names if name != second]
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
    facts = {"others": others, "second": second}
    notes = (f"no data for {fold(silent)}",) if silent else ()
    return Table("diff", _fields(others), tuple(rows), facts, notes)


def _sides(snapshot: Snapshot) -> dict[str, _Side]:
    sides = {name: _Side(machine) for name, machine in Installed(snapshot).machines.items()}
    for side in sides.values():
        for package, found in side.machine.packages.items():
            for row in found.rows:
                place = "" if row["method"] in LISTED else row["path"]
                mark = " (default)" if row["default"] else ""
                side.things[package, place] = (f"{row['version'] or '?'}{mark}", row["since"])
        if system := side.machine.system:
            facts = ((title, system[name]) for name, title in _FACTS.items() if system[name] is not None)
            side.things |= {(title, ""): (str(value), system["since"]) for title, value in facts}
    for row in snapshot.rows("memory"):
        sides[row["node"]].things["memory", ""] = (draw_bytes(row["total"]), None)
    for record, name in (("disks", "type"), ("mounts", "source")):
        for row in snapshot.rows(record):
            sides[row["node"]].things["mount", row["mount"]] = (str(row[name]), row.get("since"))
    return sides


def _order(thing: tuple[str, str]) -> tuple[Any, ...]:
    """Return the machine, the experiment's packages, the others, mounts."""
    what, place = thing
    first = (*_FACTS.values(), "memory", *EXPERIMENT)
    rank = first.index(what) if what in first else len(first) + (what == "mount")
    return rank, what.lower(), natural(place)


def _fields(others: Sequence[str]) -> tuple[Field, ...]:
    """Return the columns: the node where several are compared with the second."""
    return tuple(replace(one, priority=0) if one.name == "node" and len(others) < 2 else one for one in DIFF)


def summarize(table: Table) -> str:
    """Return `12 differences between nc[2-3] (first) and nc10 (second)`."""
    first, second = fold(table.facts["others"]), table.facts["second"]
    return f"{counted(len(table.rows), 'difference')} between {first} (first) and {second} (second)"


DIFF = (
    Field(computed("what", str, Text, "OS, kernel, CPU, CPUs, memory, a package, or mount."), 100),
    Field(computed("path", str, Text, "The folder of the package, or the mount point."), 97, wraps=True),
    Field(computed("node", str, Text, "Which of several nodes."), 97, wraps=True),
    Field(computed("first", str, Text, "What they have: a version, or none."), 99, wraps=True),
    Field(computed("second", str, Text, "What the second node has."), 98, wraps=True),
    Field(computed("since", datetime, Time, "When the later of the two sides became what it is."), 70),
)


def _build(request: Request) -> Table:
    second = one_node(request)
    others = [node for node in request.nodes if node != second]
    if not others:
        raise UsageError(f"{second.name} would be compared with itself")
    return diff(replace(request.snapshot, nodes=[*others, second]), second.name)


def one_node(request: Request) -> Node:
    """Return the node that the parameter `beside` names. Raises UsageError where it names several."""
    found = request.sources.select(request["beside"])
    if len(found) != 1:
        hint = "the second is one node; write the several first"
        raise UsageError(f"{request['beside']!r} names {len(found)} nodes", hint)
    return found[0]


TABLE = TableSpec(
    "diff",
    "What differs between nodes: software and its folders, system, processors, memory, mounts.",
    DIFF,
    _build,
    summarize,
    (Parameter("beside", str, "The node with which the others are compared.", required=True, position=1),),
    nodes=Nodes.NAMED,
)
