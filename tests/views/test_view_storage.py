"""The storage: which file systems, how fast they fill, and when they will be full."""

from __future__ import annotations

from typing import Any

from unit_rows import at, made, node, outcome, summary

from nicassh.inventory import Node
from nicassh.query import Row, Snapshot
from nicassh.query.tables.storage import storage
from nicassh.store import Store

G = 1024**3
HOUR = 3600
SERVER = node("nc8", "storage")


def look(store: Store, when: float, used: int, name: str = "nc8", **fields: Any) -> None:
    disk = made("disks", mount="/data", size=100 * G, used=used, free=100 * G - used, **fields)
    store.write([outcome(name, "disks", at(when), disk)])


def only(store: Store, now: float) -> Row:
    (row,) = storage(Snapshot(store, [SERVER], 900, at(now))).rows
    return row


def test_fill_rate_and_days_left(store: Store) -> None:
    look(store, 0, 40 * G)
    look(store, 12 * HOUR, 45 * G)
    row = only(store, 12 * HOUR)
    assert (row.values["rate"], row.values["days_left"], row.severities["days_left"]) == (10 * G, 5.5, 2)
    view = storage(Snapshot(store, [SERVER], 900, at(12 * HOUR)))
    assert summary(view) == "1 file system: 55 G of 100 G free; nc8:/data full in 5.5 days"


def test_the_window_is_a_week(store: Store) -> None:
    look(store, 0, 90 * G)
    look(store, 2 * 24 * HOUR, 40 * G)
    look(store, 9 * 24 * HOUR, 47 * G)
    assert only(store, 9 * 24 * HOUR).values["rate"] == G


def test_no_rate_from_moments_that_are_too_close(store: Store) -> None:
    look(store, 0, 40 * G)
    look(store, HOUR - 1, 45 * G)
    assert only(store, HOUR).values["rate"] is None


def test_one_that_empties_is_never_full(store: Store) -> None:
    look(store, 0, 40 * G)
    look(store, 24 * HOUR, 30 * G)
    assert [only(store, 24 * HOUR).values[name] for name in ("rate", "days_left")] == [-10 * G, None]


def test_one_that_was_made_larger_has_no_rate_yet(store: Store) -> None:
    look(store, 0, 40 * G)
    store.write([outcome("nc8", "disks", at(24 * HOUR), made("disks", mount="/data", size=200 * G, used=50 * G))])
    assert only(store, 24 * HOUR).values["rate"] is None


def test_local_disks_of_data_servers_or_of_the_nodes_asked_for(store: Store) -> None:
    batch = node("nc10")
    for name in ("nc8", "nc10"):
        look(store, 0, 40 * G, name)

    def shown(*nodes: Node, named: bool = False) -> list[str]:
        snapshot = Snapshot(store, nodes, 900, at(1), inventory_nodes=[SERVER, batch])
        return [row.values["node"] for row in storage(snapshot, named).rows]

    assert shown(SERVER, batch) == ["nc8"]
    assert shown(SERVER, batch, named=True) == ["nc8", "nc10"]
    assert shown(batch, named=True) == ["nc10"]


def test_free_space_is_judged_without_the_reserve_of_root(store: Store) -> None:
    """As df and the listing of disks do: full is what users find full."""
    disk = made("disks", size=100 * G, used=90 * G, free=5 * G, free_percent=5.26)
    store.write([outcome("nc8", "disks", at(0), disk)])
    assert only(store, 1).values["free_percent"] == 5.26


def test_the_space_of_an_xrootd_fills_as_well(store: Store) -> None:
    for when, free in ((0, 60 * G), (12 * HOUR, 55 * G)):
        store.write([outcome("nc8", "services", at(when), made("services_xrootd", free=free, quota=80 * G))])
    values = only(store, 12 * HOUR).values
    assert (values["mount"], values["kind"], values["used"], values["quota"]) == (
        "xrootd mpd",
        "xrootd",
        45 * G,
        80 * G,
    )
    assert (values["rate"], values["days_left"]) == (10 * G, 5.5)


def test_unknown_sizes_stay_unknown(store: Store) -> None:
    store.write([outcome("nc8", "disks", at(0), made("disks", size=None, used=None, free=None, inodes=None))])
    values = only(store, 1).values
    assert [values[name] for name in ("size", "free_percent", "inodes_free_percent", "rate")] == [None] * 4
