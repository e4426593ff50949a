"""The software of the nodes side by side: which are alike, what differs and since when, what is not known."""

from __future__ import annotations

import time
from typing import Any

import pytest
from unit_rows import at, login, made, node, outcome, summary

from nicassh.model.outcome import Outcome, State, Unknown
from nicassh.model.records import Record
from nicassh.query import Row, Snapshot, Table, filter_rows, grouped, select_columns, sort_rows
from nicassh.query.releases import newest_first
from nicassh.query.tables.software import SOFTWARE, software
from nicassh.render import Screen, csv_lines, page, records
from nicassh.store import Store

DAY = 86400


def root(version: str, **fields: Any) -> Record:
    usual = {"package": "ROOT", "path": f"/opt/root/{version}", "version": version}
    return made("software", **{**usual, **fields})


def rpm(package: str, version: str) -> Record:
    fields = {"package": package, "version": version, "method": "rpm", "path": "/var/lib/rpm", "root": "/var/lib/rpm"}
    return made("software", **fields)


def asked(name: str, when: float, *found: Record, **fields: Any) -> list[Outcome]:
    """A node asked for its software and its system."""
    roots = fields.pop("roots", {"/opt": "ok"})
    gaps = tuple(fields.pop("unknown", ()))
    states = [made("software_folder", path=path, state=state) for path, state in roots.items()]
    told = outcome(name, "software", at(when), *found, *states, unknown=gaps)
    return [login(name, at(when)), told, outcome(name, "system", at(when), made("system", **fields))]


def seen(store: Store, *names: str, seconds: float = 60, everything: bool = False) -> Table:
    return software(Snapshot(store, [node(name) for name in names], 900, at(seconds)), everything)


def by_node(view: Table) -> dict[str, Row]:
    return {row.values["node"]: row for row in view.rows}


def test_the_largest_set_is_what_the_others_are_compared_with(store: Store) -> None:
    for name, version in (("nc2", "5.34.25"), ("nc3", "6.22.08"), ("nc4", "6.22.08"), ("nc5", "6.22.08")):
        store.write(asked(name, 0, root(version)))
    view = seen(store, "nc2", "nc3", "nc4", "nc5", "nc6")
    rows = by_node(view)
    assert list(rows) == ["nc3", "nc4", "nc5", "nc2", "nc6"]
    assert [rows[name].values["reference"] for name in ("nc3", "nc2", "nc6")] == [True, False, None]
    assert (rows["nc2"].values["differs"], rows["nc2"].severities["root"]) == (["root"], 1)
    assert not any(rows["nc3"].severities.values()) and not any(rows["nc6"].severities.values())
    assert summary(view) == "5 nodes: 3 alike, 1 differ, 1 unknown"
    first, odd, unknown = grouped(view).rows
    assert (first.values["node"], first.values["nodes"], first.values["count"]) == ("nc[3-5]", ["nc3", "nc4", "nc5"], 3)
    assert (odd.values["node"], unknown.values["node"]) == ("nc2", "nc6")
    assert unknown.values["root"] is unknown.values["os"] is None
    assert first.values["fairsoft"] == []


def test_versions_stand_newest_first_with_the_default_marked(store: Store) -> None:
    store.write(asked("nc2", 0, root("6.22.08", default=True), root("6.30.04", default=False), root("6.9.1")))
    lines = list(page(seen(store, "nc2"), Screen()))
    assert "6.30.04 6.22.08* 6.9.1" in lines[1]
    assert by_node(seen(store, "nc2"))["nc2"].values["defaults"] == {"root": "6.22.08"}


def test_what_the_environment_sets_goes_before_what_a_module_would_load(store: Store) -> None:
    module = root("6.30.04", default=True, method="modulefile")
    store.write(asked("nc2", 0, module, root("6.22.08", default=True)))
    assert by_node(seen(store, "nc2"))["nc2"].values["defaults"] == {"root": "6.22.08"}


def test_another_default_is_a_difference(store: Store) -> None:
    for name, default in (("nc2", True), ("nc3", True), ("nc4", False)):
        store.write(asked(name, 0, root("6.22.08", default=default)))
    rows = by_node(seen(store, "nc2", "nc3", "nc4"))
    assert (rows["nc4"].values["differs"], rows["nc4"].values["since"]) == (["root"], at(0))


@pytest.mark.parametrize(
    ("changes", "since"),
    [
        # nc4 was moved to another version on day 3, and asked again later.
        ({3: {"nc4": "6.30.04"}, 5: {}}, 3),
        # The others were moved on day 4 and nc4 was left behind.
        ({4: {"nc2": "6.30.04", "nc3": "6.30.04"}, 5: {}}, 4),
        # nc4 lost it on day 2.
        ({2: {"nc4": ""}, 5: {}}, 2),
        # nc4 lost it, had it again, and lost it on day 4.
        ({1: {"nc4": ""}, 2: {"nc4": "6.22.08"}, 4: {"nc4": ""}}, 4),
        # nc4 has differed from the beginning.
        ({0: {"nc4": "5.34.25"}, 5: {}}, 0),
    ],
)
def test_since_when_a_package_differs(store: Store, changes: dict[int, dict[str, str]], since: int) -> None:
    now = {"nc2": "6.22.08", "nc3": "6.22.08", "nc4": "6.22.08"}
    for day in range(6):
        now |= changes.get(day, {})
        for name, version in now.items():
            store.write(asked(name, day * DAY, *([root(version)] if version else [])))
    view = seen(store, *now, seconds=5 * DAY)
    rows = by_node(view)
    assert (rows["nc4"].values["since"], rows["nc2"].values["since"]) == (at(since * DAY), None)
    assert rows["nc4"].values["differs"] == ["root"]


def test_a_reboot_does_not_change_since_when_a_kernel_differs(store: Store) -> None:
    kernels = {0: "5.14.0", 1: "5.14.1", 2: "5.14.1", 3: "5.14.1"}
    for day, kernel in kernels.items():
        for name in ("nc2", "nc3"):
            store.write(asked(name, day * DAY, root("6.22.08"), kernel=kernel, boot_time=at(-day)))
        store.write(asked("nc4", day * DAY, root("6.22.08"), kernel="5.14.0", boot_time=at(-100 * day)))
    rows = by_node(seen(store, "nc2", "nc3", "nc4", seconds=3 * DAY))
    assert (rows["nc4"].values["differs"], rows["nc4"].values["since"]) == (["kernel"], at(DAY))


def test_a_driver_is_a_column_and_a_package_of_the_distribution_on_request(store: Store) -> None:
    driver = made("software", package="nvidia", version="550.54", method="module", path="/sys/module/nvidia")
    for name, gcc in (("nc2", "11.4"), ("nc3", "11.4"), ("nc4", "8.5")):
        store.write(asked(name, 0, root("6.22.08"), driver, rpm("gcc", gcc)))
    view = seen(store, "nc2", "nc3", "nc4")
    assert [row.values["node"] for row in grouped(view).rows] == ["nc[2-4]"]
    assert {field.name for field in view.fields if field.priority} >= {"nvidia", "root"}
    asked_for = select_columns(view, ["+gcc"])
    assert [row.values["node"] for row in grouped(asked_for).rows] == ["nc[2-3]", "nc4"]
    assert [row.severities.get("gcc") for row in grouped(asked_for).rows] == [None, 1]
    everything = seen(store, "nc2", "nc3", "nc4", everything=True)
    assert by_node(everything)["nc4"].values["differs"] == ["gcc"]
    assert by_node(view)["nc4"].values["differs"] == []


def test_a_root_that_hangs_hides_nothing_and_invents_nothing(store: Store) -> None:
    cvmfs = {"/opt": "ok", "/cvmfs/nica.jinr.ru": "ok"}
    far = root("6.30.04", path="/cvmfs/nica.jinr.ru/root", root="/cvmfs/nica.jinr.ru")
    for name in ("nc2", "nc3", "nc4"):
        store.write(asked(name, 0, far, roots=cvmfs))
    gap = Unknown(type(far), (("root", "/cvmfs/nica.jinr.ru"),))
    hung = cvmfs | {"/cvmfs/nica.jinr.ru": "hung"}
    store.write(asked("nc4", 60, roots=hung, unknown=[gap]))
    store.write(asked("nc5", 60, roots=hung, unknown=[gap]))
    rows = by_node(seen(store, "nc2", "nc3", "nc4", "nc5"))
    assert (rows["nc4"].values["root"], "root" in rows["nc4"].stale) == (["6.30.04"], True)
    assert (rows["nc4"].values["unseen"], rows["nc4"].severities["unseen"]) == (["/cvmfs/nica.jinr.ru hung"], 2)
    assert (rows["nc4"].values["reference"], rows["nc4"].values["since"]) == (True, None)
    assert (rows["nc5"].values["root"], rows["nc5"].values["differs"]) == (None, [])
    assert "unseen" in {field.name for field in seen(store, "nc4").fields if field.priority}
    assert "unseen" not in {field.name for field in seen(store, "nc2").fields if field.priority}


def test_what_is_old_is_dimmed(store: Store) -> None:
    store.write(asked("nc2", 0, root("6.22.08")))
    assert by_node(seen(store, "nc2", seconds=3 * 3600))["nc2"].stale == set()
    assert by_node(seen(store, "nc2", seconds=3 * 3600 + 1))["nc2"].stale >= {"root", "os", "kernel"}
    failed = [outcome("nc2", name, at(60), state=State.UNREACHABLE) for name in ("software", "system")]
    store.write([login("nc2", at(60), State.UNREACHABLE), *failed])
    assert by_node(seen(store, "nc2"))["nc2"].stale >= {"root", "os", "kernel"}


def test_for_programs_the_packages_are_one_object(store: Store) -> None:
    store.write(asked("nc2", 0, root("6.22.08", default=True), root("6.30.04"), rpm("gcc", "11.4")))
    view = seen(store, "nc2")
    (row,) = records(view)
    assert row["packages"] == {
        "fairsoft": [], "fairroot": [], "root": ["6.30.04", "6.22.08"], "mpdroot": [], "bmnroot": [], "geant4": [],
        "gcc": ["11.4"],
    }  # fmt: skip
    assert row["defaults"] == {"root": "6.22.08"}
    assert list(records(select_columns(view, ["root", "node"]))) == [
        {"packages": {"root": ["6.30.04", "6.22.08"]}, "node": "nc2"}
    ]
    assert list(csv_lines(select_columns(view, ["node", "root", "defaults"])))[1] == "nc2,6.30.04 6.22.08,root=6.22.08"


def test_filtering_and_sorting_by_versions(store: Store) -> None:
    for name, version in (("nc2", "6.9.1"), ("nc3", "6.22.08"), ("nc4", "")):
        store.write(asked(name, 0, *([root(version)] if version else [])))
    view = seen(store, "nc2", "nc3", "nc4", "nc5")
    assert [row.values["node"] for row in sort_rows(view, ["-root"]).rows] == ["nc3", "nc2", "nc4", "nc5"]
    assert [row.values["node"] for row in filter_rows(view, "root ~ ^6.22").rows] == ["nc3"]


def test_the_declared_columns_are_those_of_the_view(store: Store) -> None:
    assert [field.name for field in seen(store, "nc2").fields] == [field.name for field in SOFTWARE]
    assert summary(seen(store), ()) == "no nodes"


@pytest.mark.parametrize(
    ("versions", "order"),
    [
        ("apr13 jan24 nov22p4", "jan24 nov22p4 apr13"),
        ("mar15p2 mar15p10 mar15", "mar15p10 mar15p2 mar15"),
        ("nov22rc1 jun19p3 nov22", "nov22 nov22rc1 jun19p3"),
        ("v-14.11 v18.6.9 v19.0.0", "v19.0.0 v18.6.9 v-14.11"),
        ("apr17 211112 v25.09.25-1 072020 v18.08.13-hlit", "v25.09.25-1 211112 072020 v18.08.13-hlit apr17"),
        ("9.6.1 11.2.0 10.5.1 11.2.0", "11.2.0 10.5.1 9.6.1"),
        ("6.32.00-rc1 6.32.00 6.30.08", "6.32.00 6.32.00-rc1 6.30.08"),
    ],
)
def test_the_order_of_versions(versions: str, order: str) -> None:
    assert newest_first(versions.split()) == order.split()


def test_a_thousand_nodes_with_thirty_packages_each(store: Store) -> None:
    """It takes 0.3 s of one processor; a machine that has other work to do may take three times that."""
    names = [f"n{number}" for number in range(1000)]
    for start in range(0, 1000, 250):
        outcomes = []
        for number in range(start, start + 250):
            packages = [rpm(f"package{index}", f"1.{index}") for index in range(24)]
            own = [root(f"6.{number % 7}.{index}") for index in range(6)]
            outcomes += asked(names[number], 0, *packages, *own, kernel=f"5.14.{number % 3}")
        store.write(outcomes)
    nodes = [node(name) for name in names]
    times = []
    for _ in range(3):
        start_time = time.process_time()
        grouped(software(Snapshot(store, nodes, 900, at(60))))
        times.append(time.process_time() - start_time)
    assert min(times) < 1
