"""`nicamon init --from`: each source gives an inventory that `nicamon nodes` reads, and says what it left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from nicassh.cli import command
from nicassh.inventory.expanding import expand
from nicassh.inventory.importing import SOURCES
from nicassh.inventory.importing.writing import in_order

SLURM_CONF = """\
ClusterName=nica   # the farm
SlurmctldHost=nc1(10.0.0.1)
SlurmctldHost=nc0
SlurmctldPort=6817
NodeName=DEFAULT CPUs=4 State=UNKNOWN
NodeName=nc[2-4,9] NodeAddr=10.0.0.[2-4,90] \\
    RealMemory=8000
nodename=gpu[01-02] Gres=gpu:2 Feature="a,b"
NodeName=nc[20-30] State=FUTURE
NodeName=bad[1- CPUs=4
NodeName=odd[1-3] NodeAddr=10.1.0.[1-2]
NodeSet=fast Nodes=gpu[01-02]
PartitionName=DEFAULT State=UP
PartitionName=long Nodes=nc[2-4]
PartitionName=gpu Nodes=fast
PartitionName=all Nodes=ALL Default=YES
PartitionName=lost Nodes=nc2,nc77
Include /etc/slurm/more.conf
what is this
"""
SCONTROL = """\
NodeName=nc7 Arch=x86_64 CoresPerSocket=1
   CPUAlloc=0 CPUEfctv=2 CPUTot=2 CPULoad=0.95
   NodeAddr=10.0.0.7 NodeHostName=nc7 Version=22.05.8
   OS=Linux 6.1.0 #1 SMP Debian
   State=IDLE+DRAIN ThreadsPerCore=1 TmpDisk=0 Weight=1
   Partitions=debug,long
   Reason=bad DIMM, ticket=4711 NodeAddr=1.2.3.4 [root@2026-11-30T01:02:03]

NodeName=nc8 Arch=x86_64 NodeAddr=nc8 NodeHostName=nc8 OS=Linux 6.1.0 #1 SMP @0  RealMemory=8 Partitions=debug
"""
QHOST = """\
HOSTNAME                ARCH         NCPU NSOC NCOR NTHR  LOAD  MEMTOT  MEMUSE  SWAPTO  SWAPUS
----------------------------------------------------------------------------------------------
global                  -               -    -    -    -     -       -       -       -       -
nc10.jinr.ru            lx-amd64        2    1    2    2  0.77   23.4G    1.2G     0.0     0.0
   all.q                BIP   0/1/4
   long.q               BIP   0/0/4         d
   hl:mem_free=22.443G
nc11.jinr.ru            -               -    -    -    -     -       -       -       -       -
   all.q                BIP   0/0/4         au
error: unable to contact qmaster using port 6444 on host nc1
"""
SHGRP = """\
group_name @reco
hostlist nc10.jinr.ru nc12.jinr.ru \\
         nc13.jinr.ru @others
"""
HOSTS = """\
127.0.0.1 localhost
127.0.1.1 head.example.org head
::1 ip6-localhost
ff02::1 ip6-allnodes
10.0.0.9   nc9.example.org  nc9   # the ninth
10.0.0.10  nc10.example.org nc10
fd00::10   nc10.example.org
fe80::12   nc12.example.org
10.0.0.300 nc13
10.0.0.14
10.0.0.15  _odd
"""
SSH_CONFIG = """\
Host *
    User nicamon
Host nc2 "nc3" nc4?  # three
    HostName = 10.0.0.99
Match host nc5
Include more/*
"""
GENDERS = """\
nc[2-4]   compute,rack=1,role=batch
nc3       big
nc5       storage,ip=a:b,name=e%n   # two disks
nc6
nc7       compute, extra
"""


def init(folder: Path, *words: str, text: str | None = None) -> Result:
    return CliRunner().invoke(command, ["init", "--into", str(folder), *words], input=text, catch_exceptions=False)


def nodes(folder: Path) -> dict[str, dict[str, Any]]:
    """The rows of `nicamon nodes` with the files in a folder."""
    done = CliRunner(env={"NICAMON_CONFIG": f"{folder}/nicamon.toml"}).invoke(
        command, ["nodes", "--json"], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    return {row["node"]: row for row in json.loads(done.stdout)["rows"]}


def made(folder: Path, source: str, text: str) -> tuple[dict[str, dict[str, Any]], str]:
    """The nodes of an inventory that is made of a text, and what stands on stderr."""
    done = init(folder, "--from", source, "-", text=text)
    assert done.exit_code == 0, done.output
    return nodes(folder), done.stderr


def test_slurm_conf(tmp_path: Path) -> None:
    found, said = made(tmp_path, "slurm", SLURM_CONF)
    assert sorted(found) == sorted("nc0 nc1 nc2 nc3 nc4 nc9 gpu01 gpu02 odd1 odd2 odd3".split())
    assert (found["nc9"]["address"], found["nc9"]["role"], found["nc9"]["groups"]) == ("10.0.0.90", "batch", "all")
    assert (found["nc2"]["address"], found["nc2"]["groups"]) == ("10.0.0.2", "all,long,lost")
    assert (found["gpu01"]["address"], found["gpu01"]["groups"]) == ("gpu01", "all,gpu")
    assert (found["nc1"]["address"], found["nc1"]["role"]) == ("10.0.0.1", None)
    assert 'names = "nc1"\naddress = "10.0.0.1"\nbatch_cluster = "nica"' in (tmp_path / "inventory.toml").read_text()
    for place, what in (
        (9, "its state is FUTURE"), (10, "'bad[1-' is no node set"), (11, "3 names and 2 addresses"),
        (17, "nc77 is not described"), (18, "Include /etc/slurm/more.conf: give that file"), (19, "what is this"),
    ):  # fmt: skip
        assert any(f"line {place}: " in line and what in line for line in said.splitlines()), (place, what, said)
    assert len(said.splitlines()) == 6


def test_scontrol_show_node(tmp_path: Path) -> None:
    found, said = made(tmp_path, "slurm", SCONTROL)
    assert {name: (row["address"], row["groups"], row["role"]) for name, row in found.items()} == {
        "nc7": ("10.0.0.7", "debug,long", "batch"), "nc8": ("nc8", "debug", "batch"),
    }  # fmt: skip
    assert said == ""


def test_files_of_a_source_belong_together(tmp_path: Path) -> None:
    for name, text in (("a", QHOST), ("b", SHGRP), ("c", "nc14.jinr.ru\nnc15.jinr.ru\n")):
        (tmp_path / name).write_text(text)
    done = init(tmp_path, "--from", "sge", *(str(tmp_path / name) for name in "abc"))
    found = nodes(tmp_path)
    assert sorted(found) == [f"nc{number}.jinr.ru" for number in range(10, 16)]
    assert [found[f"nc{number}.jinr.ru"]["groups"] for number in (10, 11, 12, 15)] == [
        "all.q,long.q,reco", "all.q", "reco", None,
    ]  # fmt: skip
    assert f"{tmp_path}/a, line 10: not understood: error: unable to contact" in done.stderr
    assert f"{tmp_path}/b, line 2: the host group @others" in done.stderr
    assert "@reco (3)" in done.stdout


def test_hosts(tmp_path: Path) -> None:
    found, said = made(tmp_path, "hosts", HOSTS)
    assert {name: row["address"] for name, row in found.items()} == {
        "nc9.example.org": "10.0.0.9", "nc10.example.org": "10.0.0.10", "nc12.example.org": "nc12.example.org",
    }  # fmt: skip
    assert [line.partition("line ")[2].partition(":")[0] for line in said.splitlines()] == [
        "1", "2", "3", "4", "7", "8", "9", "10", "11",
    ]  # fmt: skip


def test_ssh_config_stays_in_force(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(SSH_CONFIG)
    done = init(tmp_path, "--from", "ssh-config", str(tmp_path / "config"))
    found = nodes(tmp_path)
    assert {name: (row["address"], row["user"]) for name, row in found.items()} == {
        "nc2": ("10.0.0.99", "nicamon"), "nc3": ("10.0.0.99", "nicamon"),
    }  # fmt: skip
    assert "line 3: Host nc4? is a pattern" in done.stderr
    assert "line 6: Include more/*: give these files, too" in done.stderr


def test_genders(tmp_path: Path) -> None:
    found, said = made(tmp_path, "genders", GENDERS)
    assert {name: row["groups"] for name, row in found.items()} == {
        "nc2": "compute,rack-1", "nc3": "big,compute,rack-1", "nc4": "compute,rack-1",
        "nc5": "name-enc5,storage", "nc6": None, "nc7": "compute",
    }  # fmt: skip
    assert found["nc4"]["role"] == "batch"
    assert "line 3: 'ip-a:b' cannot be the name of a group" in said
    assert "line 5: more than names and attributes: extra" in said


def test_existing_files_are_kept(tmp_path: Path) -> None:
    assert init(tmp_path, "--from", "genders", "-", text="nc2 a").exit_code == 0
    (tmp_path / "nicamon.toml").write_text("fanout = 7\n")
    refused = CliRunner().invoke(command, ["init", "--from", "genders", "--into", str(tmp_path), "-"], input="nc3 b")
    assert "inventory.toml exists already" in str(refused.exception)
    assert list(nodes(tmp_path)) == ["nc2"]
    assert init(tmp_path, "--from", "genders", "--force", "-", text="nc3 b").exit_code == 0
    assert list(nodes(tmp_path)) == ["nc3"]
    assert (tmp_path / "nicamon.toml").read_text() == "fanout = 7\n"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["inventory.toml", "nicamon.toml"]


@pytest.mark.parametrize("source", SOURCES)
def test_nothing_is_written_where_no_host_is_found(tmp_path: Path, source: str) -> None:
    for words, text, reason in (
        (["-"], "\x00 ] \ufeff = &@\n", "no host is in standard input"), ([], None, "needs a file"),
        ([f"{tmp_path}/none"], None, "No such file"),
    ):  # fmt: skip
        done = CliRunner().invoke(command, ["init", "--into", str(tmp_path), "--from", source, *words], input=text)
        assert reason in str(done.exception)
    assert list(tmp_path.iterdir()) == []


@given(st.lists(st.from_regex(r"(nc|10\.0\.|a1b)([0-9]{1,3}|0[0-9]{2})(\.org)?", fullmatch=True), min_size=1))
def test_folded_names_keep_their_order(names: list[str]) -> None:
    assert expand(in_order(names)) == names
