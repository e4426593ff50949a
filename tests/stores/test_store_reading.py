"""What views read from the store besides the newest rows: sums, intervals, the beginning of a series."""

from __future__ import annotations

import sqlalchemy as sa
from unit_rows import at, made, outcome

from nicassh.store import Store
from nicassh.store.tiers import RAW


def test_sums_by_groups_leave_out_what_has_no_group(store: Store) -> None:
    jobs = [("sge", "1.1", 10.0), ("sge", "1.1", 20.0), ("sge", "2.1", 5.0), (None, None, 99.0)]
    rows = [
        made("processes", pid=pid, batch=batch, job=job, cpu_percent=cpu)
        for pid, (batch, job, cpu) in enumerate(jobs, 1)
    ]
    store.write([outcome(name, "processes", at(0), *rows) for name in ("nc2", "nc3")])
    sums = store.sums("processes", ["nc2", "nc3"], ["batch", "job"], ["cpu_percent"])
    assert {(row["job"], row["cpu_percent"], row["number"]) for row in sums} == {("1.1", 30.0, 2), ("2.1", 5.0, 1)}
    assert [row["job"] for row in store.sums("processes", ["nc4"], ["batch", "job"], ["cpu_percent"])] == []


def test_spans_are_those_that_reach_beyond_a_moment(store: Store) -> None:
    for second, version in ((0, "apr13"), (60, "may18"), (120, "jun19")):
        store.write([outcome("nc2", "software", at(second), made("software", version=version))])
    found = [(row["version"], row["until"]) for row in store.spans("software", ["nc2"], at(60))]
    assert sorted(found) == [("jun19", None), ("may18", at(120))]


def test_earliest_is_the_first_of_each_key_from_a_moment_on(store: Store) -> None:
    for second in (0, 60, 120):
        disks = [made("disks", mount=mount, used=second) for mount in ("/", "/data")]
        store.write([outcome("nc2", "disks", at(second), *disks)])
    found = {(row["mount"], row["used"]) for row in store.earliest("disks", ["nc2"], at(30))}
    assert found == {("/", 60), ("/data", 60)}
    assert store.earliest("disks", ["nc2"], at(200)) == []


def test_earliest_looks_beyond_the_rows_as_they_came(store: Store) -> None:
    """What is rolled up is told by five minutes, what is not by its row."""
    for second in (0, 60, 900, 6000):
        disks = [made("disks", mount=mount, used=second) for mount in ("/", *(["/new"] if second == 6000 else []))]
        store.write([outcome("nc2", "disks", at(second), *disks)])
    store.rollup(at(3600).timestamp())
    with store.engine.begin() as connection:
        connection.execute(sa.delete(store.layout.series["disks"].tables[RAW]).where(sa.text("used < 6000")))
    found = {(row["mount"], row["used"], row["at"]) for row in store.earliest("disks", ["nc2"], at(0))}
    assert found == {("/", 30, at(150)), ("/new", 6000, at(6000))}
    found = {(row["mount"], row["used"], row["at"]) for row in store.earliest("disks", ["nc2"], at(600))}
    assert found == {("/", 900, at(1050)), ("/new", 6000, at(6000))}
