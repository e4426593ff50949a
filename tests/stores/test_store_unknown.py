"""What a probe could not learn stays in the store as it was, and what it learnt replaces the rest."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from unit_rows import at, made, outcome

from nicassh.model.outcome import Unknown
from nicassh.store import Store

BELOW = (("package", "ROOT"),)


def packages(store: Store) -> set[tuple[str, str | None, datetime]]:
    return {(row["package"], row["version"], row["at"]) for row in store.newest("software", ["nc2"])}


def spans(store: Store) -> list[tuple[Any, ...]]:
    rows = store.spans("software", ["nc2"], at(0))
    return sorted((row["package"], row["since"], row["until"]) for row in rows)


def test_unknown_rows_keep_their_time_and_their_interval(store: Store) -> None:
    root, fair = made("software", package="ROOT", path="/opt/root"), made("software")
    store.write([outcome("nc2", "software", at(0), root, fair)])
    store.write([outcome("nc2", "software", at(60), fair, unknown=(Unknown(type(root), BELOW),))])
    assert packages(store) == {("ROOT", "apr13", at(0)), ("FairSoft", "apr13", at(60))}
    assert spans(store) == [("FairSoft", at(0), None), ("ROOT", at(0), None)]
    store.write([outcome("nc2", "software", at(120), fair)])
    assert packages(store) == {("FairSoft", "apr13", at(120))}
    assert spans(store)[1] == ("ROOT", at(0), at(120))


def test_a_row_that_was_told_all_the_same_is_the_newer_one(store: Store) -> None:
    old, new = made("software"), made("software", version="may18")
    store.write([outcome("nc2", "software", at(0), old)])
    store.write([outcome("nc2", "software", at(60), new, unknown=(Unknown(type(new)),))])
    assert packages(store) == {("FairSoft", "may18", at(60))}


def test_another_nodes_rows_and_other_records_are_not_meant(store: Store) -> None:
    row = made("software")
    store.write([outcome(name, "software", at(0), row) for name in ("nc2", "nc3")])
    store.write([
        outcome("nc2", "software", at(60), unknown=(Unknown(type(made("load"))),)),
        outcome("nc3", "software", at(60), unknown=(Unknown(type(row)),)),
    ])  # fmt: skip
    assert packages(store) == set()
    assert len(store.newest("software", ["nc3"])) == 1
