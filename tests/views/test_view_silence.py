"""A collector that has stopped: one finding about nicamon, no list of bad nodes from old values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from unit_rows import at, login, made, node, outcome, summary

from nicassh.model.errors import StaleError
from nicassh.model.outcome import State
from nicassh.query import Snapshot, Table, grouped
from nicassh.query.tables.bad import bad
from nicassh.query.tables.explain import explain
from nicassh.query.tables.procs import ProcessFilter, cached
from nicassh.store import Store

NODES = [node(f"nc{number}") for number in range(2, 6)]
HALF = 1800


def asked(store: Store, *seconds: float, state: State = State.OK) -> None:
    """Each node asked at its second, with a full disk."""
    for one, second in zip(NODES, seconds, strict=True):
        full = outcome(one.name, "disks", at(second), made("disks", free_percent=1.0, free=1))
        store.write([login(one.name, at(second), state, "closed" if state != State.OK else ""), full])


def snapshot(store: Store, second: float = HALF, *names: str) -> Snapshot:
    chosen = [one for one in NODES if one.name in names] or NODES
    return Snapshot(store, chosen, 900, at(second), inventory_nodes=NODES)


def areas(view: Table) -> set[tuple[str | None, str]]:
    return {(row.values["node"], row.values["area"]) for row in view.rows}


def test_a_stopped_collector_is_one_finding_about_nicamon(store: Store) -> None:
    asked(store, 0, 10, 20, 30)
    view = explain(snapshot(store))
    assert areas(view) == {(None, "nicamon")}
    (row,) = view.rows
    assert row.values["finding"].startswith("nothing was collected since") and row.values["since"] == at(30)
    assert "29 m 30 s ago" in row.values["finding"] and "is the collector running?" in row.values["finding"]
    assert grouped(view).rows[0].values["node"] is None
    for chosen in ((), ("nc2",)):
        with pytest.raises(StaleError, match="nothing was collected since") as caught:
            bad(snapshot(store, HALF, *chosen))
        assert caught.value.exit_code == 3


def test_what_nobody_collected_is_said_once(store: Store) -> None:
    asked(store, 0, 10, 20, 30)
    assert summary(explain(snapshot(store))) == "nc[2-5]: 1 unknown"


def test_fresh_values_are_judged(store: Store) -> None:
    asked(store, 0, 10, 20, 30)
    assert len(bad(snapshot(store, 60)).rows) == 4
    assert areas(explain(snapshot(store, 60))) == {(one.name, "disks") for one in NODES}


def test_a_node_is_not_called_bad_because_nobody_asked_it(store: Store) -> None:
    asked(store, 0, HALF, HALF, HALF)
    assert {row.values["node"]: row.values["reason"].partition(":")[0] for row in bad(snapshot(store)).rows} == {
        "nc3": "disks", "nc4": "disks", "nc5": "disks",
    }  # fmt: skip
    assert summary(bad(snapshot(store))) == "3 of 4 nodes to avoid; not asked for long, so not judged: nc2"
    assert ("nc2", "collection") in areas(explain(snapshot(store)))


def test_one_node_asked_by_hand_does_not_make_the_others_bad(store: Store) -> None:
    asked(store, 0, 0, 0, HALF)
    assert areas(explain(snapshot(store))) == {(None, "nicamon"), ("nc5", "disks")}
    (row,) = [row for row in explain(snapshot(store)).rows if row.values["node"] is None]
    assert row.values["finding"].startswith("of 3 of 4 nodes nothing was collected since")
    with pytest.raises(StaleError):
        bad(snapshot(store))
    assert [row.values["node"] for row in bad(snapshot(store, HALF, "nc5")).rows] == ["nc5"]


def test_nodes_out_of_reach_are_tried_less_often(store: Store) -> None:
    """A whole farm that is down is no stopped collector, until nobody has tried for twice the time."""
    asked(store, 0, 0, 0, 0, state=State.UNREACHABLE)
    assert len(bad(snapshot(store, 1000)).rows) == 4
    with pytest.raises(StaleError):
        bad(snapshot(store, 1801))


def test_nodes_that_were_never_asked_are_not_well(store: Store) -> None:
    with pytest.raises(StaleError, match="no data collected yet"):
        bad(snapshot(store))
    store.write([login("nc2", at(0))])
    view = bad(snapshot(store, 60))
    assert summary(view) == "0 of 4 nodes to avoid; never asked, so not judged: nc[3-5]"


def test_values_of_a_time_to_come_judge_nothing(store: Store) -> None:
    """Of nodes that were asked while the clock was ahead nobody knows how they are: no list is made of that."""
    asked(store, 7200, 7200, 7200, 0)
    for chosen in ((), ("nc2",), ("nc2", "nc5")):
        with pytest.raises(StaleError, match="asked while the clock was ahead") as caught:
            bad(snapshot(store, 60, *chosen))
        assert caught.value.exit_code == 3
    assert len(bad(snapshot(store, 60, "nc5")).rows) == 1


def test_old_values_and_values_of_a_time_to_come_are_most(store: Store) -> None:
    asked(store, 7200, 7200, 0, HALF)
    with pytest.raises(StaleError, match="collected since"):
        bad(snapshot(store))


def test_one_node_asked_while_the_clock_was_ahead_is_said(store: Store) -> None:
    asked(store, 7200, 0, 0, 0)
    view = bad(snapshot(store, 60))
    assert summary(view) == "3 of 4 nodes to avoid; asked while the clock was ahead, so not judged: nc2"
    with pytest.raises(StaleError, match="1 node asked while the clock was ahead"):
        bad(snapshot(store, 60, "nc2"))


def test_processes_of_a_time_to_come_have_no_age(store: Store) -> None:
    ahead = datetime.now(UTC) + timedelta(hours=2)
    store.write([outcome("nc2", "processes", ahead, made("processes", ordinary=True))])
    view = cached(Snapshot(store, NODES, 900), ProcessFilter())
    assert summary(view) == "1 process on 1 node; seen while the clock was ahead"


def test_one_probe_that_nobody_runs_is_said(store: Store) -> None:
    asked(store, 0, 0, 0, 0)
    store.write([login(one.name, at(HALF)) for one in NODES])
    view = explain(snapshot(store))
    assert summary(view) == "nc[2-5]: no problems found; not judged, too old: disks on nc[2-5]"
