"""How much each table holds, and from when."""

from __future__ import annotations

from unit_rows import at, made, outcome

from nicassh.config.settings import Config
from nicassh.store import Store, sizes


def test_rows_bytes_and_times_of_each_table(store: Store) -> None:
    for second in (0, 60, 120):
        store.write([outcome("nc2", "load", at(second), made("load"))])
    found = {size.table: size for size in sizes(store.engine, store.metadata)}
    assert set(found) >= set(store.metadata.tables)
    series, newest, empty = found["load_series"], found["load"], found["disks_series"]
    assert (series.rows, series.oldest, series.newest) == (3, at(0), at(120))
    assert (newest.rows, newest.oldest, newest.newest) == (1, at(120), at(120))
    assert (empty.rows, empty.oldest, empty.newest) == (0, None, None)
    assert (found["outcomes_intervals"].oldest, found["node_locks"].oldest) == (at(0), None)
    assert all(size.bytes is not None and size.bytes > 0 for size in (series, newest))


def test_the_horizons_are_no_times_of_rows(store: Store) -> None:
    store.write([outcome("nc2", "load", at(0), made("load"))])
    store.rollup(at(0).timestamp())
    store.prune(Config(), at(0).timestamp())
    (kept,) = (size for size in sizes(store.engine, store.metadata) if size.table == "retention_horizon")
    assert (kept.rows, kept.oldest, kept.newest) == (4, None, None)


def test_a_table_that_is_not_ours_is_counted_too(store: Store) -> None:
    with store.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE others (word VARCHAR(9))")
        connection.exec_driver_sql("INSERT INTO others VALUES ('ok')")
    (other,) = (size for size in sizes(store.engine, store.metadata) if size.table == "others")
    assert (other.rows, other.oldest) == (1, None)
