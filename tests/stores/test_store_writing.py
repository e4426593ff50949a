"""What collections write: newest rows, series, intervals; on every kind of database."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from unit_rows import PROBES, at, login, made, node, outcome

from nicassh.database import views
from nicassh.model.errors import DatabaseError
from nicassh.model.outcome import State
from nicassh.query import Snapshot
from nicassh.query.tables.procs import ProcessFilter, cached
from nicassh.store import Store


def newest(store: Store, name: str, *fields: str) -> list[tuple[Any, ...]]:
    rows = store.newest(name, ["nc2", "nc3", "nc4"])
    return sorted(tuple(row[field] for field in fields) for row in rows)


def history(store: Store, table: str, *fields: str) -> list[tuple[Any, ...]]:
    chosen = store.metadata.tables[table]
    with store.engine.connect() as connection:
        rows = connection.execute(sa.select(*(chosen.c[field] for field in fields))).all()
    return sorted((tuple(row) for row in rows), key=str)


def test_ok_replaces_and_failure_leaves(store: Store) -> None:
    store.write([outcome("nc2", "load", at(0), made("load")), outcome("nc3", "load", at(0), made("load", load1=9.0))])
    store.write([outcome("nc2", "load", at(60), made("load", load1=5.0))])
    store.write([outcome("nc3", "load", at(60), state=State.TIMEOUT, reason="slow")])
    assert newest(store, "load", "node", "at", "load1") == [("nc2", at(60), 5.0), ("nc3", at(0), 9.0)]
    assert newest(store, "outcomes", "node", "state", "reason", "at") == [
        ("nc2", "ok", "", at(60)),
        ("nc3", "timeout", "slow", at(60)),
    ]


@pytest.mark.parametrize("state", [State.FAILED, State.UNREADABLE, State.UNREACHABLE, State.TRUNCATED])
def test_no_failure_takes_rows_away(store: Store, state: State) -> None:
    store.write([outcome("nc2", "disks", at(0), made("disks"), made("disks", mount="/data"))])
    store.write([outcome("nc2", "disks", at(60), state=state)])
    assert newest(store, "disks", "mount", "at") == [("/", at(0)), ("/data", at(0))]


def test_absent_removes_rows_and_closes_intervals(store: Store) -> None:
    store.write([outcome("nc2", "disks", at(0), made("disks")), outcome("nc2", "software", at(0), made("software"))])
    absent = [outcome("nc2", name, at(60), state=State.ABSENT) for name in ("disks", "software")]
    store.write(absent)
    assert newest(store, "disks", "mount") == newest(store, "software", "package") == []
    assert history(store, "software_intervals", "version", "since", "until") == [("apr13", at(0), at(60))]
    assert len(history(store, "disks_series", "mount")) == 1, "what was measured stays"


def test_a_row_that_is_gone_is_gone(store: Store) -> None:
    store.write([outcome("nc2", "disks", at(0), made("disks"), made("disks", mount="/usb"))])
    store.write([outcome("nc2", "disks", at(60), made("disks"))])
    assert newest(store, "disks", "mount") == [("/",)]


def test_series_keep_every_value_with_its_time(store: Store) -> None:
    for second, load in ((0, 1.0), (60, 1.0), (120, 3.0)):
        store.write([outcome("nc2", "load", at(second), made("load", load1=load))])
    assert history(store, "load_series", "at", "load1") == [(at(0), 1.0), (at(60), 1.0), (at(120), 3.0)]


def test_two_collections_within_one_second(store: Store) -> None:
    for load in (1.0, 2.0):
        done = [outcome("nc2", "load", at(0), made("load", load1=load)), login("nc2", at(0))]
        store.write([*done, outcome("nc2", "system", at(0), made("system", kernel=str(load)))])
    assert history(store, "load_series", "load1") == [(2.0,)]
    assert newest(store, "load", "load1") == [(2.0,)]
    assert newest(store, "system", "kernel", "since") == [("2.0", at(0))]
    assert history(store, "system_intervals", "kernel", "until") == [("2.0", None)]


def test_intervals_over_a_change_and_back(store: Store) -> None:
    def version(second: int, version: str) -> None:
        store.write([outcome("nc2", "software", at(second), made("software", version=version))])

    version(0, "apr13")
    version(60, "apr13")
    version(120, "mar15")
    version(180, "apr13")
    assert history(store, "software_intervals", "since", "until", "version") == [
        (at(0), at(120), "apr13"),
        (at(120), at(180), "mar15"),
        (at(180), None, "apr13"),
    ]
    assert newest(store, "software", "version", "since", "at") == [("apr13", at(180), at(180))]


def test_an_unchanged_value_keeps_its_since(store: Store) -> None:
    for second in (0, 60, 120):
        store.write([outcome("nc2", "system", at(second), made("system"))])
    assert newest(store, "system", "since", "at") == [(at(0), at(120))]
    assert history(store, "system_intervals", "since", "until") == [(at(0), None)]


def test_outcomes_are_intervals_without_their_duration(store: Store) -> None:
    for second, state in ((0, State.OK), (60, State.OK), (120, State.REFUSED), (180, State.REFUSED), (240, State.OK)):
        store.write([replace(login("nc2", at(second), state), seconds=second / 100)])
    assert history(store, "outcomes_intervals", "since", "until", "state") == [
        (at(0), at(120), "ok"),
        (at(120), at(240), "refused"),
        (at(240), None, "ok"),
    ]
    assert newest(store, "outcomes", "since", "seconds") == [(at(240), 2.4)]


def test_outcomes_of_other_probes_are_left_alone(store: Store) -> None:
    store.write([login("nc2", at(0)), outcome("nc2", "load", at(0), made("load"))])
    store.write([login("nc2", at(60), State.REFUSED)])
    assert newest(store, "outcomes", "probe", "state", "at") == [("load", "ok", at(0)), ("login", "refused", at(60))]


def test_a_repeated_key_has_its_last_word(store: Store) -> None:
    store.write([outcome("nc2", "disks", at(0), made("disks", free=1), made("disks", free=2))])
    assert newest(store, "disks", "free") == [(2,)]


def test_a_write_is_all_or_nothing(store: Store) -> None:
    good = outcome("nc2", "load", at(0), made("load"))
    bad = outcome("nc2", "disks", at(0), made("disks", mount=None))
    with pytest.raises(DatabaseError, match=r"(?i)null"):
        store.write([good, bad])
    assert newest(store, "load", "load1") == newest(store, "outcomes", "state") == []


def test_before_gives_records_back(store: Store) -> None:
    records = (made("processes"), made("processes", pid=11, command="vim 'x' ünï ␛"))
    store.write([replace(outcome("nc2", "processes", at(0), *records), uptime=1000.25)])
    found = store.before("processes", ["nc2", "nc3"])["nc2"]
    assert {(row.at, row.uptime) for row in found} == {(at(0), 1000.25)}
    assert {row.record for row in found} == set(records)
    assert "nc3" not in store.before("processes", ["nc2", "nc3"])


def test_newest_and_tally_of_very_many_nodes(store: Store) -> None:
    names = [f"nc{number}" for number in range(1200)]
    records = [made("processes"), made("processes", pid=11), made("processes", pid=12, user="ivanov")]
    store.write([outcome(name, "processes", at(0), *records) for name in names])
    assert len(store.newest("processes", [*names, *names])) == 3600
    assert len(store.newest("processes", names, user=["ivanov", "nobody"], state=["R"])) == 1200
    assert store.newest("processes", names, user=[]) == []
    counted = [tuple(row.values()) for row in store.tally("processes", names, "user") if row["node"] == "nc1199"]
    assert sorted(counted) == [("nc1199", "ivanov", 1), ("nc1199", "merz", 2)]


def test_tables_that_were_never_made_have_no_rows(database: str) -> None:
    store = Store(database, PROBES)
    assert store.newest("load", ["nc2"]) == []
    store.engine.dispose()


def test_a_field_that_a_probe_has_gained_comes_with_the_next_collection(store: Store) -> None:
    store.write([outcome("nc2", "processes", at(0), made("processes"))])
    with store.engine.begin() as connection:
        views.drop(connection, sa.inspect(connection).get_view_names())
        connection.exec_driver_sql("ALTER TABLE processes DROP COLUMN kind")
        connection.exec_driver_sql("ALTER TABLE processes DROP COLUMN login")
    with pytest.raises(DatabaseError) as caught:
        store.newest("processes", ["nc2"])
    assert "nicamon collect" in caught.value.hint
    store.create()
    view = cached(Snapshot(store, [node("nc2")], 900), ProcessFilter())
    (row,) = view.rows
    assert row.values["kind"] is None
    (cell,) = view.cells(next(field for field in view.fields if field.name == "job"))
    assert cell.text == "–"


def test_times_are_whole_utc_seconds(store: Store) -> None:
    boot = datetime.fromisoformat("2026-11-21T15:00:00+03:00")
    store.write([outcome("nc2", "system", at(0.7), made("system", boot_time=boot))])
    assert newest(store, "system", "boot_time", "at") == [(at(0), at(0))]
