"""Ten good nodes and every way in which a node can fail: all at once, within the deadline, nothing lost."""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from program import Program, add_probe
from sshd import generate, serve

import needs
from nicassh import demo
from nicassh.demo.farm import Farm

DEADLINE = 8
PROBE = """case $(cat /proc/sys/kernel/hostname) in
nc12.*) echo some; sleep 1; kill -9 $PPID; sleep 60 ;;
nc13.*) sleep 600 ;;
nc14.*) yes ;;
esac
echo fine
"""
# Node to the state of its login and of the probe `fault`, and words that its reason must have.
EXPECTED = {
    "refused": ("refused", "refused", "nothing listens on port 1"),
    "noroute": ("unreachable", "unreachable", "no route to the host"),
    "dropped": ("unreachable", "unreachable", "no answer to the connection"),
    "silent": ("timeout", "timeout", "no SSH greeting"),
    "kex": ("timeout", "timeout", "key exchange did not finish"),
    "auth": ("timeout", "timeout", "authentication did not finish"),
    "denied": ("auth_failed", "auth_failed", "was refused"),
    "unknown": ("host_key_unknown", "host_key_unknown", "SHA256:"),
    "changed": ("host_key_changed", "host_key_changed", "SHA256:"),
    "killed": ("truncated", "truncated", "connection was lost"),
    "hanging": ("ok", "timeout", "ran longer than its 2 s"),
    "endless": ("ok", "truncated", "more than 2.0 M"),
}


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """Nodes nc2 to nc16."""
    needs.root()
    folder = tmp_path_factory.mktemp("crowd") / "demo"
    with needs.machine():
        farm = demo.up(folder, 15)
    yield farm
    with needs.machine():
        demo.down(folder)


@pytest.fixture
def nicamon(crowd: Farm, tmp_path: Path) -> Iterator[Program]:
    """The program with an inventory of ten good nodes and one of each fault, and a probe of the site's own."""
    with ExitStack() as servers:
        (tmp_path / "inventory.toml").write_text(_inventory(crowd, tmp_path, servers))
        config = tmp_path / "nicamon.toml"
        config.write_text(
            f'database = "sqlite:///{tmp_path}/nicamon.db"\ninventory = ["inventory.toml"]\n'
            f"connect_timeout = 5\ntimeout = {DEADLINE}\n"
        )
        add_probe(Program(config), "fault", PROBE, 2)
        yield Program(config)


def test_every_fault_has_its_own_words_and_good_nodes_are_stored(nicamon: Program) -> None:
    begin = time.monotonic()
    nicamon("collect", "--now", "-n", "good1")
    start = time.monotonic()
    done = nicamon("collect", "--now", code=1)
    # The deadline and a second; where other tests run beside it, also what a collection takes there anyway.
    beside = 2 * (start - begin) if "PYTEST_XDIST_WORKER" in os.environ else 0
    assert time.monotonic() - start < DEADLINE + 1 + beside
    outcomes = {(row["node"], row["probe"]): row for row in nicamon.rows("show", "outcomes")}
    for node, (login, fault, words) in EXPECTED.items():
        assert outcomes[node, "login"]["state"] == login, outcomes[node, "login"]
        assert outcomes[node, "fault"]["state"] == fault, outcomes[node, "fault"]
        assert words in outcomes[node, "fault"]["reason"]
        assert node in done.stderr
    said = {
        (outcomes[node, "fault"]["state"], re.sub("SHA256.*", "", outcomes[node, "fault"]["reason"]))
        for node in EXPECTED
    }
    assert len(said) == len(EXPECTED)
    good = nicamon.rows("show", "farm", "--filter", "node ~ ^good")
    assert [row["state"] for row in good] == ["up"] * 10
    assert all(row["load1"] is not None and row["activity"] and row["os"] for row in good)
    assert len(nicamon.rows("show", "fault")) == 10


def test_sections_that_came_whole_survive_what_happened_after(nicamon: Program) -> None:
    nicamon("collect", "--now", code=1)
    rows = {row["node"]: row for row in nicamon.rows("show", "farm")}
    for node in ("killed", "hanging", "endless"):
        assert rows[node]["load1"] is not None
        assert rows[node]["memory_available"] is not None
    assert rows["killed"]["state"] == "down"
    assert rows["hanging"]["state"] == "up"
    assert rows["hanging"]["reason"] == "fault timeout: ran longer than its 2 s"
    assert rows["refused"]["load1"] is None
    table = nicamon("show", "farm").stdout
    assert "good[1-10]" not in table.split("nodes:")[1]
    assert "refused: nothing listens on port 1" in table


def _inventory(farm: Farm, folder: Path, servers: ExitStack) -> str:
    """The text of the inventory; what plays a fault runs until the servers are closed."""
    at = {node.short: node.address for node in farm.nodes}
    network = farm.nodes[0].address.rpartition(".")[0]
    known = [
        line for line in farm.known_hosts.read_text().splitlines() if not line.startswith((at["nc15"], at["nc16"]))
    ]
    generate(folder / "stranger", "ed25519")
    other = " ".join((folder / "stranger.pub").read_text().split()[:2])
    slow = servers.enter_context(
        serve(folder / "slow", "AuthorizedKeysCommand /bin/sleep 60", "AuthorizedKeysCommandUser nobody", keys=False)
    )
    known += [f"{at['nc16']} {other}", f"[127.0.0.1]:{slow.port} {slow.public()}"]
    (folder / "known_hosts").write_text("\n".join(known) + "\n")
    nodes = [
        ("refused", "127.0.0.1", 1), ("noroute", f"{network}.250", 22), ("dropped", "127.0.0.1", _full(servers)),
        ("silent", "127.0.0.1", _mute(servers, b"")), ("kex", "127.0.0.1", _mute(servers, b"SSH-2.0-none\r\n")),
        ("auth", "127.0.0.1", slow.port), ("denied", at["nc2"], 22), ("unknown", at["nc15"], 22),
        ("changed", at["nc16"], 22), ("killed", at["nc12"], 22), ("hanging", at["nc13"], 22),
        ("endless", at["nc14"], 22),
    ]  # fmt: skip
    lines = [
        f'[defaults]\nuser = "{farm.user}"\nssh_config = "none"\nidentity = "{farm.key}"\nknown_hosts = "known_hosts"',
        f'[[nodes]]\nnames = "good[1-10]"\naddress = "{network}.[2-11]"',
    ]
    for name, address, port in nodes:
        lines.append(f'[[nodes]]\nnames = "{name}"\naddress = "{address}"\nport = {port}')
        lines += {"denied": ['identity = "stranger"'], "auth": ['user = "root"']}.get(name, [])
    return "\n".join(lines) + "\n"


def _mute(servers: ExitStack, greeting: bytes) -> int:
    """The port of a server that accepts, says its greeting and no more."""
    listener = servers.enter_context(socket.create_server(("127.0.0.1", 0)))

    def serve_all() -> None:
        while True:
            try:
                peer = listener.accept()[0]
            except OSError:
                return
            peer.sendall(greeting)
            servers.callback(peer.close)

    threading.Thread(target=serve_all, daemon=True).start()
    servers.callback(listener.shutdown, socket.SHUT_RDWR)
    return int(listener.getsockname()[1])


def _full(servers: ExitStack) -> int:
    """The port of a listener whose backlog is full, so that the kernel drops every further SYN."""
    listener = servers.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
    for _ in range(4):
        client = servers.enter_context(socket.socket())
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
    time.sleep(0.1)
    return int(listener.getsockname()[1])
