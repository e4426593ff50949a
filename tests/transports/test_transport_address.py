"""Which address a node is reached at, over which kind of network, and what is said where there is no way."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from asking import ask, request
from sshd import Server, serve

import needs
from nicassh.inventory import Node, load
from nicassh.model.outcome import State
from nicassh.transport import Connections, Limits


def interfaces() -> dict[str, str]:
    """The addresses of IPv6 that this machine has, and their interfaces."""
    table = Path("/proc/net/if_inet6")
    rows = [line.split() for line in table.read_text().splitlines()] if table.exists() else []
    return {":".join(row[0][at : at + 4] for at in range(0, 32, 4)): row[5] for row in rows}


def links() -> list[tuple[str, str]]:
    """The addresses of a link with their interfaces, but those of farms: these come and go."""
    found = interfaces().items()
    return [(one, name) for one, name in found if one.startswith("fe80") and not name.startswith("nicamon")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An sshd that listens on both loopback addresses, and on one of a link where there is one."""
    addresses = [f"{address}%{interface}" for address, interface in links()]
    if "lo" not in interfaces().values():
        needs.missing("no IPv6 on the loopback interface")
    options = [f"ListenAddress {address}" for address in ("::1", *addresses[:1])]
    with serve(tmp_path_factory.mktemp("address"), *options) as running:
        yield running


def node(server: Server, folder: Path, entry: str, config: str = "") -> Node:
    """The server as an inventory and an ssh_config file describe it."""
    (folder / "ssh_config").write_text(config)
    key = server.folder / "client"
    (folder / "inventory.toml").write_text(
        f'[defaults]\nssh_config = "ssh_config"\nport = {server.port}\nidentity = "{key}"\nknown_hosts = "known"\n'
        f'[[nodes]]\nnames = "here"\n{entry}\n'
    )
    return load([folder / "inventory.toml"]).nodes["here"]


@pytest.mark.parametrize("spelling", ["::1", "[0:0::1]", "0000:0000:0000:0000:0000:0000:0000:0001"])
def test_ipv6_in_any_spelling_has_one_line_in_known_hosts(server: Server, tmp_path: Path, spelling: str) -> None:
    here = node(server, tmp_path, f'address = "{spelling}"')
    assert ask(here, "true", host_keys="accept-new").state is State.OK
    assert (tmp_path / "known").read_text().startswith(f"[here]:{server.port},[::1]:{server.port} ssh-ed25519 ")
    again = node(server, tmp_path, 'address = "0:0:0:0:0:0:0:1"')
    assert ask(again, "true").state is State.OK
    found = subprocess.run(["ssh-keygen", "-F", f"[::1]:{server.port}", "-f", tmp_path / "known"], capture_output=True)
    assert found.returncode == 0


def test_an_address_of_a_link_is_reached_through_its_interface(server: Server, tmp_path: Path) -> None:
    if not links():
        pytest.skip("no interface with a link-local address")
    address, interface = links()[0]
    here = node(server, tmp_path, f'address = "{address}%{interface}"')
    assert ask(here, "true", host_keys="accept-new").state is State.OK


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("fe80::1", "its address is link-local: write it with its interface, as fe80::1%eth0"),
        ("fe80::1%nosuch", "this host has no interface nosuch"),
    ],
)
def test_a_link_that_is_not_there_is_named(address: str, reason: str) -> None:
    response = ask(Node("here", address, user="nobody"), "true")
    assert (response.state, response.reason) == (State.UNREACHABLE, reason)


def test_the_kind_of_address_is_that_of_ssh_config(server: Server, tmp_path: Path) -> None:
    config = "Host here\n    HostName 127.0.0.1\n    AddressFamily inet6\n"
    response = ask(node(server, tmp_path, "", config), "true", host_keys="accept-new")
    assert (response.state, response.reason) == (
        State.UNREACHABLE,
        "127.0.0.1 has no IPv6 address, and ssh_config asks for one",
    )
    config = config.replace("inet6", "inet")
    assert ask(node(server, tmp_path, "", config), "true", host_keys="accept-new").state is State.OK


def test_a_node_is_reached_from_the_address_of_ssh_config(server: Server, tmp_path: Path) -> None:
    config = "HostName 127.0.0.1\nBindAddress 127.0.0.7\n"
    response = ask(node(server, tmp_path, "", config), 'echo "$SSH_CONNECTION"', host_keys="accept-new")
    assert response.output.startswith(b"127.0.0.7 ")
    response = ask(node(server, tmp_path, "", config.replace("127.0.0.7", "192.0.2.1")), "true", host_keys="accept-new")
    assert response.reason == "this host does not have the address of BindAddress, or no port is free"


def test_the_alias_of_ssh_config_is_its_name_in_known_hosts(server: Server, tmp_path: Path) -> None:
    config = "HostName 127.0.0.1\nHostKeyAlias Rack7.example\n"
    assert ask(node(server, tmp_path, "", config), "true", host_keys="accept-new").state is State.OK
    assert (tmp_path / "known").read_text().startswith("rack7.example ssh-ed25519 ")
    assert ask(node(server, tmp_path, "", config), "true").state is State.OK
    assert ask(node(server, tmp_path, "", "HostName 127.0.0.1\n"), "true").state is State.HOST_KEY_UNKNOWN


def test_a_node_in_doubt_says_so_and_the_others_are_asked(server: Server, tmp_path: Path) -> None:
    config = f'HostName 127.0.0.1\nMatch originalhost here exec "touch {tmp_path}/ran"\n    User other\n'
    (tmp_path / "ssh_config").write_text(config)
    (tmp_path / "inventory.toml").write_text(
        f'[defaults]\nssh_config = "ssh_config"\nport = {server.port}\nidentity = "{server.folder}/client"\n'
        f'known_hosts = "known"\n[[nodes]]\nnames = "here,there"\n'
    )
    nodes = load([tmp_path / "inventory.toml"]).nodes
    with Connections(Limits(timeout=10.0, host_keys="accept-new")) as connections:
        asked = [request(one, "true") for one in nodes.values()]
        responses = {response.node.name: response for response in connections.run(asked)}
    assert responses["there"].state is State.OK
    assert responses["here"].state is State.UNREACHABLE
    assert responses["here"].reason == (
        f"what ssh_config says of this node is not clear: {tmp_path}/ssh_config, line 2: Match exec is not executed"
    )
    assert not (tmp_path / "ran").exists()


def test_a_key_that_cannot_be_recorded_is_the_fault_of_its_node(server: Server, tmp_path: Path) -> None:
    """UserKnownHostsFile /dev/null is usual; a key that goes there would be accepted anew each time."""
    (tmp_path / "ssh_config").write_text("HostName 127.0.0.1\nUserKnownHostsFile /dev/null\n")
    (tmp_path / "inventory.toml").write_text(
        f'[[nodes]]\nnames = "here"\nport = {server.port}\nidentity = "{server.folder}/client"\n'
        'ssh_config = "ssh_config"\n'
    )
    here = load([tmp_path / "inventory.toml"]).nodes["here"]
    response = ask(here, "true", host_keys="accept-new")
    assert response.state is State.HOST_KEY_UNKNOWN
    assert response.reason == "its host key cannot be recorded: /dev/null: is no ordinary file"
