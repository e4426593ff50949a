"""What an inventory leaves open comes from ssh_config; what our transport cannot follow is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from nicassh.errors import ConfigError
from nicassh.nodes import Inventory, load

CONFIG = """
Host nc2
    HostName 10.0.0.2
    User mpd
    Port 2222
    IdentityFile /etc/keys/mpd
    ConnectTimeout 7
Host jump?
    ProxyJump gate
Host command
    ProxyCommand nc %h %p
Host kerberos
    GSSAPIAuthentication yes
Host direct
    ProxyJump none
    ProxyCommand none
    GSSAPIAuthentication no
Host *
    User everyone
"""


def read(folder: Path, text: str, config: str = CONFIG) -> Inventory:
    (folder / "ssh_config").write_text(config)
    (folder / "inventory.toml").write_text('[defaults]\nssh_config = "ssh_config"\n' + text)
    return load([folder / "inventory.toml"])


def test_the_file_fills_what_is_open(tmp_path: Path) -> None:
    nodes = read(tmp_path, '[[nodes]]\nnames = "nc2,nc3"\n').nodes
    second, third = nodes["nc2"], nodes["nc3"]
    assert (second.address, second.user, second.port, second.connect_timeout) == ("10.0.0.2", "mpd", 2222, 7.0)
    assert second.identity == (Path("/etc/keys/mpd"),)
    assert (third.address, third.user, third.port, third.connect_timeout) == ("nc3", "everyone", 22, None)
    assert third.identity == ()


@pytest.mark.parametrize(("line", "only"), [("IdentitiesOnly yes", True), ("IdentitiesOnly no", False), ("", False)])
def test_other_keys_of_the_agent_may_be_kept_back(tmp_path: Path, line: str, only: bool) -> None:
    (node,) = read(tmp_path, '[[nodes]]\nnames = "nc2"\n', f"Host nc2\n    {line}\n").nodes.values()
    assert node.identities_only is only


def test_the_inventory_wins(tmp_path: Path) -> None:
    text = '[[nodes]]\nnames = "nc2"\naddress = "nc2.jinr.ru"\nuser = "root"\nport = 22\nidentity = "key"\n'
    (node,) = read(tmp_path, text).nodes.values()
    assert (node.address, node.user, node.port, node.identity) == ("nc2.jinr.ru", "root", 22, (tmp_path / "key",))


@pytest.mark.parametrize(
    ("name", "needs"),
    [
        ("jump1", "ProxyJump"),
        ("command", "ProxyCommand"),
        ("kerberos", "GSSAPIAuthentication"),
        ("direct", ""),
        ("nc2", ""),
    ],
)
def test_needs(tmp_path: Path, name: str, needs: str) -> None:
    (node,) = read(tmp_path, f'[[nodes]]\nnames = "{name}"\n').nodes.values()
    assert node.needs == needs


@pytest.mark.parametrize(
    ("written", "seconds"), [("7", 7), ("1m30s", 90), ("2h", 7200), ("none", None), ("0", None), ("soon", None)]
)
def test_times(tmp_path: Path, written: str, seconds: float | None) -> None:
    (node,) = read(tmp_path, '[[nodes]]\nnames = "a"\n', f"Host a\n    ConnectTimeout {written}\n").nodes.values()
    assert node.connect_timeout == seconds


def test_this_machine_has_no_address(tmp_path: Path) -> None:
    (node,) = read(tmp_path, '[[nodes]]\nnames = "nc2"\ntransport = "local"\n').nodes.values()
    assert (node.address, node.needs) == ("", "")


@pytest.mark.parametrize("line", ['ssh_config = "none"', 'ssh_config = "missing"'])
def test_no_file_is_asked(tmp_path: Path, line: str) -> None:
    (node,) = read(tmp_path, f'[[nodes]]\nnames = "nc2"\n{line}\n').nodes.values()
    assert (node.address, node.user, node.port, node.needs) == ("nc2", None, 22, "")


@pytest.mark.parametrize("config", ["Host x\n    Match\n", "Host nc2\n    Port many\n", 'Host "open\n'])
def test_a_broken_file_is_named(tmp_path: Path, config: str) -> None:
    with pytest.raises(ConfigError, match="ssh_config"):
        read(tmp_path, '[[nodes]]\nnames = "nc2"\n', config)


def test_included_files_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh" / "more").mkdir(parents=True)
    (tmp_path / ".ssh" / "more" / "jump.conf").write_text("Host nc2\n    ProxyJump gate\n    HostName 10.0.0.9\n")
    (node,) = read(tmp_path, '[[nodes]]\nnames = "nc2"\n', "Include more/*.conf\n").nodes.values()
    assert (node.address, node.needs) == ("10.0.0.9", "ProxyJump")


def test_a_file_that_includes_itself_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Include goes deeper"):
        read(tmp_path, '[[nodes]]\nnames = "nc2"\n', f"Include {tmp_path}/ssh_config\n")


@pytest.mark.parametrize(
    "line", ["Match tagged foo", "Match localnetwork 10.0.0.0/8", "match host nc2 sessiontype exec"]
)
def test_a_match_that_cannot_be_judged_is_an_error(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigError, match="cannot be judged"):
        read(tmp_path, '[[nodes]]\nnames = "nc2"\n', f"{line}\n    User x\n")


def test_a_match_by_host_holds_for_it_alone(tmp_path: Path) -> None:
    config = "Match host nc3\n    User x\nMatch all\n    Port 24\n"
    (node,) = read(tmp_path, '[[nodes]]\nnames = "nc2"\n', config).nodes.values()
    assert (node.user, node.port) == (None, 24)
