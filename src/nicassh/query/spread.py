"""Who has which version of one package, where, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from nicassh.model.units import Flag, Text, Time, counted
from nicassh.query.diff import NOTHING
from nicassh.query.installed import EXPERIMENT, SYSTEM, Installed
from nicassh.query.scene import Scene
from nicassh.query.table import Field, Row, View, declared
from nicassh.query.versions import newest_first, released


def packages(scene: Scene) -> list[str]:
    """All packages that some node has; `os` and `kernel` count as such."""
    return [*SYSTEM, *Installed(scene).packages]


def meant(scene: Scene, word: str) -> str | None:
    """The package that a word means, whatever its case; None where there is none."""
    for name in (*SYSTEM, *EXPERIMENT):
        if name.lower() == word.lower():
            return name
    rows = scene.rows("software", package=list({word, word.lower()}))
    return rows[0]["package"] if rows else None


def spread(scene: Scene, package: str, beside: str = "") -> View:
    """A row for each node and place of a package, the newest version first, at the end the nodes without it.

    A version that the node `beside` has not is marked.
    """
    installed = Installed(scene, [package])
    rows = [row for name in scene.names for row in _rows(installed, name, package)]
    versions = newest_first(row.values["version"] for row in rows if row.values["version"] not in (None, NOTHING))
    order: list[str | None] = [*versions, NOTHING, None]
    rows.sort(key=lambda row: order.index(row.values["version"]))
    usual = {row.values["version"] for row in rows if row.values["node"] == beside} - {None}
    for row in rows:
        version = row.values["version"]
        row.trouble["version"] = int(bool(usual) and version is not None and version not in usual)

    def summary(shown: Sequence[Row]) -> str:
        nodes = {row.values["node"] for row in shown if row.values["version"] not in (None, NOTHING)}
        found = f"{counted(len(nodes), 'node')} of {len(installed.machines)} with {package}"
        has = ", ".join(version for version in (*versions, NOTHING) if version in usual)
        return "; ".join(
            [f"{found} in {counted(len(versions), 'version')}", *([f"{beside} has {has}"] if usual else [])]
        )

    told = {field.name for field in SPREAD if any(row.values[field.name] is not None for row in rows)}
    fields = tuple(field if field.name in told else replace(field, weight=0) for field in SPREAD)
    return View("versions", fields, tuple(rows), summary, gathers=True)


def _rows(installed: Installed, name: str, what: str) -> list[Row]:
    """The rows of one node: one for each place that has the package."""
    machine = installed.machines[name]
    names = ("version", "path", "method", "default", "since")
    bare: dict[str, Any] = {"node": name, "package": what, **dict.fromkeys(names)}
    old = {"version"} if what in machine.old(installed.scene) else set()
    if what in SYSTEM:
        system = machine.system
        return [Row(bare | ({"version": system[what], "since": system["since"]} if system else {}), old)]
    cell = machine.cell(what)
    if cell is None or not cell.rows:
        return [Row(bare | {"version": None if cell is None else NOTHING}, old)]
    return [Row(bare | {name: row[name] for name in names}, set(old)) for row in cell.rows]


SPREAD = (
    Field(declared("package", str, Text, "The package."), 0),
    Field(
        declared("version", str, Text, "Its version; none where the node has none."), 100, flexible=True,
        sort=released,
    ),
    Field(declared("node", str, Text, "Name of the node; gathered, all nodes that have it so."), 99, flexible=True),
    Field(declared("default", bool, Flag, "Whether it is the one that a login gets."), 85),
    Field(declared("path", str, Text, "Where it is."), 80, flexible=True),
    Field(declared("method", str, Text, "What the version was read from."), 60),
    Field(declared("since", datetime, Time, "Since when it has been so; of several nodes, the last."), 75, merge=max),
)  # fmt: skip
