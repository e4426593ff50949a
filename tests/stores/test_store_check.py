"""A check finds damage, intervals that cannot be, and rows of nodes that are no longer known."""

from __future__ import annotations

from pathlib import Path

from unit_rows import PROBES, at, login, made, outcome

from nicassh.database.checking import Checked, check
from nicassh.store import Store


def checked(store: Store, *nodes: str) -> dict[str, Checked]:
    return {one.table: one for one in check(store.engine, nodes)}


def test_a_sound_database_and_whose_rows_it_has(store: Store) -> None:
    store.write([login(name, at(0)) for name in ("nc2", "nc3")] + [outcome("nc2", "load", at(0), made("load"))])
    found = checked(store, "nc2", "nc9")
    assert set(found) >= {*store.metadata.tables}
    assert [one.table for one in found.values() if one.fault] == []
    assert (found["outcomes"].rows, found["outcomes"].unlisted) == (3, ("nc3",))
    assert (found["load"].rows, found["load"].unlisted) == (1, ())
    assert (found["disks"].rows, found["disks"].unlisted) == (0, ())


def test_two_intervals_that_both_last(store: Store) -> None:
    for second in (0, 60):
        store.write([outcome("nc2", "system", at(second), made("system", kernel=str(second)))])
    assert checked(store, "nc2")["system_intervals"].fault == ""
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE system_intervals SET until = NULL")
    assert "1 of its keys" in checked(store, "nc2")["system_intervals"].fault


def test_a_damaged_file(tmp_path: Path) -> None:
    file = tmp_path / "nicamon.db"
    store = Store(f"sqlite:///{file}", PROBES)
    store.create()
    rows = [made("processes", pid=pid, command="x" * 500) for pid in range(3000)]
    store.write([outcome("nc2", "processes", at(0), *rows)])
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        page = connection.exec_driver_sql("SELECT rootpage FROM sqlite_master WHERE name = 'processes'").scalar()
    store.engine.dispose()
    with file.open("r+b") as stream:
        stream.seek((page - 1) * 4096)
        stream.write(b"\xff" * 4096)
    found = checked(store, "nc2")
    assert found["(file)"].fault
    assert found["processes"].fault
    assert found["processes"].rows is None
    assert found["outcomes"].fault == ""
    store.engine.dispose()
