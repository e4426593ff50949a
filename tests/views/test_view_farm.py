"""The farm's view: states with reasons and since, what is old, what is in trouble."""

from __future__ import annotations

from typing import Any

import pytest
from unit_rows import at, login, made, node, outcome, summary, with_users

from nicassh.model.outcome import State
from nicassh.model.severity import Severity
from nicassh.query import Row, Snapshot
from nicassh.query.records import record_table
from nicassh.query.tables.batch_nodes import batch_nodes
from nicassh.query.tables.farm import farm
from nicassh.query.tables.node import node_page
from nicassh.store import Store

STALE = 900


def only(store: Store, seconds: float = 60, role: str = "batch") -> Row:
    (row,) = farm(Snapshot(store, [node("nc2", role)], STALE, at(seconds))).rows
    return row


def collect(store: Store, when: float, **fields: Any) -> None:
    done = [outcome("nc2", name, at(when), made(name, **fields.get(name, {}))) for name in ("load", "memory", "system")]
    store.write([login("nc2", at(when)), *done])


def told(row: Row) -> tuple[Any, ...]:
    return tuple(row.values[name] for name in ("state", "reason", "since", "updated", "age"))


def test_a_node_that_was_never_asked_is_unknown(store: Store) -> None:
    row = only(store)
    assert told(row) == ("unknown", "never asked", None, None, None)
    assert (row.severities["state"], row.stale) == (Severity.UNKNOWN, set())
    assert row.values["nproc"] is row.values["activity"] is row.values["disk_free"] is None


def test_up(store: Store) -> None:
    collect(store, 0)
    collect(store, 30)
    row = only(store)
    assert told(row) == ("up", None, at(0), at(30), 30)
    assert (row.severities["state"], row.stale) == (0, set())
    assert [row.values[name] for name in ("load1", "nproc", "os", "ncpu")] == [1.0, 200, "AlmaLinux 9.4", 4]


def test_stale_from_an_age_on(store: Store) -> None:
    collect(store, 0)
    assert only(store, STALE).values["state"] == "up"
    row = only(store, STALE + 1)
    assert told(row) == ("stale", "not asked for 15 m 01 s", at(0), at(0), STALE + 1)
    assert row.stale >= {"load1", "load5", "load15", "nproc", "memory_available", "os"}
    assert row.severities["state"] == Severity.UNKNOWN


def test_a_login_whose_probes_all_failed_is_up_with_their_reasons(store: Store) -> None:
    store.write([login("nc2", at(0)), outcome("nc2", "load", at(0), state=State.FAILED)])
    assert told(only(store))[:2] == ("up", "load failed")


def test_down_since_the_first_failure_with_the_last_values_marked_old(store: Store) -> None:
    collect(store, 0)
    for when in (60, 120):
        reason = "nothing listens on port 22"
        store.write([login("nc2", at(when), State.REFUSED, reason)])
        store.write([outcome("nc2", "load", at(when), state=State.REFUSED, reason=reason)])
    row = only(store, 130)
    assert told(row) == ("down", "refused: nothing listens on port 22", at(60), at(0), 130)
    assert row.values["load1"] == 1.0
    assert {"load1", "memory_available", "os"} <= row.stale
    assert row.severities["state"] == 2
    collect(store, 180)
    assert told(only(store, 190)) == ("up", None, at(180), at(180), 10)


def test_up_with_a_probe_that_failed(store: Store) -> None:
    collect(store, 0)
    store.write([outcome("nc2", "memory", at(30), state=State.TIMEOUT, reason="ran longer than its 10 s")])
    row = only(store)
    assert told(row)[:2] == ("up", "memory timeout: ran longer than its 10 s")
    assert row.severities["state"] == 1
    assert row.stale == {"memory_available"}


def test_thresholds(store: Store) -> None:
    store.write([outcome("nc2", "disks", at(0), made("disks", free_percent=50.0), made("disks", mount="/d"))])
    store.write([outcome("nc2", "disks", at(0), made("disks"), made("disks", mount="/d", free_percent=4.0, free=1))])
    collect(store, 0, load={"load1": 12.0}, memory={"available_percent": 9.0})
    row = only(store)
    assert (row.severities["load1"], row.severities["memory_available"], row.severities["disk_free"]) == (2, 1, 2)
    assert row.values["disk_free"] == 40 * 1024**3 + 1


def test_activity_counts_people_and_not_the_system(store: Store) -> None:
    people = [("merz", True), ("ivanov", True), ("merz", True), ("root", False), ("adam", True)]
    records = with_users(
        *(made("processes", pid=pid, user=user, ordinary=flag) for pid, (user, flag) in enumerate(people))
    )
    seen = made("processes_visibility")
    store.write([login("nc2", at(0)), outcome("nc2", "processes", at(0), seen, *records)])
    assert [tuple(one.values()) for one in only(store).values["activity"]] == [("merz", 2), ("adam", 1), ("ivanov", 1)]


@pytest.mark.parametrize(
    ("versions", "newest"),
    [
        (["apr13", "jan24", "nov22p4"], "jan24"),
        (["apr22p1", "nov22"], "nov22"),
        (["mar15p2", "mar15p10", "mar15"], "mar15p10"),
        (["nov22rc1", "nov22"], "nov22"),
        (["nov22rc2", "jun19p3"], "nov22rc2"),
        ([], None),
    ],
)
def test_the_newest_fairsoft(store: Store, versions: list[str], newest: str | None) -> None:
    records = [made("software", version=version, path=f"/opt/{version}") for version in versions]
    other = made("software", package="ROOT", path="/opt/root", version="6.30.04")
    store.write([login("nc2", at(0)), outcome("nc2", "software", at(0), *records, other)])
    assert only(store).values["fairsoft"] == newest


def test_summary_counts_states_and_folds_the_down_by_reason(store: Store) -> None:
    names = [f"nc{number}" for number in range(2, 8)]
    for name in names[:3]:
        store.write([login(name, at(0)), outcome(name, "load", at(0), made("load"))])
    store.write([login(name, at(0), State.REFUSED, "nobody") for name in names[3:5]])
    view = farm(Snapshot(store, [node(name) for name in names], STALE, at(1)))
    assert summary(view) == "6 nodes: 3 up, 2 down (nc[5-6]: refused: nobody), 1 unknown"
    assert summary(view, []) == "no nodes"


def test_workers_are_batch_nodes_with_load_per_cpu(store: Store) -> None:
    collect(store, 0, load={"load1": 14.0})
    view = batch_nodes(Snapshot(store, [node("nc2"), node("ui1", "interactive")], STALE, at(1)))
    (row,) = view.rows
    assert (row.values["load_per_cpu"], row.severities["load_per_cpu"]) == (3.5, 2)


def test_listing_and_page(store: Store) -> None:
    collect(store, 0)
    (row,) = record_table(Snapshot(store, [node("nc2"), node("nc3")], STALE, at(10)), "system").rows
    assert (row.values["kernel"], row.values["since"], row.values["age"], row.stale) == ("5.14.0", at(0), 10, set())
    (row,) = record_table(Snapshot(store, [node("nc2")], STALE, at(1000)), "load").rows
    assert "load1" in row.stale
    assert "node" not in row.stale
    inside = [one.name for one in node_page(Snapshot(store, [node("nc2")], STALE, at(10))).further]
    assert inside[:6] == ["findings", "load", "memory", "disks", "processes", "jobs"] and inside[-1] == "outcomes"


def test_a_record_of_long_ago_is_old_though_the_node_is_up(store: Store) -> None:
    collect(store, 0)
    long = 4 * 3600
    store.write([login("nc2", at(long)), outcome("nc2", "load", at(long), made("load"))])
    row = only(store, long + 10)
    assert told(row)[:2] == ("up", None)
    assert row.stale == {"memory_available", "os", "kernel", "cpu", "ncpu"}


def test_what_is_collected_hourly_is_not_old_after_a_quarter(store: Store) -> None:
    collect(store, 0)
    store.write([login("nc2", at(2 * 3600)), outcome("nc2", "load", at(2 * 3600), made("load"))])
    assert only(store, 2 * 3600).stale == {"memory_available"}


def test_the_summary_is_of_the_rows_that_are_shown(store: Store) -> None:
    for name in ("nc2", "nc3"):
        store.write([login(name, at(0)), outcome(name, "load", at(0), made("load"))])
    view = record_table(Snapshot(store, [node("nc2"), node("nc3")], STALE, at(0)), "load")
    assert summary(view) == "2 rows from 2 of 2 nodes"
    assert summary(view, view.rows[:1]) == "1 row from 1 of 2 nodes"
