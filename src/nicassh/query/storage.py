"""The storage: file systems of the data servers and those mounted from the network, and when each will be full."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from nicassh.inventory import fold, natural
from nicassh.model.records import columns
from nicassh.model.units import UNKNOWN, Bytes, Count, Flag, Number, Percent, Seconds, Text, Time, counted, draw_bytes
from nicassh.query.scene import Scene
from nicassh.query.table import Field, Row, View, declared
from nicassh.store import Row as Stored

WINDOW = timedelta(days=7)
"""How far back the fill rate looks."""
_LEAST = timedelta(hours=1)
"""Less than this between two looks tells no rate: one job's file would fill the disk by the evening."""
_SHARED, _SERVED = "mounts_space", "services_xrootd"
_KINDS = {"disks": "local", _SHARED: "network", _SERVED: "xrootd"}


def storage(scene: Scene) -> View:
    """Local file systems of the nodes of role storage, or of those asked for; each network file system once."""
    narrowed = bool(scene.everyone) and len(scene.nodes) < len(scene.everyone)
    servers = [node.name for node in scene.nodes if narrowed or node.role == "storage"]
    rows = [_row(scene, "disks", [disk]) for disk in scene.rows("disks") if disk["node"] in set(servers)]
    rows += [_row(scene, _SHARED, mounts) for mounts in _by_source(scene.rows(_SHARED))]
    rows += [_row(scene, _SERVED, [_space(row)]) for row in scene.rows(_SERVED) if row["size"]]
    _add_rates(scene, rows)
    rows.sort(key=lambda row: (row.values["kind"], *(natural(str(row.values[name])) for name in ("node", "mount"))))
    return View("storage", STORAGE, tuple(rows), _summary)


def _by_source(mounts: Iterable[Stored]) -> list[list[Stored]]:
    """The mounts of each file system on all nodes, the last look first."""
    found: dict[tuple[Any, ...], list[Stored]] = {}
    for row in mounts:
        found.setdefault((row["source"], row["mount"]), []).append(row)
    return [sorted(rows, key=lambda row: row["at"], reverse=True) for rows in found.values()]


def _row(scene: Scene, record: str, same: Sequence[Stored]) -> Row:
    """One file system, as the last node to look at it saw it."""
    stored = same[0]
    size, free = stored["size"], stored["free"]
    inodes, inodes_free = stored["inodes"], stored["inodes_free"]
    whole = stored["used"] + free if None not in (stored["used"], free) else size  # less what is reserved for root
    values = {
        "node": fold(row["node"] for row in same), "mount": stored["mount"],
        "source": stored.get("source") or stored.get("device"),
        "kind": _KINDS[record], "size": size, "used": stored["used"], "free": free, "quota": stored.get("quota"),
        "free_percent": round(100 * free / whole, 2) if whole and free is not None else None,
        "inodes": inodes, "inodes_free": inodes_free,
        "inodes_free_percent": round(100 * inodes_free / inodes, 2) if inodes and inodes_free is not None else None,
        "read_only": stored.get("read_only"), "rate": None, "days_left": None,
        "updated": stored["at"], "age": scene.age(stored), "seen_by": stored["node"],
    }  # fmt: skip
    old = set(values) - {"node", "mount"} if scene.is_old(record, stored) else set()
    row = Row(values, old)
    shape = {column.name: column for column in columns(scene.store.records["disks"].record)}
    row.trouble = {
        "free": shape["free_percent"].trouble(values["free_percent"]),
        "free_percent": shape["free_percent"].trouble(values["free_percent"]),
        "inodes_free_percent": shape["free_percent"].trouble(values["inodes_free_percent"]),
    }
    return row


def _space(server: Stored) -> Stored:
    """The space that a data server's xrootd tells of, as a file system: the union of its disks, for all who write."""
    used = server["size"] - server["free"] if None not in (server["size"], server["free"]) else None
    mount = f"xrootd {server['instance']}".strip()
    return {**server, "mount": mount, "used": used, "inodes": None, "inodes_free": None}


def _add_rates(scene: Scene, rows: Sequence[Row]) -> None:
    """Adds what each file system gains a day since the first look of the window, and the days until it is full."""
    for record, kind in _KINDS.items():
        some = [row for row in rows if row.values["kind"] == kind]
        if not some:
            continue
        nodes = [row.values["seen_by"] for row in some]
        earliest = scene.store.earliest(record, nodes, scene.now - WINDOW)
        then = [_space(row) if record == _SERVED else row for row in earliest]
        first = {(row["node"], row["mount"]): row for row in then}
        for row in some:
            if known := first.get((row.values["seen_by"], row.values["mount"])):
                _add_rate(row, known)


def _add_rate(row: Row, then: Stored) -> None:
    values = row.values
    passed = values["updated"] - then["at"]
    # A file system that was made larger or smaller meanwhile is another one.
    if passed < _LEAST or then["used"] is None or values["used"] is None or then["size"] != values["size"]:
        return
    values["rate"] = round((values["used"] - then["used"]) / passed.total_seconds() * 86400)
    if values["rate"] > 0 and values["free"] is not None:
        values["days_left"] = round(values["free"] / values["rate"], 1)
        row.trouble["days_left"] = _DAYS.trouble(values["days_left"])


def _summary(rows: Sequence[Row]) -> str:
    """`6 file systems: 41 T of 120 T free; nc8.jinr.ru:/data full in 3 days`."""
    size, free = (sum(row.values[name] or 0 for row in rows) for name in ("size", "free"))
    found = f"{counted(len(rows), 'file system')}: {draw_bytes(free)} of {draw_bytes(size)} free"
    soon = [row.values for row in rows if row.trouble.get("days_left")]
    parts = [f"{values['node']}:{values['mount']} full in {values['days_left']:g} days" for values in soon]
    return (
        "; ".join([found, *parts]) if rows else "no file systems of nodes with the role storage, and no network mounts"
    )


def _draw_rate(row: Row) -> str:
    rate = row.values["rate"]
    return UNKNOWN if rate is None else f"{'-' if rate < 0 else '+'}{draw_bytes(abs(rate))}/d"


_DAYS = declared("days_left", float, Number, "Days until it is full, at that rate.", "days left", low=(30, 7))
STORAGE = (
    Field(declared("node", str, Text, "The data server; of a network file system the nodes that mount it."), 100),
    Field(declared("mount", str, Text, "Where it is mounted."), 99),
    Field(declared("source", str, Text, "Device, or server and path."), 40, flexible=True),
    Field(declared("kind", str, Text, "local, network, or xrootd: what a data server says of its space."), 60),
    Field(declared("size", int, Bytes, "Size."), 90),
    Field(declared("used", int, Bytes, "Space in use."), 85),
    Field(declared("free", int, Bytes, "Space that users can have."), 95),
    Field(
        declared("free_percent", float, Percent, "The same in per cent of what users can have at all.", "free %"), 80
    ),
    Field(declared("quota", int, Bytes, "What may be used of it at most, where an xrootd tells a quota."), 65),
    Field(declared("inodes", int, Count, "Inodes."), 0),
    Field(declared("inodes_free", int, Count, "Free inodes."), 0),
    Field(declared("inodes_free_percent", float, Percent, "Free inodes in per cent.", "inodes %"), 70),
    Field(declared("rate", int, Bytes, "What it gains a day, over the last 7 days at most.", "rate"), 75, _draw_rate),
    Field(_DAYS, 88),
    Field(declared("read_only", bool, Flag, "Whether it is mounted read-only.", "ro"), 30),
    Field(declared("seen_by", str, Text, "The node that looked last."), 0),
    Field(declared("updated", datetime, Time, "When that was."), 0),
    Field(declared("age", float, Seconds, "How long ago that was.", "updated"), 50),
)
