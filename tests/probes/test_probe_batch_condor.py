"""What is read in the ads of HTCondor's machines and jobs."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sampling
from batches import MACHINES, QUEUE, rows, told
from hypothesis import given
from hypothesis import strategies as st

VERSION = "condor condor_version"
POOL = "condor condor_config_val COLLECTOR_HOST"
RELEASE = "$CondorVersion: 23.0.12 2024-06-11 BuildID: 739441 $\n$CondorPlatform: x86_64_AlmaLinux9 $"
SLOT = {"Machine": "nc1", "SlotType": "Static", "State": "Unclaimed", "Activity": "Idle", "Cpus": 1, "Memory": 2000}
JOB = {"ClusterId": 12, "ProcId": 3, "JobStatus": 2, "Owner": "ivanov", "QDate": 1795270000, "RequestCpus": 1}


def printed(ads: list[dict[str, Any]]) -> str:
    """Ads as HTCondor prints them; nothing at all where there are none."""
    return "[\n" + "\n,\n".join(json.dumps(ad, indent=2) for ad in ads) + "\n]" if ads else ""


def pool(machines: list[dict[str, Any]], jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return rows(told(MACHINES, printed(machines)), told(QUEUE, printed(jobs)), told(VERSION, RELEASE))


def host(*slots: dict[str, Any]) -> dict[str, Any]:
    (row,) = sampling.of("batch_host", pool([SLOT | slot for slot in slots], []))
    return row


def job(**attributes: Any) -> dict[str, Any]:
    (row,) = sampling.of("batch_job", pool([], [JOB | attributes]))
    return row


def test_a_pool_without_machines_and_jobs_is_up() -> None:
    assert pool([], []) == [
        {"record": "batch", "system": "condor", "state": "up", "reason": None, "version": "HTCondor 23.0.12"}
    ]


def test_empty_queues_are_told_in_words_by_some_versions() -> None:
    (only,) = rows(told(MACHINES), told(QUEUE, "All queues are empty"), told(VERSION, RELEASE))
    assert only["state"] == "up"


def test_parts_of_a_slot_are_not_counted_beside_it() -> None:
    whole = {"SlotType": "Partitionable", "Cpus": 20, "Memory": 96000, "TotalSlotCpus": 32}
    part = {"SlotType": "Dynamic", "State": "Claimed", "Activity": "Busy", "Cpus": 12, "TotalSlotCpus": 12}
    row = host(whole, part)
    assert (row["slots"], row["used"], row["state"]) == (32, 12, "busy")
    assert row["memory_used"] == 2000 * 1024**2
    assert row["words"] == "Claimed/Busy, Unclaimed/Idle"


@pytest.mark.parametrize(
    ("states", "state", "used"),
    [
        (["Unclaimed", "Unclaimed"], "free", 0),
        (["Claimed", "Unclaimed"], "busy", 1),
        (["Claimed", "Claimed"], "full", 2),
        (["Claimed", "Preempting"], "full", 2),
        (["Matched", "Unclaimed"], "busy", 1),
        (["Backfill", "Backfill"], "free", 0),
        (["Owner", "Owner"], "drained", 0),
        (["Owner", "Unclaimed"], "free", 0),
        (["Drained", "Claimed"], "drained", 1),
    ],
)
def test_several_slots_are_one_host(states: list[str], state: str, used: int) -> None:
    row = host(*({"Name": f"slot{number}@nc1", "State": one} for number, one in enumerate(states)))
    assert (row["state"], row["used"], row["slots"]) == (state, used, 2)


@pytest.mark.parametrize(
    ("state", "words"), [("Hatching", "Hatching/Idle"), (None, "unknown/Idle"), (5, "unknown/Idle")]
)
def test_a_slot_in_a_state_unheard_of_is_not_free(state: Any, words: str) -> None:
    found = host({"State": state})
    assert (found["state"], found["used"], found["slots"], found["words"]) == ("unknown", None, 1, words)


def test_a_machine_that_is_drained_says_why_and_since_when() -> None:
    row = host({"Draining": True, "State": "Claimed", "DrainReason": "new kernel", "LastDrainStartTime": 1795270000})
    assert (row["state"], row["reason"], row["marked"]) == ("drained", "new kernel", "2026-11-21T14:06:40Z")


def test_a_drain_that_is_over_is_not_told() -> None:
    row = host({"DrainReason": "new kernel", "LastDrainStartTime": 1795270000})
    assert (row["state"], row["reason"], row["marked"]) == ("free", None, None)


@pytest.mark.parametrize("value", ["/Expr(TotalCpus - 2)/", None, "/Expr(undefined)/", True])
def test_what_has_no_value_is_unknown(value: Any) -> None:
    row = host({"Cpus": value, "DetectedCpus": value, "TotalLoadAvg": value, "DetectedMemory": value})
    assert (row["slots"], row["cpus"], row["load"], row["memory"], row["state"]) == (None, None, None, None, "unknown")


def test_attributes_that_are_absent_are_unknown() -> None:
    (row,) = sampling.of("batch_host", pool([{"Machine": "nc1"}], []))
    assert [row[name] for name in ("cpus", "slots", "load", "memory", "reason")] == [None] * 5
    (row,) = sampling.of("batch_job", pool([], [{"ClusterId": 1, "ProcId": 0, "JobStatus": 1}]))
    assert [row[name] for name in ("submitted", "started", "hosts", "limit", "reason")] == [None] * 5


@pytest.mark.parametrize(
    ("status", "state", "words"),
    [
        (1, "waiting", "Idle"),
        (2, "running", "Running"),
        (3, "ending", "Removed"),
        (4, "ending", "Completed"),
        (5, "held", "Held"),
        (6, "ending", "TransferringOutput"),
        (7, "suspended", "Suspended"),
        (10, "other", "JobStatus 10"),
    ],
)
def test_a_job_has_a_state(status: int, state: str, words: str) -> None:
    row = job(JobStatus=status, HoldReason="no such file", RemoteHost="slot1_1@nc1.jinr.ru", JobStartDate=1795271000)
    began = state in ("running", "suspended")
    assert (row["state"], row["words"]) == (state, words)
    assert (row["hosts"], row["started"]) == (("nc1.jinr.ru", "2026-11-21T14:23:20Z") if began else (None, None))
    assert row["reason"] == ("no such file" if state == "held" else None)


def test_a_job_that_ran_before_counts_from_its_present_start() -> None:
    row = job(JobStartDate=1795271000, JobCurrentStartDate=1795280000)
    assert row["started"] == "2026-11-21T16:53:20Z"


@pytest.mark.parametrize(
    ("process", "submitted", "task"), [(0, 1, ""), (0, 20, "0"), (3, 20, "3"), (3, None, "3"), (0, None, "0")]
)
def test_a_cluster_of_several_jobs_is_an_array(process: int, submitted: int | None, task: str) -> None:
    row = job(ProcId=process, TotalSubmitProcs=submitted)
    assert (row["job"], row["task"], row["tasks"], row["tie"]) == ("12", task, 1, f"12.{process}")


@pytest.mark.parametrize(
    ("attributes", "slots"),
    [({"RequestCpus": 12}, 12), ({"RequestCpus": "/Expr(X)/", "CpusProvisioned": 4}, 4), ({"RequestCpus": None}, 1)],
)
def test_a_job_has_the_slots_that_it_asks_for(attributes: dict[str, Any], slots: int) -> None:
    assert job(**attributes)["slots"] == slots


@pytest.mark.parametrize(("universe", "slots"), [(7, 0), (12, 0), (5, 1), (11, 1), (None, 1), ("/Expr(X)/", 1)])
def test_a_job_beside_the_schedd_takes_no_slot_of_the_pool(universe: Any, slots: int) -> None:
    """DAGMan (7, scheduler) and jobs of the universe local (12)."""
    row = job(JobUniverse=universe)
    assert (row["slots"], row["state"], row["hosts"]) == (slots, "running", None)


@pytest.mark.parametrize(
    ("hosts", "folded"),
    [
        ("slot1@nc1.jinr.ru,slot2@nc2.jinr.ru", "nc[1-2].jinr.ru"),
        ("slot1@glidein_7@nc1", "nc1"),
        ("slot1@a[1-999999999],slot1@b", "a[1-999999999],b"),
    ],
)
def test_hosts_of_a_job_are_folded_and_a_user_cannot_unfold_them(hosts: str, folded: str) -> None:
    assert job(RemoteHosts=hosts)["hosts"] == folded


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ({"Cmd": "/lhep/reco.sh"}, "reco.sh"),
        ({"Cmd": "/lhep/reco.sh", "JobBatchName": "AuAu|9 GeV"}, "AuAu|9 GeV"),
        ({"Cmd": "/lhep/reco.sh", "JobBatchName": "/Expr(strcat(Owner))/"}, "reco.sh"),
        ({"JobBatchName": "\x1b[31mреко\n]"}, "␛[31mреко␊]"),
        ({}, ""),
    ],
)
def test_a_job_has_a_name(attributes: dict[str, Any], name: str) -> None:
    assert job(**attributes)["name"] == name


def test_equal_numbers_of_two_schedds_are_two_jobs() -> None:
    ads = [JOB | {"GlobalJobId": f"{schedd}#12.3#1795270000"} for schedd in ("nc1", "nc2")]
    found = rows(told(MACHINES), told(QUEUE, f"{printed(ads[:1])}\n{printed(ads[1:])}"))
    assert [row["job"] for row in sampling.of("batch_job", found)] == ["12@nc1", "12@nc2"]


@pytest.mark.parametrize(
    ("commands", "reason"),
    [
        ([told(MACHINES, "", 1, "Error: communication error")], "Error: communication error"),
        ([told(MACHINES), told(QUEUE, "", 1, "Error: Can't contact condor_collector")], "Error: Can't contact condor_"),
        ([told(MACHINES, status="hung")], "condor_status did not answer in time"),
        ([told(POOL, status="hung")], "condor_config_val did not answer in time"),
        ([told(MACHINES), told(QUEUE, errors="-- Failed to fetch ads from: <10.0.0.1> : nc2")], "-- Failed to fetch"),
    ],
)
def test_a_pool_is_down_with_the_reason_in_words(commands: list[str], reason: str) -> None:
    (only,) = rows(*commands)
    assert only["state"] == "down"
    assert only["reason"].startswith(reason)


@pytest.mark.parametrize("jobs", ['{"jobs": []}', "[1]", "[{}]", '[{"ClusterId": 1, "ProcId": 0}]', "Segmentation"])
def test_what_is_no_list_of_jobs_is_not_read(jobs: str) -> None:
    with pytest.raises(ValueError):
        rows(told(MACHINES), told(QUEUE, jobs))


def test_commands_that_were_not_asked_are_not_taken_for_none() -> None:
    with pytest.raises(ValueError, match="missing"):
        rows(told(MACHINES))


@given(data=st.data())
def test_ads_that_are_cut_are_not_read(data: st.DataObject) -> None:
    whole = printed([SLOT, SLOT | {"Machine": "nc2"}])
    with pytest.raises(ValueError):
        rows(told(MACHINES, whole[: data.draw(st.integers(1, len(whole) - 1))]), told(QUEUE))
