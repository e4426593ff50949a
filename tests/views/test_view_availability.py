"""How much of the last 30 days something was well, from its intervals."""

from __future__ import annotations

import pytest
from unit_rows import at, login, made, node, outcome, summary

from nicassh.model.outcome import State
from nicassh.model.records import columns
from nicassh.query import Row, Snapshot
from nicassh.query.records import record_table
from nicassh.store import Result, Store

DAY = 86400


def logins(store: Store, now: float) -> Row:
    (row,) = record_table(Snapshot(store, [node("nc2")], 900, at(now)), "outcomes").rows
    return row


@pytest.mark.parametrize(
    ("changes", "now", "share"),
    [
        ([(0, State.OK)], 100, 100.0),
        ([(0, State.REFUSED)], 100, 0.0),
        ([(0, State.OK), (50, State.REFUSED)], 200, 25.0),
        ([(0, State.REFUSED), (50, State.OK)], 200, 75.0),
        ([(0, State.REFUSED), (10 * DAY, State.OK)], 40 * DAY, 100.0),  # what was before the window does not count
        ([(0, State.REFUSED), (25 * DAY, State.OK)], 40 * DAY, 50.0),
    ],
)
def test_share_of_the_time_that_is_known(
    store: Store, changes: list[tuple[float, State]], now: float, share: float
) -> None:
    for when, state in changes:
        store.write([login("nc2", at(when), state)])
    assert logins(store, now).values["availability"] == pytest.approx(share, abs=0.001)


def test_trouble_comes_first_and_is_told_below(store: Store) -> None:
    store.write([login("nc2", at(0)), login("nc3", at(0), State.REFUSED, "closed")])
    store.write([outcome("nc2", "load", at(0), made("load"))])
    view = record_table(Snapshot(store, [node("nc2"), node("nc3")], 900, at(1)), "outcomes")
    assert [(row.values["node"], row.severities["state"]) for row in view.rows] == [("nc3", 2), ("nc2", 0), ("nc2", 0)]
    assert summary(view).endswith("; login refused on nc3")


def test_one_dead_node_is_one_trouble(store: Store) -> None:
    probes = [f"probe{number}" for number in range(10)]
    store.write([outcome("nc3", name, at(0), state=State.UNREACHABLE, reason="no route") for name in probes])
    view = record_table(Snapshot(store, [node("nc3")], 900, at(1)), "outcomes")
    assert summary(view).endswith("; probe0, probe1, probe2, 7 more unreachable on nc3")


def test_every_state_has_a_level() -> None:
    levels = next(column.levels for column in columns(Result) if column.name == "state")
    assert levels is not None and set(levels) == {state.value for state in State}


def test_an_interval_that_has_not_begun_by_our_clock_counts_nothing(store: Store) -> None:
    store.write([login("nc2", at(3600))])
    assert logins(store, 0).values["availability"] is None
