"""What clusters of other kinds print: each row is what it says there, and nothing of it is noted as strange."""

from __future__ import annotations

import json
from typing import Any

import gridengine
import pytest
import sampling
from batches import JOBS, MACHINES, MARK, NODE, NODES, PARTITION, PARTITIONS, PING, QUEUE, listed, told

from nicassh.model.notes import Note
from nicassh.model.records import Record, as_dict
from nicassh.probes import loader as probe

MANY = 20_000


def found(*commands: str) -> dict[str, list[dict[str, Any]]]:
    """The rows by record; there must be no note."""
    one = sampling.probes()["batch"]
    rows: dict[str, list[dict[str, Any]]] = {}
    for record in probe.read(one, "".join([*commands, "end\n"]).encode()):
        assert not isinstance(record, Note), record
        if isinstance(record, Record):
            rows.setdefault(type(record).__name__, []).append(as_dict(record))
    return rows


def slurm(nodes: str = NODE, jobs: str = "", partitions: str = PARTITION) -> dict[str, list[dict[str, Any]]]:
    printed = f"{MARK}\n{jobs}" if jobs.startswith("{") else listed(*jobs.splitlines())
    return found(told(NODES, nodes), told(PARTITIONS, partitions), told(JOBS, printed))


def test_parts_of_a_job_of_several_kinds() -> None:
    text = "7+0|7|N/A|7|R|ivanov|501|nica|4|2026-11-21T10:00:03|2026-11-21T09:58:00|30:00|nc1|het|nc1\n"
    text += "7+1|7|N/A|8|PD|ivanov|501|gpu|8|N/A|2026-11-21T09:58:00|30:00||het|(Licenses)"
    jobs = slurm(jobs=text)["Job"]
    assert [(job["job"], job["tie"], job["slots"], job["reason"]) for job in jobs] == [
        ("7+0", "7", 4, None),
        ("7+1", "8", 8, "Licenses"),
    ]


def test_a_job_on_racks_and_cards() -> None:
    text = "9|9|N/A|9|R|ivanov|501|nica,gpu|64|2026-11-21T10:00:03|2026-11-21T09:58:00|2-00:00:00|"
    (job,) = slurm(jobs=f"{text}rack[1-2]-n[01-02],gpu[7,9]|mpi|rack[1-2]-n[01-02],gpu[7,9]")["Job"]
    assert (job["hosts"], job["queue"], job["limit"]) == ("rack[1-2]-n[01-02],gpu[7,9]", "nica,gpu", 172800)


@pytest.mark.parametrize("user", ["иванов", "JINR\\ivanov", "ivanov@jinr.ru", "a b", "用户"])
def test_users_with_other_letters(user: str) -> None:
    line = f"7|7|N/A|7|R|{user}|501|nica|1|2026-11-21T10:00:03|2026-11-21T09:58:00|30:00|nc1|реко|nc1"
    (job,) = slurm(jobs=line)["Job"]
    assert (job["user"], job["name"]) == (user, "реко")


def test_a_node_that_tells_nothing_yet() -> None:
    line = (
        "NodeName=cn-01 CoresPerSocket=1  CPUAlloc=0 CPUEfctv=1 CPUTot=1 CPULoad=N/A AvailableFeatures=(null) "
        "ActiveFeatures=(null) Gres=(null) NodeAddr=cn-01 NodeHostName=cn-01  RealMemory=1 AllocMem=0 FreeMem=N/A "
        "Sockets=1 Boards=1 State=FUTURE ThreadsPerCore=1 TmpDisk=0 Weight=1 Owner=N/A MCS_label=N/A  BootTime=None "
        "SlurmdStartTime=None LastBusyTime=Unknown ResumeAfterTime=None CfgTRES=cpu=1,mem=1M,billing=1 AllocTRES= "
        "CapWatts=n/a CurrentWatts=0 AveWatts=0 ExtSensorsJoules=n/s ExtSensorsWatts=0 ExtSensorsTemp=n/s"
    )
    (host,) = slurm(line)["Host"]
    assert (host["state"], host["load"], host["memory"], host["queues"]) == ("unknown", None, None, "")


def test_cards_and_licences_of_a_node() -> None:
    cards = "Gres=gpu:a100:4(S:0-1),license:mpd:2 GresDrain=N/A GresUsed=gpu:a100:2(IDX:0-1)"
    (host,) = slurm(NODE.replace("OS=Linux", f"{cards} OS=Linux").replace("IDLE", "MIXED+PLANNED"))["Host"]
    assert (host["state"], host["cpus"]) == ("busy", 8)


def test_a_cluster_whose_partitions_have_no_nodes() -> None:
    partitions = f"{PARTITION.replace('Nodes=nc1', 'Nodes=(null)')}\nPartitionName=dyn MaxTime=UNLIMITED State=INACTIVE"
    partitions += " TotalCPUs=0 TotalNodes=0 Nodes="
    queues = slurm(NODE, partitions=partitions)["Queue"]
    assert [(queue["queue"], queue["state"]) for queue in queues] == [("nica", "up"), ("dyn", "inactive")]


def test_a_federation_with_two_controllers() -> None:
    ping = told(
        PING, "Slurmctld(primary) at nc2 is UP\nSlurmctld(backup1) at nc3 is DOWN\nSlurmctld(backup2) at nc4 is UP"
    )
    rows = found(ping, told(NODES, NODE), told(PARTITIONS, PARTITION), told(JOBS, listed()))
    assert rows["Scheduler"][0]["reason"] == "Slurmctld(backup1) at nc3 is DOWN"


def test_arrays_of_many_tasks_are_few_rows() -> None:
    line = "8_[1-20000%50]|8|1-20000%50|8|PD|ivanov|501|nica|1|N/A|2026-11-21T09:58:00|30:00||reco|(JobArrayTaskLimit)"
    (job,) = slurm(jobs=line)["Job"]
    assert (job["tasks"], job["task"]) == (MANY, "1-20000%50")


def test_twenty_thousand_jobs() -> None:
    line = "7|7|N/A|7|PD|ivanov|501|nica|1|N/A|2026-11-21T09:58:00|30:00||reco|(Priority)"
    jobs = slurm(jobs="\n".join(line.replace("7|7|", f"{number}|{number}|", 1) for number in range(1, MANY + 1)))["Job"]
    assert len({job["job"] for job in jobs}) == MANY


def test_a_pool_with_cards_and_a_workflow() -> None:
    slot = {"Machine": "nc1", "SlotType": "Partitionable", "State": "Unclaimed", "Activity": "Idle", "Cpus": 0}
    slot |= {"TotalSlotCpus": 64, "Memory": 1024, "DetectedCpus": 64, "DetectedMemory": 256000, "TotalLoadAvg": 60.1}
    part = slot | {"SlotType": "Dynamic", "State": "Claimed", "Activity": "Busy", "Cpus": 64, "Memory": 250000}
    ad = {"ClusterId": 5, "ProcId": 0, "JobStatus": 2, "Owner": "ivanov", "QDate": 1795270000, "TotalSubmitProcs": 1}
    dag = ad | {"JobUniverse": 7, "Cmd": "/usr/bin/condor_dagman", "RequestCpus": 1}
    node = ad | {"ClusterId": 6, "JobUniverse": 5, "RequestCpus": 64, "RemoteHost": "slot1_1@nc1"}
    asked = ad | {"ClusterId": 7, "JobStatus": 1, "RequestCpus": "/Expr(ifThenElse(isUndefined(x), 1, 2))/"}
    rows = found(told(MACHINES, json.dumps([slot, part])), told(QUEUE, json.dumps([dag, node, asked])))
    assert [(host["slots"], host["used"], host["state"]) for host in rows["Host"]] == [(64, 64, "full")]
    assert [(job["job"], job["slots"], job["state"]) for job in rows["Job"]] == [
        ("5", 0, "running"),
        ("6", 64, "running"),
        ("7", 1, "waiting"),
    ]


def test_grid_engine_with_two_cells_of_names_and_unknown_values() -> None:
    silent = dict.fromkeys(("num_proc", "load_avg", "mem_total", "mem_used", "swap_total"), "-")
    hosts = [gridengine.host("n[1]", gridengine.queue("all.q", "au"), **silent), gridengine.host("узел-2")]
    jobs = [gridengine.job("1", JB_owner="иванов", tasks="1-20000:1", state="hqw", JB_name="a|b&amp;c")]
    one = sampling.probes()["batch"]
    text = f"{gridengine.qhost(*hosts)}{gridengine.qstat(*jobs)}end\n"
    rows = [row for row in probe.read(one, text.encode()) if not isinstance(row, Note)]
    told_of = [as_dict(row) for row in rows if isinstance(row, Record)]
    assert [row["host"] for row in told_of if "host" in row] == ["n[1]", "узел-2"]
    (job,) = (row for row in told_of if "job" in row)
    assert (job["user"], job["tasks"], job["state"], job["name"]) == ("иванов", MANY, "held", "a|b&c")
