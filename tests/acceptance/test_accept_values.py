"""What the tables say of a node agrees with what /proc of that node says."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime

import pytest
from program import Program

import needs
from nicassh.demo import people, software
from nicassh.demo.farm import Farm

FARM_KEYS = (
    "node address role state since fairsoft os kernel cpu ncpu nproc memory_available "
    "load1 load5 load15 activity disk_free updated age reason"
).split()
PROCS_KEYS = (
    "node pid user command memory_percent memory cpu_percent state time started job batch kind login software".split()
)


def proc(farm: Farm, node: str, file: str) -> str:
    """A file below /proc as the node sees it."""
    return farm.enter(node, ["cat", f"/proc/{file}"]).stdout


def moving(farm: Farm, name: str) -> list[float]:
    """Return what changes by itself: available memory, loads, processes and free space of a node's machine."""
    meminfo = dict(line.split(":") for line in proc(farm, name, "meminfo").splitlines())
    loads = [float(word) for word in proc(farm, name, "loadavg").split()[:3]]
    pids = farm.enter(name, ["sh", "-c", "ls -d /proc/[0-9]* | wc -l"]).stdout
    disk = os.statvfs("/")
    return [int(meminfo["MemAvailable"].split()[0]) * 1024, *loads, int(pids), disk.f_bavail * disk.f_frsize]


def test_farm_agrees_with_proc(farm: Farm, nicamon: Program) -> None:
    """What changes by itself lies between what it was before and after: other tests use the machine meanwhile."""
    ends = (farm.nodes[0].name, farm.nodes[-1].name)
    before = {name: moving(farm, name) for name in ends}
    nicamon("collect")
    after = {name: moving(farm, name) for name in ends}
    rows = nicamon.rows("show", "farm")
    assert [row["node"] for row in rows] == [node.name for node in farm.nodes]
    for row in rows[:1] + rows[-1:]:
        name = row["node"]
        assert list(row) == FARM_KEYS
        fields = ("memory_available", "load1", "load5", "load15", "nproc", "disk_free")
        slack = (0.02 * row["memory_available"], 0.5, 0.5, 0.5, 15, 0.02 * row["disk_free"])
        for field, one, other, more in zip(fields, before[name], after[name], slack, strict=True):
            assert min(one, other) - more <= row[field] <= max(one, other) + more, field
        assert row["ncpu"] == proc(farm, name, "cpuinfo").count("processor\t")
        assert row["kernel"] == proc(farm, name, "sys/kernel/osrelease").strip()
        number = farm.node(name).number
        assert row["fairsoft"] == software.release(number)
        owners = farm.enter(name, ["sh", "-c", "stat -c %U /proc/[0-9]*"]).stdout.split()
        expected = {user: owners.count(user) for user in people.USERS if user in owners}
        assert {person["user"]: person["processes"] for person in row["activity"]} == expected
        assert (row["state"], row["reason"]) == ("up", None)
        assert abs(datetime.fromisoformat(row["updated"]) - datetime.now(UTC)).total_seconds() < 30


def test_procs_agree_with_proc(farm: Farm, nicamon: Program) -> None:
    rows = nicamon.rows("procs", "--user", "strmaxim")
    here = [row for row in rows if row["node"] == farm.nodes[0].name]
    assert len(here) == 6
    assert len({row["node"] for row in rows}) >= 5
    boot = int(proc(farm, "nc2", "stat").split("btime ")[1].split()[0])
    for row in here:
        assert list(row) == PROCS_KEYS
        stat = proc(farm, "nc2", f"{row['pid']}/stat").rpartition(") ")[2].split()
        command = proc(farm, "nc2", f"{row['pid']}/cmdline").replace("\0", " ").strip()
        assert row["command"] == command
        assert row["state"] == stat[0]
        assert row["time"] == pytest.approx((int(stat[11]) + int(stat[12])) / 100, abs=0.5)
        started = datetime.fromisoformat(row["started"]).timestamp()
        assert started == pytest.approx(boot + int(stat[19]) / 100, abs=1.5)
        status = proc(farm, "nc2", f"{row['pid']}/status")
        rss = int(status.split("VmRSS:")[1].split()[0])
        total = int(proc(farm, "nc2", "meminfo").split()[1])
        assert row["memory_percent"] == pytest.approx(100 * rss / total, abs=0.05)


def test_cpu_percent_is_what_a_busy_process_uses(farm: Farm, nicamon: Program) -> None:
    burner = "setsid -f setpriv --reuid 1001 --clear-groups timeout 20 sh -c 'while :; do :; done' >/dev/null 2>&1"
    farm.enter("nc4", ["sh", "-c", burner])
    try:
        needs.until(lambda: farm.enter("nc4", ["pgrep", "-u", "1001", "-f", "while :"]).stdout)
        busy = nicamon.rows("procs", "--node", "nc4", "--min-cpu", "5", "--user", "strmaxim")
        assert len(busy) == 1
        assert "while" in busy[0]["command"]
        assert 5 <= busy[0]["cpu_percent"] <= 105
        nicamon("collect", "-n", "nc4", "-p", "processes")
        time.sleep(2)
        nicamon("collect", "-n", "nc4", "-p", "processes")
        stored = nicamon.rows("procs", "--cached", "--min-cpu", "5", "--node", "nc4")
        assert [row["pid"] for row in stored] == [busy[0]["pid"]]
    finally:
        farm.enter("nc4", ["pkill", "-u", "1001", "-f", "while :"])


def test_filters_pick_processes(nicamon: Program) -> None:
    stopped = nicamon.rows("procs", "--state", "T,Z")
    assert {row["state"] for row in stopped} == {"T", "Z"}
    reco = nicamon.rows("procs", "--match", "reco\\.C")
    assert reco and all("reco.C" in row["command"] for row in reco)
    assert nicamon.rows("procs", "--user", "nobody-at-all") == []
    users = {row["user"] for row in nicamon.rows("procs", "--node", "@batch")}
    assert "root" not in users and "nicamon" not in users
    assert nicamon.rows("procs", "--user", "root", "--node", "nc2")


def test_dead_node_keeps_its_values_and_gets_a_reason(farm: Farm, nicamon: Program) -> None:
    nicamon("collect")
    before = nicamon.rows("show", "node", "nc15")[0]
    farm.enter("nc15", ["pkill", "-x", "sshd"])
    try:
        done = nicamon("collect", "--now", code=1)
        assert done.stderr.count("\n") == 1
        assert done.stderr.startswith("nc15.jinr.ru: ")
        row = nicamon.rows("show", "farm")[-1]
        assert row["state"] == "down"
        assert row["reason"]
        assert row["memory_available"] == before["memory_available"]
        assert row["age"] >= before["age"]
        assert "nc15: " in nicamon("show", "farm").stdout.split("1 down")[1]
    finally:
        from nicassh import demo

        demo.up(farm.folder)
    nicamon("collect", "--now")
    assert nicamon.rows("show", "farm")[-1]["state"] == "up"
