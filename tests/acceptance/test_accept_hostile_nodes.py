"""The program beside hostile nodes: it goes on, asks none in vain twice, and ends when it is told to."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hostile import Hostile, lurking
from program import Program
from sshd import Server, serve

import needs

PATIENCE = 5.0
"""Seconds in which the program must end."""
FLOODS = ("lines", "one line", "ignore", "debug", "unknown packets", "small ignore within")
SILENT = ("silence", "slow lines", "slow key exchange", "silent login", "silent answer", "slow answer")
GOOD = 12


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hostile]:
    """All hostile servers."""
    with lurking(tmp_path_factory.mktemp("hostile")) as servers:
        yield servers


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The sshd that plays the good nodes."""
    with serve(tmp_path_factory.mktemp("sshd")) as running:
        yield running


def program_for(folder: Path, nodes: Sequence[dict[str, Any]], **settings: object) -> Program:
    """The program with these nodes and a database of its own."""
    folder.mkdir(exist_ok=True)
    lines = ['[defaults]\nssh_config = "none"']
    for node in nodes:
        lines += ["[[nodes]]", f"names = {json.dumps(node['name'])}"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in node.items() if key != "name"]
    (folder / "inventory.toml").write_text("\n".join(lines) + "\n")
    set_to = "".join(f"{key} = {value}\n" for key, value in settings.items())
    (folder / "nicamon.toml").write_text(
        f'database = "sqlite:///{folder}/nicamon.db"\ninventory = ["inventory.toml"]\n{set_to}'
    )
    return Program(folder / "nicamon.toml")


def good_nodes(server: Server, count: int = GOOD) -> list[dict[str, Any]]:
    """Nodes of that sshd as the inventory has them."""
    node = server.node()
    files = {"identity": [str(node.identity[0])], "known_hosts": [str(node.known_hosts[0])]}
    common = {"address": "127.0.0.1", "port": node.port, "user": node.user, **files}
    return [{"name": f"good{number}", **common} for number in range(count)]


def well(program: Program) -> int:
    """How many good nodes have been collected so far."""
    shown = program("show", "outcomes", "--json", code=None).stdout
    rows = json.loads(shown)["rows"] if shown else []
    return len({row["node"] for row in rows if row["node"].startswith("good") and row["state"] == "ok"})


@pytest.mark.parametrize("command", [("collect", "--now"), ("daemon", "--processes", "1")])
def test_sigterm_ends_it_soon_beside_hostile_nodes(
    server: Server, hostile: Hostile, tmp_path: Path, command: tuple[str, ...]
) -> None:
    nodes = [hostile.node(kind) for kind in (*FLOODS, *SILENT)]
    names = [{**node, "name": node["name"].replace(" ", "-")} for node in nodes]
    took = []
    while not took or (took[0] > PATIENCE and len(took) < 2):  # once more where the machine itself was busy
        program = program_for(tmp_path / f"{len(took)}", [*names, *good_nodes(server)], timeout=50, connect_timeout=50)
        with program.running(*command) as process:
            end = time.monotonic() + 60
            while well(program) < GOOD:
                assert time.monotonic() < end, "good nodes are held up"
                assert process.poll() is None
            begin = time.monotonic()
            process.terminate()
            process.wait(60)
            took.append(time.monotonic() - begin)
    assert took[-1] < PATIENCE


def test_node_that_drips_is_asked_once(server: Server, hostile: Hostile, tmp_path: Path) -> None:
    """Not once for each class: the others of its probes wait until the cheapest has been answered."""
    drips = {**hostile.node("slow answer"), "name": "drips"}
    before = hostile.asked("slow answer")
    program = program_for(tmp_path, [drips, *good_nodes(server)], timeout=5)
    program("collect", code=1)
    assert hostile.asked("slow answer") == before + 1
    outcomes = {row["probe"]: row for row in program.rows("show", "outcomes") if row["node"] == "drips"}
    assert {row["state"] for row in outcomes.values()} == {"timeout"}
    assert outcomes["login"]["reason"] == outcomes["software"]["reason"]
    assert "the answer was not complete in time" in outcomes["login"]["reason"]
    states = [row["state"] for row in program.rows("tasks", "list") if row["node"] == "drips"]
    assert states.count("paused") == len(states) - 1 > 4


def test_name_of_a_silent_server_delays_no_other_name(server: Server, tmp_path: Path) -> None:
    """Twelve look-ups that hang, and a node of /etc/hosts: it is asked at once, and the program ends without them."""
    needs.root("mounts /etc/hosts and /etc/resolv.conf of its own")
    address = f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.{random.randint(1, 254)}"
    (tmp_path / "hosts").write_text("127.0.0.1 localhost alive.farm.test\n")
    (tmp_path / "resolv.conf").write_text(f"nameserver {address}\noptions timeout:30 attempts:1\n")
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{server.port} {server.public()}\n[*]:{server.port} {server.public()}\n")
    (good,) = good_nodes(server, 1)
    alive = {**good, "address": "alive.farm.test", "known_hosts": [str(known)]}
    dead = [{**alive, "name": f"dead{number}", "address": f"dead{number}.farm.test"} for number in range(12)]
    program = program_for(tmp_path, [*dead, alive], connect_timeout=6)
    mounts = 'mount --bind "$0" /etc/resolv.conf && mount --bind "$1" /etc/hosts && shift && exec "$@"'
    inside = ["unshare", "--mount", "sh", "-c", mounts, str(tmp_path / "resolv.conf"), str(tmp_path / "hosts")]
    assert subprocess.run([*inside, "getent", "hosts", "alive.farm.test"], capture_output=True).returncode == 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((address, 53))
        begin = time.monotonic()
        program("collect", "--now", "-p", "load", inside=inside, code=1)
        assert time.monotonic() - begin < 25
    logins = {row["node"]: row for row in program.rows("show", "outcomes") if row["probe"] == "login"}
    assert logins.pop("good0")["state"] == "ok"
    assert {row["reason"] for row in logins.values()} == {"the name server does not answer"}
    assert len(logins) == 12
