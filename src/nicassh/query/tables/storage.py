"""The storage: file systems of the data servers and those mounted from the network, and when each will be full."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from nicassh.inventory import fold, natural
from nicassh.model.records import columns
from nicassh.model.units import UNKNOWN, Bytes, Count, Flag, Percent, Seconds, Text, Time, counted, draw_bytes
from nicassh.query.registry import TableSpec
from nicassh.query.snapshot import Snapshot
from nicassh.query.table import Field, Row, Table, computed
from nicassh.query.thresholds import DAYS_LEFT
from nicassh.store import Row as Stored

WINDOW = timedelta(days=7)
"""How far back the fill rate looks."""
_LEAST = timedelta(hours=1)
"""The least time between two looks for a rate. Over less, the file of one job would look like a trend."""
_SHARED, _SERVED = "mounts_space", "services_xrootd"
_KINDS = {"disks": "local", _SHARED: "network", _SERVED: "xrootd"}


def storage(snapshot: Snapshot, named: bool = False) -> Table:
    """Return the local file systems of nodes of role storage, or of all that are `named`; each network one once."""
    servers = {node.name for node in snapshot.nodes if named or node.role == "storage"}
    rows = [_row(snapshot, "disks", [disk]) for disk in snapshot.rows("disks") if disk["node"] in servers]
    rows += [_row(snapshot, _SHARED, mounts) for mounts in _by_source(snapshot.rows(_SHARED))]
    rows += [_row(snapshot, _SERVED, [_space(row)]) for row in snapshot.rows(_SERVED) if row["size"]]
    _add_rates(snapshot, rows)
    rows.sort(key=lambda row: (row.values["kind"], *(natural(str(row.values[name])) for name in ("node", "mount"))))
    return Table("storage", STORAGE, tuple(rows))


def _by_source(mounts: Iterable[Stored]) -> list[list[Stored]]:
    """Return the mounts of each file system on all nodes, the last look first."""
    found: dict[tuple[Any, ...], list[Stored]] = {}
    for row in mounts:
        found.setdefault((row["source"], row["mount"]), []).append(row)
    return [sorted(rows, key=lambda row: row["at"], reverse=True) for rows in found.values()]


def _row(snapshot: Snapshot, record: str, same: Sequence[Stored]) -> Row:
    """Return one file system, as the last node to look at it saw it."""
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
        "updated": stored["at"], "age": snapshot.age(stored), "seen_by": stored["node"],
    }  # fmt: skip
    stale = set(values) - {"node", "mount"} if snapshot.is_stale(record, stored) else set()
    row = Row(values, stale)
    shape = {column.name: column for column in columns(snapshot.store.records["disks"].record)}
    row.severities = {
        "free": shape["free_percent"].severity(values["free_percent"]),
        "free_percent": shape["free_percent"].severity(values["free_percent"]),
        "inodes_free_percent": shape["free_percent"].severity(values["inodes_free_percent"]),
    }
    return row


def _space(server: Stored) -> Stored:
    """Return the space that a data server's xrootd reports: the union of its disks, for all who write."""
    used = server["size"] - server["free"] if None not in (server["size"], server["free"]) else None
    mount = f"xrootd {server['instance']}".strip()
    return {**server, "mount": mount, "used": used, "inodes": None, "inodes_free": None}


def _add_rates(snapshot: Snapshot, rows: Sequence[Row]) -> None:
    """Add what each file system gains a day since the first look of the window, and the days until it is full."""
    for record, kind in _KINDS.items():
        some = [row for row in rows if row.values["kind"] == kind]
        if not some:
            continue
        nodes = [row.values["seen_by"] for row in some]
        earliest = snapshot.store.earliest(record, nodes, snapshot.now - WINDOW)
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
        row.severities["days_left"] = DAYS_LEFT.severity(values["days_left"])


def summarize(table: Table) -> str:
    """Return `6 file systems: 41 T of 120 T free; nc8.jinr.ru:/data full in 3 days`."""
    rows = table.rows
    size, free = (sum(row.values[name] or 0 for row in rows) for name in ("size", "free"))
    found = f"{counted(len(rows), 'file system')}: {draw_bytes(free)} of {draw_bytes(size)} free"
    soon = [row.values for row in rows if row.severity("days_left")]
    parts = [f"{values['node']}:{values['mount']} full in {values['days_left']:g} days" for values in soon]
    return (
        "; ".join([found, *parts]) if rows else "no file systems of nodes with the role storage, and no network mounts"
    )


def _draw_rate(row: Row) -> str:
    rate = row.values["rate"]
    return UNKNOWN if rate is None else f"{'-' if rate < 0 else '+'}{draw_bytes(abs(rate))}/d"


STORAGE = (
    Field(
        computed("node", str, Text, "The data server; of a network file system the nodes that mount it."),
        100,
        wraps=True,
    ),
    Field(computed("mount", str, Text, "Where it is mounted."), 99, wraps=True),
    Field(computed("source", str, Text, "Device, or server and path."), 40, truncatable=True),
    Field(
        computed(
            "kind",
            str,
            Text,
            "local, network, or xrootd: what a data server says of its space.",
            choices=_KINDS.values(),
        ),
        60,
    ),
    Field(computed("size", int, Bytes, "Size."), 90),
    Field(computed("used", int, Bytes, "Space in use."), 85),
    Field(computed("free", int, Bytes, "Space that users can have."), 95),
    Field(
        computed("free_percent", float, Percent, "The same in per cent of what users can have at all."),
        80,
    ),
    Field(computed("quota", int, Bytes, "What may be used of it at most, where an xrootd tells a quota."), 65),
    Field(computed("inodes", int, Count, "Inodes."), 0),
    Field(computed("inodes_free", int, Count, "Free inodes."), 0),
    Field(computed("inodes_free_percent", float, Percent, "Free inodes in per cent."), 70),
    Field(
        computed("rate", int, Bytes, "What it gains a day, over the last 7 days at most."),
        75,
        _draw_rate,
    ),
    Field(DAYS_LEFT, 88),
    Field(computed("read_only", bool, Flag, "Whether it is mounted read-only."), 30),
    Field(computed("seen_by", str, Text, "The node that looked last."), 0),
    Field(computed("updated", datetime, Time, "When that was."), 0),
    Field(computed("age", float, Seconds, "How long ago that was."), 50),
)
TABLE = TableSpec(
    "storage",
    "The file systems of data servers, and network mounts: free, fill rate.",
    STORAGE,
    lambda request: storage(request.snapshot, request.names_nodes),
    summarize,
)
