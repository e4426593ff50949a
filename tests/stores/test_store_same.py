"""Rows that are the same as before are left alone, and nobody can tell; also where one write has a node twice."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from unit_rows import at, login, made, outcome

from nicassh.model.outcome import State, Unknown
from nicassh.store import Store


def packages(store: Store) -> list[tuple[Any, ...]]:
    rows = store.newest("software", ["nc2"])
    return sorted((row["package"], row["version"], row["since"], row["at"]) for row in rows)


def spans(store: Store, record: str, field: str) -> list[tuple[str, datetime, datetime | None]]:
    rows = store.spans(record, ["nc2"], at(-1))
    return sorted(((row[field], row["since"], row["until"]) for row in rows), key=str)


def write(store: Store, second: int, *records: Any, **fields: Any) -> None:
    store.write([outcome("nc2", "software", at(second), *records, **fields)])


def test_the_same_after_a_failure_is_confirmed(store: Store) -> None:
    write(store, 0, made("software"))
    write(store, 60, state=State.TIMEOUT)
    write(store, 120, made("software"))
    assert packages(store) == [("FairSoft", "apr13", at(0), at(120))]


@pytest.mark.parametrize("between", [State.ABSENT, State.OK])
def test_the_same_after_it_was_gone_is_new(store: Store, between: State) -> None:
    write(store, 0, made("software"))
    write(store, 60, state=between)
    write(store, 120, made("software"))
    assert packages(store) == [("FairSoft", "apr13", at(120), at(120))]
    assert spans(store, "software", "package") == [("FairSoft", at(0), at(60)), ("FairSoft", at(120), None)]


def test_the_same_after_others_have_removed_it_comes_back(store: Store) -> None:
    write(store, 0, made("software"))
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM software")
    write(store, 60, made("software"))
    assert packages(store) == [("FairSoft", "apr13", at(60), at(60))]


def test_nothing_after_nothing(store: Store) -> None:
    write(store, 0)
    write(store, 60)
    assert packages(store) == []


def test_the_same_after_some_was_unknown(store: Store) -> None:
    root, fair = made("software", package="ROOT", path="/opt/root"), made("software")
    write(store, 0, root, fair)
    write(store, 60, fair, unknown=(Unknown(type(root), (("package", "ROOT"),)),))
    write(store, 120, fair)
    assert packages(store) == [("FairSoft", "apr13", at(0), at(120))]
    write(store, 180, fair, root)
    assert [row[2:] for row in packages(store)] == [(at(0), at(180)), (at(180), at(180))]


def test_the_same_in_another_order(store: Store) -> None:
    root, fair = made("software", package="ROOT", path="/opt/root"), made("software")
    write(store, 0, root, fair)
    write(store, 60, fair, root)
    assert [row[2:] for row in packages(store)] == [(at(0), at(60))] * 2


def test_a_volatile_field_is_renewed_and_nothing_begins(store: Store) -> None:
    for second, took in ((0, 0.1), (60, 0.2), (120, 0.2)):
        store.write([outcome("nc2", "mounts", at(second), made("mounts", seconds=took))])
    (row,) = store.newest("mounts", ["nc2"])
    assert (row["seconds"], row["since"], row["at"]) == (0.2, at(0), at(120))


def test_a_later_answer_to_an_overtaken_one(store: Store) -> None:
    """What comes late leaves the newest rows alone, and the next that are the same as these still are."""
    for second, version in ((0, "apr13"), (120, "may18"), (60, "apr13"), (180, "may18")):
        write(store, second, made("software", version=version))
    assert packages(store) == [("FairSoft", "may18", at(120), at(180))]


def test_two_answers_of_a_node_in_one_write(store: Store) -> None:
    """The later one counts, whichever stands first; a series has both."""
    store.write([login("nc2", at(0)), outcome("nc2", "load", at(0), made("load"))])
    both = [
        outcome("nc2", "load", at(120), made("load", load1=3.0)),
        login("nc2", at(120)),
        login("nc2", at(60), State.REFUSED),
        outcome("nc2", "load", at(60), made("load", load1=2.0)),
    ]
    store.write(both)
    assert spans(store, "outcomes", "state") == [("ok", at(0), None)] * 2
    assert [row["load1"] for row in store.newest("load", ["nc2"])] == [3.0]
    assert [row["load1"] for row in store.earliest("load", ["nc2"], at(30))] == [2.0]


def test_a_late_write_of_a_node_beside_another(store: Store) -> None:
    """An outcome that was overtaken stands in one write with one that was not."""
    store.write([login("nc2", at(120))])
    store.write([login("nc2", at(60), State.REFUSED), login("nc3", at(60))])
    found = {row["node"]: (row["state"], row["at"]) for row in store.newest("outcomes", ["nc2", "nc3"])}
    assert found == {"nc2": ("ok", at(120)), "nc3": ("ok", at(60))}
