"""Grid Engine, Slurm and xrootd in the nodes' namespaces: they answer, run jobs, stop and start again."""

from __future__ import annotations

import re
import time
import tomllib
from collections import Counter
from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest
from program import Program

import needs
from nicassh.demo import gridengine, slurm, systems, xrootd
from nicassh.demo.farm import Farm
from nicassh.model.errors import SetupError

PATIENCE = 20.0
QUEUES = ["qstat", "-f", "-u", "*", "-xml"]
SLEEP = "#!/bin/sh\nsleep 300 & wait\n"


def until(ask: Callable[[], bool]) -> None:
    """Waits until `ask` says yes."""
    limit = time.monotonic() + PATIENCE
    while not (done := ask()) and time.monotonic() < limit:
        time.sleep(0.2)
    assert done


def said(farm: Farm, node: str, *argv: str, user: str = "strmaxim", text: str = "") -> str:
    """What a user's command prints on a node, where it must go well."""
    done = farm.enter(node, argv, user=user, text=text)
    assert done.returncode == 0, f"{argv} ended with {done.returncode}: {done.stderr}"
    return done.stdout


def ancestry(farm: Farm, node: str, pid: str) -> list[str]:
    """The command lines of a process on a node and of those above it, as any user sees them."""
    lines = []
    while pid != "0":
        pid, line = said(farm, node, "ps", "-o", "ppid=,args=", "-p", pid, user="nobody").split(None, 1)
        lines.append(line.strip())
    return lines


def sleepers(farm: Farm, node: str) -> list[str]:
    """The pids of the tests' jobs on a node."""
    return farm.enter(node, ["pgrep", "-u", "strmaxim", "-f", "^sleep 300"]).stdout.split()


def host_of(farm: Farm, number: str) -> str:
    """The short name of the host where a job of Grid Engine runs; empty while it waits."""
    found = ET.fromstring(said(farm, "nc2", "qstat", "-u", "strmaxim", "-xml"))  # noqa: S314
    places = {job.findtext("JB_job_number"): job.findtext("queue_name") or "" for job in found.iter("job_list")}
    return places[number].partition("@")[2].partition(".")[0]


def test_grid_engine_has_its_nodes_with_their_load(batch_farm: Farm) -> None:
    hosts = ET.fromstring(said(batch_farm, "nc2", "qhost", "-q", "-xml"))  # noqa: S314
    loads = {host.get("name"): host.findtext("hostvalue[@name='load_avg']") for host in hosts}
    assert set(loads) == {"global", *(f"nc{number}.jinr.ru" for number in range(10, 16))}
    assert all(float(load or "nan") >= 0 for name, load in loads.items() if name != "global")
    slots = [value.text for value in hosts.iterfind(".//queuevalue[@name='slots']")]
    assert slots == [str(gridengine.SLOTS)] * 6


def test_grid_engine_has_jobs_in_every_state(batch_farm: Farm) -> None:
    found = ET.fromstring(said(batch_farm, "nc2", "qstat", "-u", "*", "-xml"))  # noqa: S314
    states = Counter((job.findtext("JB_owner"), job.findtext("state")) for job in found.iter("job_list"))
    assert states["zinchenk", "r"] == 8
    assert states["zinchenk", "qw"] == states["kolesnik", "qw"] == states["rogachev", "hqw"] == 1
    assert {owner for owner, state in states if state == "r"} == {"strmaxim", "zinchenk", "boliana", "merz"}
    parallel = [job for job in found.iter("job_list") if job.findtext("slots") == "2"]
    assert [job.findtext("JB_name") for job in parallel] == ["ana_dst"]


def test_grid_engine_runs_a_users_job(batch_farm: Farm) -> None:
    number = said(batch_farm, "nc2", "qsub", "-terse", "-N", "a<b", text=SLEEP).strip()
    until(lambda: bool(host_of(batch_farm, number)))
    node = host_of(batch_farm, number)
    until(lambda: bool(sleepers(batch_farm, node)))
    [pid] = sleepers(batch_farm, node)
    line = ancestry(batch_farm, node, pid)
    assert line[1].endswith(f"/var/spool/gridengine/execd/{node}/job_scripts/{number}")
    assert line[2] == f"sge_shepherd-{number} -bg"
    assert line[3].endswith("sge_execd")
    folder = f"/var/spool/gridengine/execd/{node}/active_jobs/{number}.1"
    group = said(batch_farm, node, "cat", f"{folder}/addgrpid", user="nobody").strip()
    status = said(batch_farm, node, "cat", f"/proc/{pid}/status", user="nobody")
    groups = re.search(r"^Groups:(.*)$", status, re.MULTILINE)
    assert groups and group in groups[1].split()
    said(batch_farm, "nc2", "qdel", number)
    until(lambda: not sleepers(batch_farm, node))


def test_grid_engine_master_stops_and_starts(batch_farm: Farm) -> None:
    systems.order(batch_farm, "sge", "nc2", "stop")
    done = batch_farm.enter("nc2", ["qhost", "-xml"])
    assert (done.returncode, done.stdout) == (1, "")
    assert "unable to send message to qmaster" in done.stderr
    systems.order(batch_farm, "sge", "nc2", "start")
    until(lambda: batch_farm.enter("nc2", ["qhost"]).returncode == 0)
    systems.restart(batch_farm, "sge")
    assert not gridengine.awaited(batch_farm)
    assert "ana_dst" in said(batch_farm, "nc2", *QUEUES)


def test_slurm_has_its_nodes_and_partitions(batch_farm: Farm) -> None:
    lines = said(batch_farm, "nc3", "sinfo", "-N", "-h", "-o", "%N %P %T %c").splitlines()
    states = {tuple(line.split()) for line in lines}
    assert states == {("nc7", "nica*", "allocated", "4"), ("nc8", "nica*", "mixed", "4"), ("nc9", "fast", "mixed", "4")}
    assert said(batch_farm, "nc14", "sinfo", "-h", "-o", "%P").split() == ["nica*", "fast"]


def test_slurm_has_jobs_in_every_state(batch_farm: Farm) -> None:
    wanted = {
        "zinchenk R None": 3, "rogachev PD JobHeldUser": 1, "merz PD Resources": 1, "zinchenk PD JobArrayTaskLimit": 1,
    }  # fmt: skip

    def as_wanted() -> bool:  # the scheduler gives a job its reason when it comes to it
        lines = said(batch_farm, "nc3", "squeue", "-h", "-o", "%u %t %r").splitlines()
        found = Counter(lines)
        return all(found[state] == number for state, number in wanted.items())

    # A node that another test has drained keeps its mark until the scheduler's next look, once a minute.
    needs.until(as_wanted, 150)


def test_slurm_runs_a_users_job(batch_farm: Farm) -> None:
    number = said(batch_farm, "nc3", "sbatch", "--parsable", "-w", "nc8", text=SLEEP).strip()
    until(lambda: bool(sleepers(batch_farm, "nc8")))
    [pid] = sleepers(batch_farm, "nc8")
    line = ancestry(batch_farm, "nc8", pid)
    assert line[1].endswith(f"/var/spool/slurmd/job{int(number):05}/slurm_script")
    assert line[2] == f"slurmstepd: [{number}.batch]"
    groups = said(batch_farm, "nc8", "cat", f"/proc/{pid}/cgroup", user="nobody").splitlines()
    assert f"freezer:/slurm_nc8/uid_1001/job_{number}/step_batch" in [line.partition(":")[2] for line in groups]
    said(batch_farm, "nc3", "scancel", number)
    until(lambda: not sleepers(batch_farm, "nc8"))


def test_slurm_controller_stops_and_starts(batch_farm: Farm) -> None:
    systems.order(batch_farm, "slurm", "nc3", "stop")
    done = batch_farm.enter("nc3", ["squeue"])
    assert (done.returncode, done.stdout) == (1, "")
    systems.order(batch_farm, "slurm", "nc3", "start")
    until(lambda: not slurm.awaited(batch_farm))
    assert "reco_XeCs_4gev" in said(batch_farm, "nc3", "squeue", "-h", "-o", "%j")


def test_xrootd_has_its_servers_and_files(batch_farm: Farm) -> None:
    facts = {
        node: said(batch_farm, node, "xrdfs", "localhost:1094", "query", "config", "role sitename").split()
        for node in ("nc4", "nc5", "nc6")
    }
    assert facts == {
        "nc4": ["manager", "nica-demo"],
        "nc5": ["server", "nica-demo"],
        "nc6": ["server", "nica-demo"],
    }
    listed = said(batch_farm, "nc2", "xrdfs", "nc4.jinr.ru:1094", "ls", "/nica/mpd/sim").split()
    assert len(listed) == xrootd.COUNT
    assert "oss.free=" in said(batch_farm, "nc5", "xrdfs", "localhost:1094", "query", "space", "/")
    assert said(batch_farm, "nc5", "pgrep", "-u", "xrootd", "-a", "xrootd").split()[1:5] == [
        "xrootd",
        "-b",
        "-n",
        "mpd",
    ]


def test_xrootd_stops_and_starts(batch_farm: Farm) -> None:
    systems.order(batch_farm, "xrootd", "nc6", "stop")
    assert (
        batch_farm.enter("nc6", ["env", "XRD_CONNECTIONRETRY=1", "xrdfs", "localhost:1094", "ls", "/"]).returncode == 51
    )
    systems.order(batch_farm, "xrootd", "nc6", "start")
    role = ["xrdfs", "localhost:1094", "query", "config", "role"]
    until(lambda: batch_farm.enter("nc6", role).stdout.strip() == "server")
    until(lambda: not xrootd.awaited(batch_farm))


def test_inventory_names_the_head_and_the_storage(batch_farm: Farm) -> None:
    blocks = {block["names"]: block for block in tomllib.loads(batch_farm.inventory.read_text())["nodes"]}
    assert {names: block.get("batch_cluster") for names, block in blocks.items()} == {
        "nc2.jinr.ru": "nica",
        "nc3.jinr.ru": None,
        "nc[4-6].jinr.ru": None,
        "nc[7-15].jinr.ru": None,
    }
    assert blocks["nc[4-6].jinr.ru"]["role"] == "storage"


def test_a_collection_ties_processes_to_jobs(batch_nicamon: Program) -> None:
    batch_nicamon("collect")
    jobs = {row["batch"] for row in batch_nicamon.rows("procs", "--user", "boliana") if row["job"]}
    assert jobs == {"sge", "slurm"}


def test_a_node_without_a_part_has_nothing_to_stop(batch_farm: Farm) -> None:
    with pytest.raises(SetupError, match="nc2 has no part in xrootd"):
        systems.order(batch_farm, "xrootd", "nc2", "stop")
