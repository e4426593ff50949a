"""The scripts on systems that this machine is not: trees of files below the variable `root`, under every shell."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import sampling
import shells
from shells import Shell

Tree = Callable[[Mapping[str, str]], str]

MEMINFO = """MemTotal:       49449004 kB
MemFree:        20312376 kB
Buffers:          410000 kB
Cached:         21530120 kB
Active:         11210344 kB
Active(file):    9210344 kB
Inactive(file): 12108320 kB
SwapTotal:       8388600 kB
SwapFree:        8370172 kB
Shmem:              1184 kB
SReclaimable:    1804408 kB
"""
ZONEINFO = """Node 0, zone      DMA
  pages free     3930
        min      3
        low      4
        high     5
    pagesets
        low_power 77
Node 0, zone    DMA32
        low      890
"""


def output(shell: Shell, probe: str, root: str, **parameters: str) -> bytes:
    section = shells.run(shell, [sampling.probes()[probe]], {"root": root, **parameters}).sections[probe]
    assert (section.status, section.whole, section.errors) == (0, True, b"")
    return section.output


def rows(shell: Shell, probe: str, root: str, **parameters: str) -> list[dict[str, Any]]:
    return sampling.rows(probe, output(shell, probe, root, **parameters))


def test_load_counts_processes_and_nothing_else_in_proc(shell: Shell, tree: Tree) -> None:
    stat = "cpu  1 2 3\nctxt 5\nprocesses 77\nprocs_running 3\nprocs_blocked 2\n"
    pids = {f"proc/{name}/stat": "" for name in ("1", "22", "333", "self", "irq")}
    (load,) = rows(shell, "load", tree({"proc/loadavg": "0.20 0.18 0.12 1/80 11206\n", "proc/stat": stat, **pids}))
    assert list(load.values()) == [0.20, 0.18, 0.12, 3, 3, 2]


def test_memory_of_an_old_kernel_is_estimated(shell: Shell, tree: Tree) -> None:
    (memory,) = rows(shell, "memory", tree({"proc/meminfo": MEMINFO, "proc/zoneinfo": ZONEINFO}))
    low = (4 + 890) * os.sysconf("SC_PAGESIZE") // 1024
    cache = 9210344 + 12108320
    assert memory["estimated"]
    assert memory["available"] == (20312376 - low + cache - low + 1804408 - low) * 1024
    assert memory["swap_used"] == 18428 * 1024


def test_memory_of_a_new_kernel_is_its_own_figure(shell: Shell, tree: Tree) -> None:
    root = tree({"proc/meminfo": MEMINFO + "MemAvailable:   40000000 kB\n", "proc/zoneinfo": ZONEINFO})
    assert b"low" not in output(shell, "memory", root)
    (memory,) = rows(shell, "memory", root)
    assert (memory["estimated"], memory["available"]) == (False, 40000000 * 1024)


def test_a_missing_meminfo_is_a_failure(shell: Shell, tree: Tree) -> None:
    run = shells.run(shell, [sampling.probes()["memory"]], {"root": tree({"proc/other": ""})})
    assert run.sections["memory"].whole
    assert run.sections["memory"].status not in (0, 77)


@pytest.mark.parametrize(
    ("files", "os_name"),
    [
        ({"etc/redhat-release": "Scientific Linux release 6.4 (Carbon)\n"}, "Scientific Linux 6.4"),
        ({"usr/lib/os-release": "NAME='Void'\nVERSION_ID=3\n"}, "Void 3"),
        (
            {"etc/os-release": 'NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="12"\n', "etc/debian_version": "12.6\n"},
            "Debian GNU/Linux 12.6",
        ),
        (
            {
                "etc/redhat-release": "Red Hat Enterprise Linux Server release 7.9 (Maipo)\n",
                "etc/oracle-release": "Oracle Linux Server release 7.9\n",
            },
            "Oracle Linux Server 7.9",
        ),
        ({"etc/redhat-release": "ALT Linux 7.0.5 Centaurus  (Orchid)\n"}, "ALT Linux 7.0.5"),
        ({"etc/gentoo-release": "Gentoo Base System release 2.14\n"}, "Gentoo Base System 2.14"),
        ({"etc/slackware-version": "Slackware 14.2+\n"}, "Slackware 14.2+"),
        ({"etc/alpine-release": "3.4.6\n"}, "Alpine Linux 3.4.6"),
        ({"etc/SuSE-release": "Novell Linux Desktop 9 (i586)\nVERSION = 9\n"}, "Novell Linux Desktop 9"),
        ({}, None),
    ],
)
def test_operating_systems(shell: Shell, tree: Tree, files: dict[str, str], os_name: str | None) -> None:
    kernel = {"proc/sys/kernel/osrelease": "2.6.32\n", "proc/sys/kernel/hostname": "nc2\n"}
    (system,) = rows(shell, "system", tree({**kernel, **files}))
    assert (system["os"], system["kernel"], system["hostname"]) == (os_name, "2.6.32", "nc2")


def test_mount_points_with_odd_names(shell: Shell, tree: Tree) -> None:
    names = {
        r"/old\040disk": "/old disk", r"/back\134slash": r"/back\slash", r"/tab\011": "/tab\t",
        r"/run\0401": "/run 1", r"/hash\043": "/hash#",
    }  # fmt: skip
    lines = "".join(f"/dev/sd{letter} {name} ext4 rw 0 0\n" for letter, name in zip("abcde", names, strict=True))
    newline = "/dev/sdf /line\\012size ext4 rw 0 0\n"
    files = {f"{name[1:]}/file": "" for name in (*names.values(), "/line\nsize")}
    printed = output(shell, "disks", root := tree({"proc/mounts": lines + newline, **files})).decode()
    for name in names.values():
        assert f" {root}{name}\n" in printed
    assert "line\nsize" not in printed
    assert [disk["mount"] for disk in sampling.rows("disks", printed.encode())] == [
        "/old disk",
        "/back\\slash",
        "/tab␉",
        "/run 1",
        "/hash#",
        "/line␊size",
    ]


def test_only_local_file_systems_are_asked(shell: Shell, tree: Tree) -> None:
    remote = ("nfs", "nfs4", "cifs", "fuse.eosxd", "fuse", "fuseblk", "afs", "lustre", "autofs", "ceph", "gpfs")
    # A device that looks like a path: cifs has //server/share, autofs the name of its map, FUSE /dev/fuse.
    lines = "".join(f"//srv/x /away/{kind} {kind} rw 0 0\nsrv:/x /away/other beegfs rw 0 0\n" for kind in remote)
    there = {f"away/{kind}/file": "" for kind in (*remote, "other")}
    local = "/dev/sda / xfs rw 0 0\ntmpfs /run tmpfs rw 0 0\noverlay / overlay rw 0 0\npool/a /pool zfs rw 0 0\n"
    printed = output(shell, "disks", tree({"proc/mounts": lines + local, **there, "pool/file": "", "run/file": ""}))
    assert b"away" not in printed
    disks = sampling.rows("disks", printed)
    assert [(disk["mount"], disk["type"]) for disk in disks] == [("/", "xfs"), ("/", "overlay"), ("/pool", "zfs")]


def test_a_node_without_local_file_systems_has_no_disks(shell: Shell, tree: Tree) -> None:
    root = tree({"proc/mounts": "srv:/x / nfs rw 0 0\n"})
    assert shells.run(shell, [sampling.probes()["disks"]], {"root": root}).sections["disks"].status == 77


def test_processes_of_a_tree(shell: Shell, tree: Tree) -> None:
    tail = "1 1 1 0 -1 4202752 0 0 0 0 100 50 0 0 20 0 1 0 500 1 1"
    files = {
        "proc/uptime": "1000.00 1.00\n",
        "proc/stat": "cpu 1\nbtime 1413792000\n",
        "proc/meminfo": MEMINFO,
        "etc/passwd": "root:x:0:0::/:/bin/sh\nmerz:x:501:500::/:/bin/sh\n",
        "etc/login.defs": "# UID_MIN 7\nUID_MIN  500\n",
        "proc/7/stat": f"7 (a) S\n1/stat:1 (x)) R {tail}\n",
        "proc/7/cmdline": "root.exe\0a b\nuptime 1\n\npasswd\n7/stat:7 (x) S 0\0",
        "proc/7/status": "Name:\ta\nUid:\t0\t501\t0\t0\nVmRSS:\t  494490 kB\n",
        "proc/8/stat": f"8 (gone) S {tail}\n",
        "proc/9/stat": f"9 (nobody) S {tail}\n",
        "proc/9/status": "Uid:\t0\t65534\t0\t0\n",
        "proc/9/cmdline": "",
    }
    _, first, second, person = rows(shell, "processes", tree(files))
    assert first["user"] == "merz"
    assert first["name"] == "a) S␊1/stat:1 (x)"
    assert first["command"] == "root.exe a b␊uptime 1␊␊passwd␊7/stat:7 (x) S 0"
    assert (first["memory_percent"], first["time"], first["ordinary"]) == (1.0, 1.5, True)
    assert first["started"] == "2014-10-20T08:00:05Z"
    assert (second["user"], second["command"], second["ordinary"]) == ("65534", "[nobody]", False)
    assert (person["user"], person["kind"], person["processes"]) == ("merz", "background", 1)


@pytest.mark.parametrize(
    ("uid", "ordinary"), [(499, False), (500, True), (59999, True), (60000, False), (64030, False), (70000, True)]
)
def test_people_are_told_from_packages_by_their_ids(uid: int, ordinary: bool) -> None:
    sample = (sampling.folder("processes") / "el6.out").read_bytes()
    (row,) = [one for one in sampling.rows("processes", sample.replace(b"\t501", b"\t%d" % uid))
              if one.get("pid") == 3791]  # fmt: skip
    assert row["ordinary"] is ordinary


def test_processes_are_tied_to_jobs_by_what_the_node_has(shell: Shell, tree: Tree) -> None:
    tail = "1 1 0 -1 4202752 0 0 0 0 100 50 0 0 20 0 1 0 500 1 1"
    spool = "var/spool/gridengine/execd/nc10/active_jobs/3791.7"
    files = {
        "proc/uptime": "1000.00 1.00\n",
        "proc/stat": "btime 1413792000\n",
        "proc/meminfo": MEMINFO,
        "etc/passwd": "",
        "etc/login.defs": "UID_MIN  500\n",
        f"{spool}/addgrpid": "20007\n",
        f"{spool}/pid": "70\n",
        "proc/7/stat": f"7 (a) S 1 {tail}\n",
        "proc/7/status": "Uid:\t0\t501\t0\t0\nGroups:\t100 20007 \n",
        "proc/8/stat": f"8 (b) S 1 {tail}\n",
        "proc/8/status": "Uid:\t0\t501\t0\t0\n",
        "proc/8/cgroup": "4:cpuset:/slurm/uid_501/job_31/step_0\n",
        "proc/9/stat": f"9 (c) S 1 {tail}\n",
        "proc/9/status": "Uid:\t0\t501\t0\t0\n",
        "proc/9/environ": "HOME=/root\0JOB_ID=12\0SGE_TASK_ID=undefined\0PASSWORD=JOB_ID=13\0",
    }
    root = tree(files)
    assert b"HOME" not in output(shell, "processes", root)
    assert b"PASSWORD" not in output(shell, "processes", root)
    found = {row["pid"]: (row["batch"], row["job"]) for row in rows(shell, "processes", root) if "pid" in row}
    assert found == {7: ("sge", "3791.7"), 8: ("slurm", "31"), 9: ("sge", "12.1")}


def test_a_long_command_line_is_cut(shell: Shell, tree: Tree) -> None:
    files = {
        "proc/uptime": "1000.00 1.00\n",
        "proc/stat": "btime 1413792000\n",
        "proc/meminfo": MEMINFO,
        "etc/passwd": "",
        "proc/7/stat": "7 (a) S 1 1 1 0 -1 0 0 0 0 0 100 50 0 0 20 0 1 0 500 1 1\n",
        "proc/7/cmdline": "x" * 100_000 + "\n" * 5000,
        "proc/7/status": "Uid:\t0\t501\t0\t0\n",
    }
    _, process = rows(shell, "processes", tree(files))
    assert process["command"].startswith("x" * 1000)
    assert len(process["command"]) <= 1040
