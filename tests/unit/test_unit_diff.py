"""What differs between nodes, who has which version of a package, and the words that the command takes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from unit_rows import PROBES, at, made, node, outcome, summary

from nicassh.cli import command
from nicassh.model.records import Record
from nicassh.query import Snapshot, Table, grouped
from nicassh.query.tables.diff import diff
from nicassh.query.tables.versions import versions_of
from nicassh.store import Store

INVENTORY = '[[nodes]]\nnames = "nc[2-5].jinr.ru"\naddress = "10.0.0.[2-5]"\ngroups = ["old"]\n'


def package(name: str, version: str, **fields: Any) -> Record:
    return made("software", **{"package": name, "version": version, "path": f"/opt/{name.lower()}/{version}", **fields})


def asked(store: Store, name: str, *found: Record, **system: Any) -> None:
    """A node asked at noon for its software, system, memory and disks."""
    software = outcome(name, "software", at(0), *found, made("software_folder"))
    others = [outcome(name, one, at(0), made(one)) for one in ("memory", "disks")]
    store.write([software, *others, outcome(name, "system", at(0), made("system", **system))])


@pytest.fixture
def farm(store: Store) -> Store:
    gcc = {"method": "rpm", "path": "/var/lib/rpm"}
    asked(store, "nc2.jinr.ru", package("ROOT", "6.22.08", default=True), package("gcc", "8.5", **gcc), cpus=4)
    asked(store, "nc3.jinr.ru", package("ROOT", "6.22.08", default=True), package("gcc", "8.5", **gcc), cpus=8)
    asked(store, "nc4.jinr.ru", package("ROOT", "6.30.04"), package("gcc", "11.4", **gcc), kernel="5.14.9", cpus=8)
    return store


def between(store: Store, *names: str) -> list[tuple[Any, ...]]:
    view = diff(Snapshot(store, [node(f"{name}.jinr.ru") for name in names], 900, at(60)), f"{names[-1]}.jinr.ru")
    return [tuple(row.values[name] for name in ("what", "path", "node", "first", "second")) for row in view.rows]


def test_two_nodes(farm: Store) -> None:
    assert between(farm, "nc2", "nc4") == [
        ("kernel", None, "nc2.jinr.ru", "5.14.0", "5.14.9"),
        ("CPUs", None, "nc2.jinr.ru", "4", "8"),
        ("ROOT", "/opt/root/6.22.08", "nc2.jinr.ru", "6.22.08 (default)", "none"),
        ("ROOT", "/opt/root/6.30.04", "nc2.jinr.ru", "none", "6.30.04"),
        ("gcc", None, "nc2.jinr.ru", "8.5", "11.4"),
    ]
    assert between(farm, "nc2", "nc2") == []


def test_several_nodes_against_one_are_folded(farm: Store) -> None:
    rows = between(farm, "nc2", "nc3", "nc4")
    assert ("gcc", None, "nc[2-3].jinr.ru", "8.5", "11.4") in rows
    assert ("CPUs", None, "nc2.jinr.ru", "4", "8") in rows
    assert [row for row in rows if row[0] == "CPUs"] == [("CPUs", None, "nc2.jinr.ru", "4", "8")]


def test_mounts_and_memory(farm: Store) -> None:
    farm.write([outcome("nc4.jinr.ru", "disks", at(60), made("disks"), made("disks", mount="/data1"))])
    farm.write([outcome("nc4.jinr.ru", "memory", at(60), made("memory", total=2**34))])
    rows = between(farm, "nc3", "nc4")
    assert rows[-1] == ("mount", "/data1", "nc3.jinr.ru", "none", "xfs")
    assert ("memory", None, "nc3.jinr.ru", "8.0 G", "16 G") in rows


def test_what_is_not_known_is_no_difference(farm: Store) -> None:
    assert between(farm, "nc5", "nc2") == []
    farm.write([outcome("nc5.jinr.ru", "software", at(0), made("software_folder", state="hung"))])
    assert between(farm, "nc5", "nc2") == []
    view = diff(Snapshot(farm, [node("nc6"), node("nc2.jinr.ru")], 900, at(60)), "nc2.jinr.ru")
    assert summary(view) == "0 differences between nc6 (first) and nc2.jinr.ru (second); no data for nc6"


def who(store: Store, what: str, beside: str = "") -> Table:
    nodes = [node(f"nc{n}.jinr.ru") for n in range(2, 6)]
    found = versions_of(Snapshot(store, nodes, 900, at(60)), what, beside)
    return grouped(replace(found, summary=summary(found)))


def test_who_has_which_version(farm: Store) -> None:
    view = who(farm, "ROOT")
    assert [(row.values["version"], row.values["node"], row.values["default"]) for row in view.rows] == [
        ("6.30.04", "nc4.jinr.ru", None), ("6.22.08", "nc[2-3].jinr.ru", True), (None, "nc5.jinr.ru", None),
    ]  # fmt: skip
    assert view.about == "3 nodes of 4 with ROOT in 2 versions"
    asked(farm, "nc5.jinr.ru")
    assert [row.values["version"] for row in who(farm, "ROOT").rows] == ["6.30.04", "6.22.08", "none"]


def test_a_node_beside_the_package_marks_the_other_versions(farm: Store) -> None:
    view = who(farm, "ROOT", "nc2.jinr.ru")
    assert [row.severities["version"] for row in view.rows] == [1, 0, 0]
    assert view.about.endswith("; nc2.jinr.ru has 6.22.08")


def test_kernels_have_no_path(farm: Store) -> None:
    view = who(farm, "kernel")
    assert [(row.values["version"], row.values["node"]) for row in view.rows][:2] == [
        ("5.14.9", "nc4.jinr.ru"), ("5.14.0", "nc[2-3].jinr.ru"),
    ]  # fmt: skip
    assert not [field.name for field in view.fields if field.name in ("path", "default") and field.priority]


@pytest.fixture
def nicamon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """The command line over a database with the same rows."""
    store = Store(f"sqlite:///{tmp_path}/nicamon.db", PROBES)
    store.create()
    for name, version in (("nc2", "6.22.08"), ("nc3", "6.22.08"), ("nc4", "6.30.04")):
        asked(store, f"{name}.jinr.ru", package("ROOT", version))
    store.engine.dispose()
    (tmp_path / "inventory.toml").write_text(INVENTORY)
    (tmp_path / "nicamon.toml").write_text(f'database = "sqlite:///{tmp_path}/nicamon.db"\n')
    monkeypatch.setenv("NICAMON_CONFIG", str(tmp_path / "nicamon.toml"))
    return CliRunner()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("diff nc2 nc4", "/opt/root/6.30.04  none     6.30.04"),
        ("diff @old nc4", "nc[2-3]  6.22.08"),
        ("diff root", "2 versions"),
        ("diff ROOT nc4 -n nc[2-3]", "! 6.22.08  nc[2-3]"),
        ("diff KERNEL", "5.14.0"),
        ("software", "4 nodes: 2 alike, 1 differ, 1 unknown"),
        ("packages --csv", "nc4.jinr.ru,ROOT,/opt/root/6.30.04,6.30.04,folder"),
    ],
)
def test_the_words_of_the_command(nicamon: CliRunner, words: str, expected: str) -> None:
    done = nicamon.invoke(command, ["show", *words.split()])
    assert done.exit_code == 0, done.output
    assert expected in done.output


@pytest.mark.parametrize(
    ("words", "reason", "hint"),
    [
        ("rot", "'rot' is neither a node nor a package that some node has", "did you mean 'ROOT'?"),
        ("nc6", "'nc6' is neither a node nor a package that some node has", "did you mean 'nc5' or 'nc4'?"),
        ("nc2", "'nc2' is compared with which node?", "for example: nicamon show diff nc2 nc10"),
        ("nc2 nc2", "nc2.jinr.ru would be compared with itself", ""),
        ("nc2 @old", "'@old' names 4 nodes", "the second is one node; write the several first"),
        ("@new nc2", "unknown group @new", "known groups: @all, @old"),
        ("ROOT nc77", "not in the inventory: nc77", "see: nicamon nodes"),
    ],
)
def test_errors_say_what_is_meant(nicamon: CliRunner, words: str, reason: str, hint: str) -> None:
    done = nicamon.invoke(command, ["show", "diff", *words.split()])
    error: Any = done.exception
    assert (error.what, error.exit_code) == (reason, 2)
    assert error.hint == hint
