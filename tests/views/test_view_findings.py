"""What is judged wrong with a node, and how heavy it weighs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from unit_rows import at, login, made, node, outcome, summary

from nicassh.model.outcome import State
from nicassh.model.severity import Severity
from nicassh.query import Snapshot
from nicassh.query.findings import Evidence, Finding, findings
from nicassh.query.tables.bad import bad
from nicassh.query.tables.explain import explain
from nicassh.store import Store

G = 1024**3


def found(store: Store, seconds: float = 60) -> list[Finding]:
    snapshot = Snapshot(store, [node("nc2")], 900, at(seconds))
    return findings(Evidence(snapshot), snapshot.nodes[0])


def told(store: Store, table: str, *rows: dict[str, Any]) -> list[tuple[str, int, str]]:
    """What is found on a node that is well but for these rows."""
    probe = store.probe_of(table)
    healthy = [outcome("nc2", name, at(0), made(name)) for name in ("load", "memory", "system") if name != probe]
    store.write([login("nc2", at(0)), *healthy, outcome("nc2", probe, at(0), *(made(table, **row) for row in rows))])
    return [(finding.area, finding.weight, finding.what) for finding in found(store)]


@pytest.mark.parametrize(
    ("behind", "session", "is_found"),
    [(100, 0.5, True), (100, 40, False), (250, 240, False), (400, 240, True), (-100, 240, True), (-80, 240, False)],
)
def test_our_own_waiting_makes_no_clock_wrong(store: Store, behind: int, session: float, is_found: bool) -> None:
    """A session that goes on for minutes after the clock was read, or a host that stood still meanwhile."""
    clock = replace(outcome("nc2", "services", at(0), made("clock", time=at(-behind))), seconds=session)
    store.write([login("nc2", at(0)), clock])
    assert [finding.area for finding in found(store)] == ["clock"] * is_found


def test_a_healthy_node_has_no_findings(store: Store) -> None:
    assert told(store, "disks", {}) == []
    (view,) = [explain(Snapshot(store, [node("nc2")], 900, at(60)))]
    assert summary(view) == "nc2: no problems found; last seen 1 m 00 s ago"


def test_the_worst_comes_first_whatever_it_weighs(store: Store) -> None:
    """A process that waits for a device is a warning that weighs more than a critical load."""
    waiting = made("processes", pid=7, state="D")
    store.write([login("nc2", at(0)), outcome("nc2", "system", at(0), made("system"))])
    store.write([outcome("nc2", "load", at(0), made("load", load1=99.0)), outcome("nc2", "processes", at(0), waiting)])
    rows = explain(Snapshot(store, [node("nc2")], 900, at(60))).rows
    assert [row.values["severity"] for row in rows] == ["critical", "warning"]
    assert rows[0].values["weight"] < rows[1].values["weight"]


def test_a_node_that_was_never_asked(store: Store) -> None:
    assert found(store) == [Finding(Severity.UNKNOWN, 50, "ssh", "never asked")]


def test_a_node_that_does_not_answer_hides_the_rest(store: Store) -> None:
    told(store, "disks", {"free_percent": 1.0, "free": G})
    store.write([login("nc2", at(30), State.HOST_KEY_CHANGED, "SHA256:x")])
    assert found(store) == [Finding(Severity.CRITICAL, 100, "ssh", "host key changed: SHA256:x", at(30))]


def test_processes_of_an_earlier_look_are_no_news(store: Store) -> None:
    told(store, "processes", {"state": "D"})
    store.write([outcome("nc2", "processes", at(30), state=State.TIMEOUT, reason="ran longer than its 20 s")])
    assert [finding.area for finding in found(store)] == ["probes"]


def test_a_node_that_was_not_asked_for_long(store: Store) -> None:
    told(store, "disks", {})
    assert [(finding.weight, finding.what) for finding in found(store, 1000)] == [(50, "not asked for 16 m 40 s")]


def test_a_probe_that_failed(store: Store) -> None:
    store.write([login("nc2", at(0)), outcome("nc2", "load", at(0), state=State.FAILED, reason="no such file")])
    assert found(store) == [Finding(Severity.CRITICAL, 40, "probes", "load failed: no such file", at(0))]


@pytest.mark.parametrize(
    ("table", "row", "expected"),
    [
        ("disks", {"free_percent": 3.0, "free": 3 * G}, ("disks", 75, "/ has 3.0 G free (3.0 %)")),
        ("disks", {"free_percent": 9.0, "free": 9 * G}, ("disks", 45, "/ has 9.0 G free (9.0 %)")),
        ("disks", {"inodes": 1000, "inodes_free": 10}, ("disks", 60, "/ has 10 of 1000 inodes free")),
        ("disks", {"read_only": True}, ("disks", 80, "/ is mounted read-only")),
        (
            "memory", {"available": G // 10, "available_percent": 1.0},
            ("memory", 60, "102 M of memory available (1.0 %)"),
        ),
        ("memory", {"swap_total": 8 * G, "swap_used": 6 * G}, ("swap", 35, "6.0 G of 8.0 G of swap in use")),
        ("load", {"load1": 7.0}, ("load", 30, "load 7.00 on 4 processors")),
        ("load", {"load1": 13.0}, ("load", 50, "load 13.00 on 4 processors")),
        (
            "processes", {"state": "D"},
            ("processes", 55, "1 process waiting for a device (state D): root.exe of merz"),
        ),
        ("gpus", {"state": "fault", "reason": "ERR!"}, ("gpus", 60, "NVIDIA H100 GPU-1: ERR!")),
        ("clock", {"offset": 2.5}, ("clock", 50, "2.50 s off by its chrony")),
        ("clock", {"offset": 0.2}, ("clock", 30, "0.20 s off by its chrony")),
        (
            "clock", {"synchronised": False, "source": None, "offset": None},
            ("clock", 30, "not synchronised by its daemon"),
        ),
        ("clock", {"time": at(7200)}, ("clock", 60, "2 h 00 m ahead of this machine's")),
        ("clock", {"time": at(-100)}, ("clock", 60, "1 m 40 s behind this machine's")),
        (
            "mounts", {"state": "hung", "reason": "no answer in 5 s"},
            ("mounts", 85, "/eos (eosxd) is hung: no answer in 5 s"),
        ),
        ("mounts", {"state": "stale"}, ("mounts", 85, "/eos (eosxd) is stale")),
        ("mounts", {"state": "slow"}, ("mounts", 40, "/eos (eosxd) is slow")),
        ("services", {"state": "down", "reason": "killed"}, ("services", 70, "xrootd mpd is down: killed")),
        ("services", {"service": "cron", "instance": "", "state": "down"}, ("services", 45, "cron is down")),
        ("services", {"state": "degraded"}, ("services", 45, "xrootd mpd is degraded")),
        ("processes", {"state": "Z"}, ("processes", 15, "1 zombie: root.exe of merz")),
        (
            "processes_visibility", {"hidden": True, "visible": 12, "total": 431},
            ("processes", 10, "12 of 431 threads visible (hidepid)"),
        ),
    ],
)  # fmt: skip
def test_each_trouble(store: Store, table: str, row: dict[str, Any], expected: tuple[str, int, str]) -> None:
    assert told(store, table, row) == [expected]


def test_the_heaviest_comes_first(store: Store) -> None:
    disks = [{"mount": f"/{free}", "free_percent": free, "free": G} for free in (9.0, 2.0)]
    assert [weight for _, weight, _ in told(store, "disks", *disks)] == [75, 45]


def test_what_is_old_is_not_judged(store: Store) -> None:
    told(store, "disks", {"free_percent": 1.0, "free": G})
    store.write([login("nc2", at(9000)), outcome("nc2", "disks", at(9000), state=State.TIMEOUT, reason="slow")])
    assert [finding.area for finding in found(store, 9001)] == ["probes"]


def test_nodes_to_avoid_are_those_with_something_bad(store: Store) -> None:
    told(store, "disks", {"free_percent": 9.0, "free": G})
    store.write([login("nc3", at(0), State.REFUSED, "closed")])
    view = bad(Snapshot(store, [node("nc2"), node("nc3")], 900, at(60)))
    assert [(row.values["node"], row.values["reason"], row.values["since"]) for row in view.rows] == [
        ("nc3", "ssh: refused: closed", at(0))
    ]
    assert summary(view) == "1 of 2 nodes to avoid"


def test_software_that_is_not_that_of_the_others_of_the_role(store: Store) -> None:
    for name, version in (("nc2", "apr13"), ("nc3", "jan24"), ("nc4", "jan24"), ("nc8", "apr13")):
        software = outcome(name, "software", at(0), made("software", version=version), made("software_folder"))
        store.write([login(name, at(0)), software, outcome(name, "system", at(0), made("system"))])
    inventory_nodes = [node("nc2"), node("nc3"), node("nc4"), node("nc8", "interactive")]
    view = explain(Snapshot(store, inventory_nodes[:1], 900, at(60), inventory_nodes))
    (row,) = view.rows
    assert row.values["finding"] == ("FairSoft is not that of 2 batch nodes that are alike: nicamon show diff nc2 nc3")
    assert (row.values["severity"], row.values["since"]) == ("warning", at(0))
    assert explain(Snapshot(store, inventory_nodes[1:], 900, at(60), inventory_nodes)).rows == ()


def test_what_could_not_be_read_is_a_note_and_no_reason_to_avoid_the_node(store: Store) -> None:
    store.write([login("nc2", at(0)), outcome("nc2", "memory", at(0), made("memory"), notes="swap_used: -64 …")])
    words = "memory, a part could not be read: swap_used: -64 …"
    assert found(store) == [Finding(Severity.OK, 20, "probes", words, at(0))]
    assert [row.values["severity"] for row in explain(Snapshot(store, [node("nc2")], 900, at(60))).rows] == ["ok"]
    assert bad(Snapshot(store, [node("nc2")], 900, at(60))).rows == ()
    store.write([outcome("nc2", "memory", at(60), made("memory"))])
    assert found(store) == []
