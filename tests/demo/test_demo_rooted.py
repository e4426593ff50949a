"""What the nodes of a rooted farm show to one who logs in."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from demo_logins import login

from nicassh import demo
from nicassh.demo import people
from nicassh.demo.farm import Farm
from nicassh.model.errors import SetupError


def test_every_node_answers_with_its_own_name(farm: Farm) -> None:
    assert [node.name for node in farm.nodes] == [f"nc{number}.jinr.ru" for number in range(2, 6)]
    for node in farm.nodes:
        assert login(farm, node.address, "hostname").strip() == node.name


def test_status_says_that_all_are_alive(farm: Farm) -> None:
    rows = demo.status(farm.folder)
    assert [(row.node, row.port, row.role, row.alive) for row in rows] == [
        (node.name, 22, "interactive", True) for node in farm.nodes
    ]


def test_users_exist_only_inside(farm: Farm, accounts: str) -> None:
    """The machine may have users of these names: they are others, and stay as they were."""
    assert Path("/etc/passwd").read_text() == accounts
    for name, number in {**people.USERS, people.COLLECTOR: people.COLLECTOR_ID}.items():
        assert farm.enter("nc2", ["id", "-u", name]).stdout.strip() == str(number)
    assert login(farm, farm.nodes[0].address, "id -un").strip() == people.COLLECTOR


def test_processes_are_as_planned(farm: Farm) -> None:
    for node in farm.nodes:
        rows = [row.split(None, 1) for row in login(farm, node.address, "ps -e -o user= -o args=").splitlines()]
        for user in people.USERS:
            planned = people.commands(user, node.number)
            found = [command for owner, command in rows if owner == user]
            odd = len(people.oddities(user, node.number))
            assert set(planned) <= set(found)
            assert len(planned) + odd <= len(found) <= len(planned) + 2 * odd
    assert len(people.commands("strmaxim", 2)) == 6
    assert sum(bool(people.commands("strmaxim", number)) for number in range(2, 16)) >= 5


def test_busy_stopped_and_zombie_processes(farm: Farm) -> None:
    rows = farm.enter("nc2", ["ps", "-e", "-o", "stat=,user=,comm="]).stdout.splitlines()
    assert ["T", "merz", "vim"] in [[row[0], *row.split()[1:]] for row in rows]
    assert "kolesnik" in [row.split()[1] for row in rows if "python3" in row]
    rows = farm.enter("nc3", ["ps", "-e", "-o", "stat=,user=,comm="]).stdout.splitlines()
    assert ["Z", "boliana", "root.exe"] in [[row[0], *row.split()[1:3]] for row in rows]


def test_a_node_sees_its_own_processes_and_network_only(farm: Farm) -> None:
    first = farm.enter("nc4", ["cat", "/proc/1/comm"]).stdout.strip()
    assert first == "sshd"
    assert len(farm.enter("nc4", ["ps", "-e", "-o", "pid="]).stdout.split()) < 30
    assert "eth0" in login(farm, farm.nodes[2].address, "cat /proc/net/dev")


def test_software_and_system(farm: Farm) -> None:
    old, newer = farm.nodes[0].address, farm.nodes[3].address
    header = "cat /opt/fairsoft/*/install/include/root/RVersion.h"
    assert '#define ROOT_RELEASE "5.34/05"' in login(farm, old, header)
    assert '#define ROOT_RELEASE "5.34/25"' in login(farm, newer, header)
    assert login(farm, old, "ls /opt/fairsoft").split() == ["apr13"]
    assert login(farm, old, "sh /opt/fairroot/*/bin/fairroot-config --version").strip() == "v-14.11"
    assert "Scientific Linux release 6.4" in login(farm, old, "cat /etc/redhat-release")
    gone = "ls /etc/os-release /etc/debian_version 2>/dev/null; cat /usr/lib/os-release; true"
    assert login(farm, old, gone) == ""


def test_what_is_added_inside_stays_inside(farm: Farm) -> None:
    assert farm.enter("nc2", ["touch", "/etc/nicamon-test", "/opt/nicamon-test"]).returncode == 0
    assert farm.enter("nc3", ["ls", "/etc/nicamon-test", "/opt/nicamon-test"]).stdout == ""
    assert "nicamon-test" in login(farm, farm.nodes[0].address, "ls /opt")


def test_inventory_names_the_nodes(farm: Farm) -> None:
    settings = tomllib.loads(farm.config.read_text())
    assert settings["inventory"] == [str(farm.inventory)]
    facts = tomllib.loads(farm.inventory.read_text())
    assert facts["defaults"]["user"] == people.COLLECTOR
    assert facts["nodes"][0]["names"] == "nc[2-5].jinr.ru"
    assert facts["nodes"][0]["address"] == f"10.63.{farm.subnet}.[2-5]"
    assert farm.key.stat().st_mode & 0o777 == 0o600
    assert farm.folder.stat().st_mode & 0o777 == 0o700


def test_an_unknown_node_cannot_be_entered(farm: Farm) -> None:
    with pytest.raises(SetupError, match="nc99"):
        farm.enter("nc99", ["true"])
