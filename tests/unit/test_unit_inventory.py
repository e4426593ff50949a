"""Inventory files: what they give, and errors that say where and what."""

from __future__ import annotations

from pathlib import Path

import pytest

from nicassh.inventory import Inventory, load
from nicassh.model.errors import InventoryError

HEAD = '[defaults]\nuser = "nicamon"\nssh_config = "none"\n\n'


def read(folder: Path, text: str, name: str = "inventory.toml") -> Inventory:
    file = folder / name
    file.write_text(HEAD + text)
    return load([file])


def addresses(inventory: Inventory) -> dict[str, str]:
    return {name: node.address for name, node in inventory.nodes.items()}


@pytest.mark.parametrize(
    ("names", "address", "pairs"),
    [
        ("nc[2-4]", "10.0.0.[2-4]", {"nc2": "10.0.0.2", "nc3": "10.0.0.3", "nc4": "10.0.0.4"}),
        ("nc[7,5-6]", "10.0.0.[1,3,2]", {"nc7": "10.0.0.1", "nc5": "10.0.0.3", "nc6": "10.0.0.2"}),
        ("b,a", "10.0.0.[9,8]", {"b": "10.0.0.9", "a": "10.0.0.8"}),
        ("nc[08-10]", "10.0.0.[8-10]", {"nc08": "10.0.0.8", "nc09": "10.0.0.9", "nc10": "10.0.0.10"}),
        ("r[1-2]n[1-2]", "h[1-4]", {"r1n1": "h1", "r1n2": "h2", "r2n1": "h3", "r2n2": "h4"}),
        ("v6", "fd00::2", {"v6": "fd00::2"}),
        ("x", "nc2.jinr.ru", {"x": "nc2.jinr.ru"}),
    ],
)
def test_names_and_addresses_pair_in_the_order_written(
    tmp_path: Path, names: str, address: str, pairs: dict[str, str]
) -> None:
    found = read(tmp_path, f'[[nodes]]\nnames = "{names}"\naddress = "{address}"\n')
    assert addresses(found) == pairs


def test_defaults_entries_and_paths(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        '[[nodes]]\nnames = "nc2"\n\n'
        '[[nodes]]\nnames = "nc3"\nuser = "root"\nport = 2222\nrole = "batch"\ngroups = ["a", "b"]\n'
        'identity = ["key", "/etc/key"]\nknown_hosts = "hosts"\ntransport = "local"\n',
    )
    first, second = found.nodes["nc2"], found.nodes["nc3"]
    assert (first.user, first.port, first.address, first.identity) == ("nicamon", 22, "nc2", ())
    assert (second.user, second.port, second.role, second.transport) == ("root", 2222, "batch", "local")
    assert second.identity == (tmp_path / "key", Path("/etc/key"))
    assert second.known_hosts == (tmp_path / "hosts",)
    assert found.groups() == {"a": ["nc3"], "b": ["nc3"], "batch": ["nc3"]}
    assert found.roles() == {"batch": ["nc3"]}


def test_short_names_that_are_not_unique_are_none(tmp_path: Path) -> None:
    found = read(tmp_path, '[[nodes]]\nnames = "nc2.jinr.ru,nc2.bmn.ru,nc3.jinr.ru"\n')
    assert [found.canonical(name) for name in ("nc2", "nc3", "nc3.jinr.ru", "nc4")] == [
        None, "nc3.jinr.ru", "nc3.jinr.ru", None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[nodes]]\nnames = "a"\n[[nodes]]\nnmes = "b"\n', ["line 7: [[nodes]] 2", "'nmes'", "did you mean 'names'?"]),
        ("[[nodes]]\nnames = 5\n", ["line 5: [[nodes]] 1", "names = 5", "a text"]),
        ('[[nodes]]\nnames = "a"\nport = "22"\n', ["port = '22'", "a whole number"]),
        ('[[nodes]]\nnames = "a"\nport = true\n', ["port = True", "a whole number"]),
        ('[[nodes]]\nnames = "a"\nport = 70000\n', ["port 70000", "65535"]),
        ('[[nodes]]\nnames = "a"\ngroups = "x"\n', ["groups = 'x'", "a list"]),
        ('[[nodes]]\nnames = "a"\ngroups = ["x y"]\n', ["'x y'", "group"]),
        ('[[nodes]]\nnames = "a"\nrole = "@x"\n', ["'@x'", "role"]),
        ('[[nodes]]\nnames = "a"\ntransport = "telnet"\n', ["'telnet'", "libssh2", "local"]),
        ('[[nodes]]\nnames = "nc[2-"\n', ["line 5: [[nodes]] 1", "names = 'nc[2-'"]),
        ('[[nodes]]\nnames = "-oProxyCommand=x"\n', ["'-oProxyCommand=x'", "letters"]),
        ('[[nodes]]\nnames = "a"\naddress = "-x"\n', ["address '-x'"]),
        ('[[nodes]]\nnames = "@all"\n', ["names"]),
        ('[[nodes]]\naddress = "10.0.0.1"\n', ["`names` is missing"]),
        ('[[nodes]]\nnames = "a[1-3]"\naddress = "10.0.0.[1-2]"\n', ["3 names and 2 addresses"]),
        ('[[nodes]]\nnames = "a,a"\n', ["node a", "twice"]),
        ('[[node]]\nnames = "a"\n', ["'node'", "did you mean 'nodes'?"]),
        ('nodes = ["a"]\n', ["is not a table"]),
        ("nodes = 3\n", ["nodes = 3", "a list"]),
        ("[[nodes]\n", ["line 5"]),
        ("", ["no nodes"]),
    ],
)
def test_errors_name_the_place_the_key_and_the_way_out(tmp_path: Path, text: str, words: list[str]) -> None:
    head = HEAD.replace("\n\n", "\n") if text.startswith("nodes") else HEAD
    file = tmp_path / "inventory.toml"
    file.write_text(text + head if text.startswith("nodes") else head + text)
    with pytest.raises(InventoryError) as caught:
        load([file])
    said = f"{caught.value.what} {caught.value.hint}"
    assert not [word for word in words if word not in said], said
    assert text == "" or "inventory.toml" in said


def test_errors_in_the_defaults_name_them(tmp_path: Path) -> None:
    file = tmp_path / "farm.toml"
    file.write_text('[defaults]\nusr = "x"\n')
    with pytest.raises(InventoryError, match=r"farm.toml: \[defaults\]: unknown key 'usr'"):
        load([file])


def test_several_files_and_their_clash(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[[nodes]]\nnames = "nc[2-3]"\nssh_config = "none"\n')
    (tmp_path / "b.toml").write_text('[[nodes]]\nnames = "nc[3-4]"\nssh_config = "none"\n')
    with pytest.raises(InventoryError, match=r"b.toml: node nc3 is described twice"):
        load([tmp_path / "a.toml", tmp_path / "b.toml"])
    with pytest.raises(InventoryError, match=r"c.toml: No such file"):
        load([tmp_path / "c.toml"])


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InventoryError, match=r"x.toml"):
        load([tmp_path / "x.toml"])


@pytest.mark.parametrize(
    ("names", "address", "pairs"),
    [
        (
            "rack[1-2]n[1-2]",
            "10.64.[2,1].[1-2]",
            {"rack1n1": "10.64.2.1", "rack1n2": "10.64.2.2", "rack2n1": "10.64.1.1", "rack2n2": "10.64.1.2"},
        ),
        ("r[2,1]n[2,1]", "h[1-4]", {"r2n2": "h1", "r2n1": "h2", "r1n2": "h3", "r1n1": "h4"}),
        ("b[1-2],a[1-2]", "10.[1-2].0.[4,3]", {"b1": "10.1.0.4", "b2": "10.1.0.3", "a1": "10.2.0.4", "a2": "10.2.0.3"}),
        ("n[0-8/4]", "h[09-11]", {"n0": "h09", "n4": "h10", "n8": "h11"}),
        ("n[10,9]x[1]", "h[10,9]", {"n10x1": "h10", "n9x1": "h9"}),
        (
            "n[1-2]-[1-2]",
            "fd00::[4,3,2,1]",
            {"n1-1": "fd00::4", "n1-2": "fd00::3", "n2-1": "fd00::2", "n2-2": "fd00::1"},
        ),
    ],
)
def test_several_brackets_pair_as_written(tmp_path: Path, names: str, address: str, pairs: dict[str, str]) -> None:
    """Sorted, a node would get the address of another, and its data would stand under a wrong name."""
    found = read(tmp_path, f'[[nodes]]\nnames = "{names}"\naddress = "{address}"\n')
    assert addresses(found) == pairs


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('names = "n[1-4]!n3"\naddress = "h[1-3]"', ["n[1-4]!n3", "order", "write them out"]),
        ('names = "r[1-2]n[1-2]"\naddress = "10.0.0.[1-3]"', ["4 names and 3 addresses"]),
        ('names = "nc[1-200000000]"', ["names = 'nc[1-200000000]'", "65536"]),
        ('names = "n[1-999]x[1-999]"', ["65536"]),
        ('names = "n[1-99999999999999999999999999]"', ["65536"]),
        ('names = "n1"\naddress = "10.0.0.[1-200000000]"', ["address", "65536"]),
        ('names = "n[1-2"', ["n[1-2", "bracket"]),
        ('names = "n1"\naddress = "[::1]:22"', ["'[::1]:22'", "port = 2222"]),
        ('names = "n1"\naddress = "10.0.0.1:22"', ["'10.0.0.1:22'", "port = 2222"]),
        ('names = "n1"\naddress = "fe80::1"', ["line 5", "'fe80::1'", "interface", "fe80::1%eth0"]),
        ('names = "n1"\naddress = "[FE80:0::1]"', ["interface", "fe80::1%eth0"]),
        ('names = "n1"\naddress = "fd00::g"', ["'fd00::g'", "IP address"]),
    ],
)
def test_what_cannot_be_paired_or_reached_is_an_error(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(InventoryError) as caught:
        read(tmp_path, f"[[nodes]]\n{text}\n")
    said = f"{caught.value.what} {caught.value.hint}"
    assert not [word for word in ["inventory.toml", "[[nodes]] 1", *words] if word not in said], said


def test_a_set_with_operators_is_taken_where_no_addresses_pair_with_it(tmp_path: Path) -> None:
    assert set(read(tmp_path, '[[nodes]]\nnames = "n[1-4]!n3"\n').nodes) == {"n1", "n2", "n4"}


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("FD00:0:0:0:0:0:0:2", "fd00::2"),
        ("fd00:0000::0002", "fd00::2"),
        ("[FD00::2]", "fd00::2"),
        ("::FFFF:10.0.0.2", "10.0.0.2"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("[FE80:0::1%eth0]", "fe80::1%eth0"),
        ("::1", "::1"),
    ],
)
def test_one_address_has_one_spelling(tmp_path: Path, written: str, address: str) -> None:
    assert addresses(read(tmp_path, f'[[nodes]]\nnames = "v6"\naddress = "{written}"\n')) == {"v6": address}


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_bytes(b'\xef\xbb\xbf[[nodes]]\nnames = "n1"\nssh_config = "none"\n')
    assert list(load([tmp_path / "x.toml"]).nodes) == ["n1"]
