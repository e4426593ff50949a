"""The versions of one package: on which nodes, where, and since when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

from nicassh.model.errors import UsageError
from nicassh.model.severity import Severity
from nicassh.model.units import Flag, Text, Time, counted
from nicassh.query.installed import EXPERIMENT, SYSTEM, Installed
from nicassh.query.registry import Parameter, Request, Sources, TableSpec
from nicassh.query.releases import newest_first, released
from nicassh.query.snapshot import Snapshot
from nicassh.query.table import Field, Row, Table, computed
from nicassh.query.tables.diff import NOTHING, one_node


def package_names(snapshot: Snapshot) -> list[str]:
    """Return all packages that some node has; `os` and `kernel` count as packages."""
    return [*SYSTEM, *Installed(snapshot).packages]


def find_package(snapshot: Snapshot, word: str) -> str | None:
    """Return the package of a name, in whichever case it is written; None where no node has it."""
    for name in (*SYSTEM, *EXPERIMENT):
        if name.lower() == word.lower():
            return name
    rows = snapshot.rows("software", package=list({word, word.lower()}))
    return rows[0]["package"] if rows else None


def versions_of(snapshot: Snapshot, package: str, beside: str = "") -> Table:
    """Return a row for each node and place of a package: the newest version first, the nodes without it last.

    A version that the node `beside` does not have is marked.
    """
    installed = Installed(snapshot, [package])
    rows = [row for name in snapshot.names for row in _rows(installed, name, package)]
    versions = newest_first(row.values["version"] for row in rows if row.values["version"] not in (None, NOTHING))
    order: list[str | None] = [*versions, NOTHING, None]
    rows.sort(key=lambda row: order.index(row.values["version"]))
    expected = {row.values["version"] for row in rows if row.values["node"] == beside} - {None}
    for row in rows:
        version = row.values["version"]
        row.severities["version"] = Severity(bool(expected) and version is not None and version not in expected)

    told = {field.name for field in VERSIONS if any(row.values[field.name] is not None for row in rows)}
    fields = tuple(field if field.name in told else replace(field, priority=0) for field in VERSIONS)
    has = ", ".join(version for version in (*versions, NOTHING) if version in expected)
    facts = {"package": package, "nodes": len(installed.machines), "versions": len(versions)}
    notes = (f"{beside} has {has}",) if expected else ()
    return Table("versions", fields, tuple(rows), facts, notes, group_by_default=True)


def summarize(table: Table) -> str:
    """Return `12 nodes of 14 with ROOT in 3 versions`."""
    nodes = {row.values["node"] for row in table.rows if row.values["version"] not in (None, NOTHING)}
    facts = table.facts
    found = f"{counted(len(nodes), 'node')} of {facts['nodes']} with {facts['package']}"
    return f"{found} in {counted(facts['versions'], 'version')}"


def _rows(installed: Installed, name: str, what: str) -> list[Row]:
    """Return the rows of one node: one for each place that has the package."""
    machine = installed.machines[name]
    names = ("version", "path", "method", "default", "since")
    bare: dict[str, Any] = {"node": name, "package": what, **dict.fromkeys(names)}
    stale = {"version"} if what in machine.stale(installed.snapshot) else set()
    if what in SYSTEM:
        system = machine.system
        return [Row(bare | ({"version": system[what], "since": system["since"]} if system else {}), stale)]
    cell = machine.package(what)
    if cell is None or not cell.rows:
        return [Row(bare | {"version": None if cell is None else NOTHING}, stale)]
    return [Row(bare | {name: row[name] for name in names}, set(stale)) for row in cell.rows]


VERSIONS = (
    Field(computed("package", str, Text, "The package."), 0),
    Field(
        computed("version", str, Text, "Its version; none where the node has none."), 100, truncatable=True,
        sort_key=released,
    ),
    Field(computed("node", str, Text, "Name of the node; grouped, all nodes that have it so."), 99, wraps=True),
    Field(computed("default", bool, Flag, "Whether it is the one that a login gets."), 85),
    Field(computed("path", str, Text, "Where it is."), 80, wraps=True),
    Field(computed("method", str, Text, "What the version was read from."), 60),
    Field(computed("since", datetime, Time, "Since when it is so; of several nodes, the last."), 75, aggregate=max),
)  # fmt: skip


def _build(request: Request) -> Table:
    snapshot = request.snapshot
    beside = one_node(request) if request["beside"] else None
    package = find_package(snapshot, request["package"])
    if package is None:
        names = {name.lower(): name for name in package_names(snapshot)}
        near = get_close_matches(request["package"].lower(), names, 1)
        hint = f"did you mean {names[near[0]]!r}?" if near else "see: nicamon show software --all"
        raise UsageError(f"no node has the package {request['package']!r}", hint)
    if beside is not None and beside not in request.nodes:
        snapshot = replace(snapshot, nodes=[*request.nodes, beside])
    return versions_of(snapshot, package, beside.name if beside else "")


def _complete(sources: Sources, start: str) -> list[str]:
    request = Request(sources, sources.select(), {}, datetime.now(UTC))
    return [name for name in package_names(request.snapshot) if name.startswith(start)]


TABLE = TableSpec(
    "versions",
    "The versions of one package: on which nodes, where, and since when.",
    VERSIONS,
    _build,
    summarize,
    (
        Parameter("package", str, "The package; os and kernel too.", required=True, position=0, complete=_complete),
        Parameter("beside", str, "A node: versions that it does not have are marked.", "", position=1),
    ),
)
