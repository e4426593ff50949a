"""What an inventory leaves open comes from ssh_config; what our transport cannot follow is named."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from nicassh.inventory import Inventory, load

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


def test_included_files_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh" / "more").mkdir(parents=True)
    (tmp_path / ".ssh" / "more" / "jump.conf").write_text("Host nc2\n    ProxyJump gate\n    HostName 10.0.0.9\n")
    (node,) = read(tmp_path, '[[nodes]]\nnames = "nc2"\n', "Include more/*.conf\n").nodes.values()
    assert (node.address, node.needs) == ("10.0.0.9", "ProxyJump")


def doubts(folder: Path, config: str, *names: str, more: str = "") -> dict[str, str]:
    """What is not clear of each of these nodes."""
    nodes = read(folder, f'[[nodes]]\nnames = "{",".join(names)}"\n{more}', config).nodes
    return {name: node.doubt for name, node in nodes.items()}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("Host *\n    Match\n    User x\n", "line 2: Match without a criterion"),
        ("Host nc2\n    Port many\n", "Port many is not between 1 and 65535"),
        ("Host nc2\n    Port 70000\n", "Port 70000 is not between 1 and 65535"),
        ('Host nc2\n    User "open\n', "line 2: its quotes do not close"),
        ("Host nc2\n    User a b\n", "line 2: user takes one word"),
        ("Host nc2\n    User # who?\n", "line 2: nothing stands behind"),
        ("Host\n    User x\n", "line 1: nothing stands behind"),
        ("Host nc2\n    HostName -oProxyCommand=x\n", "neither a name nor an IP address"),
        ("Host nc2\n    HostName %z.x\n", "'z' has no value here"),
        ("Host nc2\n    HostName fe80::1\n", "fe80::1%eth0"),
        ("Host nc2\n    IdentityFile ${NO_SUCH_VARIABLE}/k\n", "'${NO_SUCH_VARIABLE}' has no value here"),
        ("Host nc2\n    IdentityFile /k/%Z\n", "'Z' has no value here"),
        ("Match localnetwork 10.0.0.0/8\n    User x\n", "line 1: Match localnetwork cannot be judged here"),
        ("Match host nc2 version OpenSSH*\n    User x\n", "Match version cannot be judged here"),
        ("Match host\n    User x\n", "nothing stands behind 'host'"),
        ("Match all host nc2\n    User x\n", "'all' stands alone"),
        ("Match nonsense nc2\n    ProxyJump x\n", "Match nonsense cannot be judged here"),
        ("Include {folder}/ssh_config\n", "Include goes deeper"),
        ("Host nc2\n    Include {folder}/ssh_config\n", "Include goes deeper"),
        ("Include {folder}/open\n", "others may write it"),
        ("Include {folder}/pipe\n", "it is no ordinary file"),
        ("Host nc2\n    AddressFamily ipx\n", "AddressFamily ipx is none of any, inet, inet6"),
        ("Host nc2\n    BindAddress eth0\n", "BindAddress eth0 is no IP address"),
        ("Match exec true\nHostName 10.0.0.9\nMatch all\nHostName 10.0.0.8\n", "Match exec is not executed"),
        ("Host nc2\nInclude {folder}/exec\n", "Match exec is not executed"),
    ],
)
def test_what_is_not_understood_is_a_doubt_of_the_node(tmp_path: Path, config: str, words: str) -> None:
    """Never an error: the other nodes of the farm are asked."""
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "open").write_text("User x\n")
    (tmp_path / "open").chmod(0o666)
    (tmp_path / "exec").write_text("Match exec true\n    User x\n")
    (tmp_path / "exec").chmod(0o600)
    found = doubts(tmp_path, config.replace("{folder}", str(tmp_path)), "nc2")
    assert words in found["nc2"]


EXEC = """
Host nc2
    HostName 10.64.2.10
Match host nosuch exec "touch {folder}/ran"
    User other
Match exec "touch {folder}/ran" host nc3
    User other
Match host nc4 exec "touch {folder}/ran"
    ForwardAgent yes
Match host nc5 !exec "touch {folder}/ran"
    ProxyJump gate
Match host nc6 exec "touch {folder}/ran"
    ConnectTimeout 3
"""


def test_match_exec_is_not_executed_and_only_its_hosts_are_in_doubt(tmp_path: Path) -> None:
    config = EXEC.replace("{folder}", str(tmp_path))
    found = doubts(tmp_path, config, *(f"nc{number}" for number in range(2, 7)))
    assert {name for name, doubt in found.items() if doubt} == {"nc3", "nc5"}
    assert f"{tmp_path}/ssh_config, line 6: Match exec is not executed" in found["nc3"]
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "more",
    [
        'user = "mpd"',
        'known_hosts = "k"\nuser = "mpd"',
        'user = "mpd"\nidentity = "k"\naddress = "10.0.0.1"\nport = 22',
    ],
)
def test_what_the_inventory_says_is_not_in_doubt(tmp_path: Path, more: str) -> None:
    assert doubts(tmp_path, "Match exec true\n    User x\n", "nc2", more=more + "\n") == {"nc2": ""}


def test_a_line_before_an_unclear_one_decides(tmp_path: Path) -> None:
    config = "Host nc2\n    User mpd\nMatch exec true\n    User x\nMatch all\n    User y\n"
    assert [bool(doubt) for doubt in doubts(tmp_path, config, "nc2", "nc3").values()] == [False, True]


CASES = {
    "a comment behind values": (
        "Host nc2 # Bob's server\n  HostName 10.64.2.10 # rack 3\n  Port 2222 # odd\n  User nicamon # the account\n"
        "  IdentityFile /srv/case/keys/ed # key\n",
        ("10.64.2.10", 2222, "nicamon", (Path("/srv/case/keys/ed"),)),
    ),
    "an Include that ends in a Host": (
        "Include {folder}/gw.conf\nUser nicamon\nHost nc2\n  HostName 10.64.2.10\n",
        ("10.64.2.10", 22, "nicamon", ()),
    ),
    "an Include of no file": ("Include {folder}/none.conf # Bob's\nHost nc2\n  User x\n", ("nc2", 22, "x", ())),
    "a quote in a name": ("Include {folder}/it's.conf\nHost nc2\n  User x\n", ("nc2", 22, "x", ())),
    "a quote in a file that is there": ("Include {folder}/bob's.conf\n", ("nc2", 22, "bob", ())),
    "latin-1 in a comment": ("Host nc2\n  # r\udce9seau\n  HostName 10.64.2.10\n", ("10.64.2.10", 22, None, ())),
    "the second reading": (
        "Host nc2\n  HostName 10.64.2.10\nMatch final all\n  User late\n", ("10.64.2.10", 22, "late", ()),
    ),
    "a byte order mark": ("\ufeffHost nc2\n  User x\n", ("nc2", 22, "x", ())),
    "another line separator": ("# a\u2028User x\n# b\x0cUser x\x85User x\nPort 24\n", ("nc2", 24, None, ())),
    "newer criteria": (
        "Match tagged farm\n  Port 1\nMatch sessiontype exec\n  User x\n  Tag farm\nMatch tagged f*\n  Port 24\n",
        ("nc2", 24, "x", ()),
    ),
    "an unknown option": ("NoSuchOption yes\nHost nc2\n  User x\n", ("nc2", 22, "x", ())),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_file_that_was_misread(tmp_path: Path, name: str) -> None:
    config, expected = CASES[name]
    for file, text in (("gw.conf", "Host gw\n  HostName 10.64.2.99\n  Port 2222\n"), ("bob's.conf", "User bob\n")):
        (tmp_path / file).write_text(text)
        (tmp_path / file).chmod(0o600)
    (tmp_path / "ssh_config").write_bytes(config.replace("{folder}", str(tmp_path)).encode("utf-8", "surrogateescape"))
    (tmp_path / "inventory.toml").write_text('[[nodes]]\nnames = "nc2"\nssh_config = "ssh_config"\n')
    node = load([tmp_path / "inventory.toml"]).nodes["nc2"]
    assert (node.address, node.port, node.user, node.identity) == expected
    assert node.doubt == ""


@pytest.mark.parametrize(
    ("config", "family", "bound"),
    [
        ("", "", ""),
        ("AddressFamily any\n", "", ""),
        ("AddressFamily inet6\n", "inet6", ""),
        ("BindAddress FD00:0::1\n", "inet6", "fd00::1"),
        ("BindAddress 10.0.0.1\n", "inet", "10.0.0.1"),
    ],
)
def test_the_way_to_a_node(tmp_path: Path, config: str, family: str, bound: str) -> None:
    (node,) = read(tmp_path, '[[nodes]]\nnames = "nc2"\n', config).nodes.values()
    assert (node.family, node.bind_address, node.doubt) == (family, bound, "")


def test_known_hosts_that_cannot_be_read_are_passed_over_as_ssh_does(tmp_path: Path) -> None:
    config = f"UserKnownHostsFile {tmp_path} {tmp_path}/known_hosts\nGlobalKnownHostsFile none\n"
    (node,) = read(tmp_path, '[[nodes]]\nnames = "nc2"\n', config).nodes.values()
    assert node.known_hosts == (Path(os.devnull), tmp_path / "known_hosts")


def test_relative_includes_are_beside_the_users_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh" / "d").mkdir(parents=True)
    for name, text in (("config", "Include d/* ~/.ssh/more\n"), ("d/a", "User x\n"), ("more", "Port 24\n")):
        (tmp_path / ".ssh" / name).write_text(text)
        (tmp_path / ".ssh" / name).chmod(0o600)
    (tmp_path / "inventory.toml").write_text('[[nodes]]\nnames = "nc2"\n')
    node = load([tmp_path / "inventory.toml"]).nodes["nc2"]
    assert (node.user, node.port, node.doubt) == ("x", 24, "")
    (tmp_path / ".ssh" / "config").chmod(0o666)
    node = load([tmp_path / "inventory.toml"]).nodes["nc2"]
    assert "others may write it" in node.doubt, "ssh refuses this file, too"


def test_without_a_home_nothing_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "~nosuchuser")
    (tmp_path / "inventory.toml").write_text('[[nodes]]\nnames = "nc2"\n')
    node = load([tmp_path / "inventory.toml"]).nodes["nc2"]
    assert (node.address, node.port, node.doubt) == ("nc2", 22, "")


def test_a_name_is_made_canonical_by_the_first_domain_that_has_it(tmp_path: Path) -> None:
    config = "CanonicalizeHostname yes\nCanonicalDomains nosuch.invalid\nMatch canonical\n    User x\n"
    node = read(tmp_path, '[[nodes]]\nnames = "nc2"\n', config).nodes["nc2"]
    assert node.user == "x"
    assert node.doubt == "" or "the name servers do not answer for nc2.nosuch.invalid" in node.doubt
    (node,) = read(tmp_path, '[[nodes]]\nnames = "n9"\n', "CanonicalizeFallbackLocal no\n" + config).nodes.values()
    assert "no domain of CanonicalDomains has n9" in node.doubt or "do not answer" in node.doubt


def test_the_cost_of_a_thousand_nodes_is_small(tmp_path: Path) -> None:
    """Six hundred lines are read once, not for each node; with `ssh -G` it would be a process for each."""
    config = "".join(f"Host nc{number}\n    HostName 10.0.0.{number % 250}\n" for number in range(300))
    start = time.process_time()
    nodes = read(tmp_path, '[[nodes]]\nnames = "nc[0-999]"\n', config).nodes
    assert nodes["nc299"].address == "10.0.0.49"
    assert time.process_time() - start < 20
