"""Node expressions: set algebra over names, groups, roles and ClusterShell's own group sources."""

from __future__ import annotations

from pathlib import Path

import pytest
from ClusterShell.NodeSet import NodeSet
from hypothesis import given
from hypothesis import strategies as st

from nicassh.inventory import Inventory, Node, complete, fold, natural, select, too_large
from nicassh.model.errors import InventoryError
from nicassh.query.batch import expand


def node(name: str, role: str = "", *groups: str) -> Node:
    return Node(name, name, role=role, groups=groups)


FARM = Inventory(
    {
        one.name: one
        for one in (
            *(node(f"nc{number}.jinr.ru", "batch", "old" if number < 5 else "new") for number in (10, 2, 3, 4, 9)),
            node("ui1.jinr.ru", "interactive", "new"),
            node("ui1.bmn.ru", "interactive"),
            node("se1.jinr.ru", "storage"),
        )
    }
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without any groups.conf of the person who runs the tests."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "CLUSTERSHELL_CFGDIR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def names(expression: str) -> str:
    return " ".join(one.name.removesuffix(".jinr.ru") for one in select(FARM, expression))


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("", "nc2 nc3 nc4 nc9 nc10 se1 ui1.bmn.ru ui1"),
        ("nc2.jinr.ru", "nc2"),
        ("nc2", "nc2"),
        ("nc[2-4]", "nc2 nc3 nc4"),
        ("nc10,nc2", "nc2 nc10"),
        ("nc10 nc2", "nc2 nc10"),
        ("nc2,nc2.jinr.ru", "nc2"),
        ("@old", "nc2 nc3 nc4"),
        ("@batch!@old", "nc9 nc10"),
        ("@batch!nc9", "nc2 nc3 nc4 nc10"),
        ("@batch & @new", "nc9 nc10"),
        ("@new^@batch", "nc2 nc3 nc4 ui1"),
        ("@role:interactive", "ui1.bmn.ru ui1"),
        ("@*", "nc2 nc3 nc4 nc9 nc10 se1 ui1.bmn.ru ui1"),
        ("@all!@batch", "se1 ui1.bmn.ru ui1"),
        ("nc*", "nc2 nc3 nc4 nc9 nc10"),
        ("nc?", "nc2 nc3 nc4 nc9"),
        ("*.bmn.ru", "ui1.bmn.ru"),
        ("nc*!nc[2-4]", "nc9 nc10"),
        ("nc[2-4,9]!nc3,se1", "nc2 nc4 nc9 se1"),
    ],
)
def test_expressions(expression: str, found: str) -> None:
    assert names(expression) == found


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("@nope", ["unknown group @nope", "@batch", "@old", "@new", "@interactive"]),
        ("@role:nope", ["unknown group @role:nope", "@role:batch", "@role:storage"]),
        ("@where:nope", ["unknown group source 'where'", "@role:…"]),
        ("nc11", ["not in the inventory: nc11", "did you mean 'nc10'?"]),
        ("nc[2-4,77-78]", ["not in the inventory: nc[77-78]"]),
        ("ui1", ["not in the inventory: ui1"]),
        ("zz*", ["no node matches 'zz*'"]),
        ("nc[2-", ["'nc[2-'"]),
        ("@batch!@batch", ["'@batch!@batch' selects no node"]),
        ("nc2!nc2", ["selects no node"]),
    ],
)
def test_errors(expression: str, words: list[str]) -> None:
    with pytest.raises(InventoryError) as caught:
        select(FARM, expression)
    said = f"{caught.value.what} {caught.value.hint}"
    assert not [word for word in words if word not in said], said


@pytest.mark.parametrize("expression", ["nc[1-200000000]", "nc2.jinr.ru,n[1-9999]x[1-9999]", "@batch!nc[0-999999999]"])
def test_a_set_that_no_farm_is_as_large_as_is_refused_at_once(expression: str) -> None:
    with pytest.raises(InventoryError, match="65536"):
        select(FARM, expression)


@pytest.mark.parametrize("variable", ["HOME", "XDG_CONFIG_HOME", "CLUSTERSHELL_CFGDIR"])
def test_group_sources_of_clustershell(home: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    place = {"HOME": ".config/clustershell", "XDG_CONFIG_HOME": "xdg/clustershell", "CLUSTERSHELL_CFGDIR": "cfg"}
    monkeypatch.setenv(variable, {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "xdg")}.get(variable, f"{home}/cfg"))
    folder = home / place[variable]
    folder.mkdir(parents=True)
    (folder / "groups.conf").write_text(
        "[Main]\ndefault: racks\n\n[racks]\n"
        'map: case $GROUP in a) echo "nc[2-3].jinr.ru" ;; b) echo elsewhere ;; esac\nlist: echo a b\n'
    )
    assert names("@racks:a") == "nc2 nc3"
    assert names("@batch!@racks:a") == "nc4 nc9 nc10"
    assert names("@old") == "nc2 nc3 nc4", "the inventory stays the default source"
    with pytest.raises(InventoryError, match="not in the inventory: elsewhere"):
        select(FARM, "@racks:b")
    with pytest.raises(InventoryError, match="unknown group @racks:c"):
        select(FARM, "@racks:c")


def test_fold_and_completion() -> None:
    assert fold(["nc3.jinr.ru", "nc2.jinr.ru", "nc9.jinr.ru"]) == "nc[2-3,9].jinr.ru"
    assert complete(FARM, "@r") == ["@role:batch", "@role:interactive", "@role:storage"]
    assert complete(FARM, "nc1") == ["nc10.jinr.ru"]


def test_natural_order() -> None:
    mixed = ["nc10", "nc2", "b", "2", "nc2a", "nc", "10", "NC1", "²", "nc٣"]
    assert sorted(mixed, key=natural) == ["2", "10", "NC1", "b", "nc", "nc2", "nc2a", "nc٣", "nc10", "²"]


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_two_texts_have_an_order(one: str, other: str) -> None:
    assert (natural(one) < natural(other)) + (natural(other) < natural(one)) + (natural(one) == natural(other)) == 1


@given(st.text(), st.integers(0), st.integers(0), st.text())
def test_numbers_in_texts_are_ordered_as_numbers(before: str, one: int, other: int, after: str) -> None:
    before, after = f"{before}-", f"-{after}"
    assert (natural(f"{before}{one}{after}") < natural(f"{before}{other}{after}")) == (one < other)


@given(st.lists(st.from_regex(r"[a-z]{0,2}[0-9]{1,3}[a-z]?(-n[0-9]{1,2})?(\.x)?", fullmatch=True)))
def test_folding_is_that_of_clustershell_name_by_name(names: list[str]) -> None:
    assert fold(names) == str(NodeSet.fromlist(names))


@pytest.mark.parametrize("nodes", ["nc[1-200000000]", "r[1-9999]n[1-9999]", "n[0-9]" * 9, "n[1-" + "9" * 5000 + "]"])
def test_a_set_from_a_node_that_is_too_large_stays_a_text(nodes: str) -> None:
    assert too_large(nodes)
    assert expand(nodes) == (nodes,)
