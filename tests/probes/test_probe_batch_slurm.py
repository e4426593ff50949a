"""What is read in Slurm's text and JSON: awkward values, and outputs that must not pass for something else."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sampling
from batches import JOB, JOBS, MARK, NODE, NODES, PARTITION, PARTITIONS, PING, listed, rows, slurm, told

WAITING = "7|7|N/A|7|PD|ivanov|501|nica|1|N/A|2026-11-21T09:58:00|30:00||reco|(Resources)"


def host(nodes: str) -> dict[str, Any]:
    (row,) = sampling.of("batch_host", slurm(nodes))
    return row


def job(jobs: str) -> dict[str, Any]:
    (row,) = sampling.of("batch_job", slurm(jobs=jobs))
    return row


def node(**values: Any) -> str:
    return json.dumps({"nodes": [{"name": "nc1", "state": ["IDLE"], **values}], "errors": []})


@pytest.mark.parametrize(
    ("text", "reason", "by", "marked"),
    [
        ("fan=bad? State=down [root@2026-11-20T17:03:11]", "fan=bad? State=down", "root", "2026-11-20T17:03:11Z"),
        ("a [b@c] Reason=d [501@2026-11-20T17:03:11]", "a [b@c] Reason=d", "501", "2026-11-20T17:03:11Z"),
        ("a Comment=b [root@2026-11-20T17:03:11] Comment=c", "a Comment=b", "root", "2026-11-20T17:03:11Z"),
        ("one [root@2026-11-20T17:03:11]        two        three", "one two three", "root", "2026-11-20T17:03:11Z"),
        ("seen [slurm@Unknown]", "seen", "slurm", None),
        ("unsigned Extra=State=DOWN", "unsigned", None, None),
        ("(null)", None, None, None),
    ],
)
def test_a_reason_is_split_into_text_author_and_time(text: str, reason: str, by: str, marked: str) -> None:
    row = host(f"{NODE} Reason={text}")
    assert (row["reason"], row["by"], row["marked"], row["state"]) == (reason, by, marked, "free")


def test_what_looks_like_a_key_in_free_text_is_no_key() -> None:
    row = host(f"{NODE} Comment=State=DOWN Partitions=none Reason=no [root@2026-11-20T17:03:11]\nCPUTot=1\nNode")
    assert (row["state"], row["queues"], row["reason"], row["cpus"]) == ("free", "nica", None, 8)


@pytest.mark.parametrize(("text", "load"), [("0.10", 0.1), ("N/A", None), ("42949672.94", None), ("1234.50", 1234.5)])
def test_a_load_in_text_is_the_load(text: str, load: float | None) -> None:
    assert host(NODE.replace("0.10", text))["load"] == load


@pytest.mark.parametrize(
    ("value", "load"),
    [
        (10, 0.1),
        ({"set": True, "infinite": False, "number": 10}, 0.1),
        ({"set": False, "infinite": False, "number": 0}, None),
        ({"set": True, "infinite": True, "number": 0}, None),
        (4294967294, None),
        (None, None),
    ],
)
def test_a_load_in_json_is_in_hundredths_and_a_number_has_two_shapes(value: Any, load: float | None) -> None:
    assert host(node(cpu_load=value))["load"] == load


@pytest.mark.parametrize(
    ("used", "allocated", "given_out"), [(0, 0, 0), (4, 512, 512 * 1024**2), (4, 0, None), (0, 1, 1024**2)]
)
def test_memory_in_use_is_unknown_where_slurm_does_not_deal_it_out(
    used: int, allocated: int, given_out: int | None
) -> None:
    text = NODE.replace("CPUAlloc=0", f"CPUAlloc={used}").replace("AllocMem=0", f"AllocMem={allocated}")
    assert host(text)["memory_used"] == given_out
    assert host(node(alloc_cpus=used, alloc_memory=allocated, real_memory=16000))["memory_used"] == given_out


def test_memory_that_nobody_has_configured_is_unknown() -> None:
    assert host(NODE.replace("RealMemory=16000", "RealMemory=1"))["memory"] is None
    assert host(node(real_memory=1))["memory"] is None


def test_slots_are_those_that_are_left_for_jobs() -> None:
    effective = host(NODE.replace("CPUTot=8", "CPUEfctv=6 CPUTot=8"))
    assert (effective["slots"], effective["cpus"]) == (6, 8)
    effective = host(node(cpus=8, effective_cpus=6))
    assert (effective["slots"], effective["cpus"]) == (6, 8)


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("CPUTot=8 Boards=1 CoreSpecCount=1 CPUSpecList=6-7 ThreadsPerCore=2", 6),
        ("CPUTot=8 Boards=1 CoreSpecCount=2 ThreadsPerCore=1", 6),
        ("CPUEfctv=6 CPUTot=8 Boards=1 CoreSpecCount=1 ThreadsPerCore=2", 6),
        ("CPUEfctv=0 CPUTot=8 Boards=1 CoreSpecCount=4 ThreadsPerCore=2", 0),
        ("CPUTot=8 Boards=1 CoreSpecCount=9 ThreadsPerCore=1", 0),
        ("CPUTot=8 Boards=1 MemSpecLimit=1024 ThreadsPerCore=2", 8),
    ],
)
def test_cores_that_a_node_keeps_for_itself_are_no_slots(text: str, slots: int) -> None:
    """Before 21.08 no key says how many are left."""
    head, spec, threads = text.partition(" Boards=1")[0], *text.partition(" Boards=1")[2].rsplit(" ", 1)
    line = NODE.replace("CPUTot=8", head).replace("Boards=1", f"Boards=1{spec}").replace("ThreadsPerCore=1", threads)
    row = host(line)
    assert (row["slots"], row["cpus"]) == (slots, 8)


def test_cores_that_a_node_keeps_for_itself_are_no_slots_in_json() -> None:
    assert host(node(cpus=8, specialized_cores=1, threads=2))["slots"] == 6
    assert host(node(cpus=8, specialized_cores=1, threads=2, effective_cpus=7))["slots"] == 7


@pytest.mark.parametrize("cpus", [1e30, "4", -1, [4]])
def test_processors_of_a_job_that_cannot_be_read_are_unknown_and_not_one(cpus: Any) -> None:
    one = {"job_id": 7, "job_state": ["RUNNING"], "cpus": cpus}
    assert job(json.dumps({"jobs": [one], "errors": []}))["slots"] is None
    assert job(json.dumps({"jobs": [one | {"tres_alloc_str": "cpu=4,mem=2G"}], "errors": []}))["slots"] == 4
    assert job(json.dumps({"jobs": [one | {"cpus": None, "node_count": 2}], "errors": []}))["slots"] == 2


def test_before_16_05_the_partitions_say_which_nodes_they_have() -> None:
    nodes = "\n".join(NODE.replace("nc1", name).replace(" Partitions=nica ", "") for name in ("rack1-n01", "rack1-n02"))
    partitions = "\n".join(
        PARTITION.replace("nica", name).replace("Nodes=nc1", f"Nodes={members}")
        for name, members in (
            ("mpd", "rack[1-2]-n[01-02]"),
            ("bmn", "rack1-n02,gone"),
            ("none", "(null)"),
            ("all", "n[1-200000000]"),
        )
    )
    found = slurm(nodes, partitions)
    assert {row["host"]: row["queues"] for row in sampling.of("batch_host", found)} == {
        "rack1-n01": "mpd",
        "rack1-n02": "mpd,bmn",
    }
    slots = {row["queue"]: row["slots"] for row in sampling.of("batch_queue", found)}
    assert slots == {"mpd": 16, "bmn": 8, "none": 0, "all": 0}


@pytest.mark.parametrize("state", ["UP", "DOWN", "DRAIN", "INACTIVE"])
def test_a_partition_has_free_slots_only_while_it_is_up(state: str) -> None:
    (queue,) = sampling.of("batch_queue", slurm(partitions=PARTITION.replace("State=UP", f"State={state}")))
    assert (queue["state"], queue["slots"], queue["free"]) == (state.lower(), 8, 8 if state == "UP" else 0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1-00:00:00", 86400),
        ("8:12:44", 29564),
        ("30:00", 1800),
        ("0:05", 5),
        ("365-00:00:00", 31536000),
        ("30", 1800),
        ("2-12", 216000),
        ("1-12:30", 131400),
        ("UNLIMITED", None),
        ("INFINITE", None),
        ("NOT_SET", None),
        ("INVALID", None),
        ("N/A", None),
        ("Partition_Limit", None),
        ("NONE", None),
    ],
)
def test_a_limit_is_in_seconds_or_unknown(text: str, seconds: float | None) -> None:
    assert job(JOB.replace("30:00", text))["limit"] == seconds
    (queue,) = sampling.of("batch_queue", slurm(partitions=PARTITION.replace("UNLIMITED", text)))
    assert queue["limit"] == seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (90, 5400),
        (None, None),
        (4294967294, None),
        (4294967295, None),
        ({"set": True, "infinite": False, "number": 90}, 5400),
        ({"set": False, "infinite": True, "number": 0}, None),
        ({"set": True, "infinite": True, "number": 0}, None),
    ],
)
def test_a_limit_in_json_is_in_minutes(value: Any, seconds: float | None) -> None:
    one = {"job_id": 7, "job_state": "RUNNING", "time_limit": value}
    assert job(json.dumps({"jobs": [one], "errors": []}))["limit"] == seconds


@pytest.mark.parametrize("text", ["N/A", "Unknown", "NONE", "None", "", "%V", "11/21-10:00:03"])
def test_a_time_that_is_none_is_unknown(text: str) -> None:
    row = job(JOB.replace("2026-11-21T10:00:03", text))
    assert (row["started"], row["submitted"]) == (None, "2026-11-21T09:58:00Z")


def test_a_job_that_waits_has_not_been_started_though_a_start_is_foreseen() -> None:
    assert job(WAITING.replace("|N/A|2026", "|2027-01-01T00:00:00|2026"))["started"] is None


@pytest.mark.parametrize(
    ("index", "tasks"),
    [("7", 1), ("8-5000%50", 4993), ("1-20000", 20000), ("1,3,8-9", 4), ("1-9:4", 3), ("0-0", 1), ("1-3,5...", 3)],
)
def test_an_array_is_counted_and_never_expanded(index: str, tasks: int) -> None:
    row = job(WAITING.replace("7|7|N/A|7", f"7_[{index}]|7|{index}|7"))
    assert (row["job"], row["task"], row["tasks"], row["tie"]) == ("7", index, tasks, "7")


def test_a_task_is_tied_by_its_own_number() -> None:
    row = job(JOB.replace("7|7|N/A|7", "15452000_7|15452000|7|15452007"))
    assert (row["job"], row["task"], row["tie"]) == ("15452000", "7", "15452007")


@pytest.mark.parametrize(
    ("user", "uid", "owner"),
    [("ivanov", "501", "ivanov"), ("(null)", "501", "501"), ("nobody", "501", "501"), ("501", "501", "501")],
)
def test_a_user_without_a_name_is_a_number(user: str, uid: str, owner: str) -> None:
    assert job(JOB.replace("ivanov|501", f"{user}|{uid}"))["user"] == owner


def test_a_user_without_a_name_in_json_is_a_number() -> None:
    one = {"job_id": 7, "job_state": "RUNNING", "user_name": None, "user_id": 1006}
    assert job(json.dumps({"jobs": [one], "errors": []}))["user"] == "1006"


@pytest.mark.parametrize("name", ["a|b", " blank ", "реко", "\x1b[31m", "a\nb", "x|(Resources)", "end", "", "%j"])
def test_a_name_may_hold_anything(name: str) -> None:
    printed = listed(JOB.replace("|reco|", f"|{name}|"), JOB.replace("7|7", "8|8"))
    found = rows(told(NODES, NODE), told(PARTITIONS, PARTITION), told(JOBS, printed))
    first, second = sampling.of("batch_job", found)
    assert first["name"] == name.replace("\x1b", "␛").replace("\n", "␊")
    assert (second["job"], second["name"]) == ("8", "reco")


def test_a_name_cannot_forge_another_job() -> None:
    forged = f"x\n8|8|N/A|8|R|root|0|nica|64|N/A|N/A|30:00|nc1|forged|nc1|{MARK[:-1]}\nend\nguard {PING} 0"
    printed = listed(JOB.replace("|reco|", f"|{forged}|"))
    found = rows(told(NODES, NODE), told(PARTITIONS, PARTITION), told(JOBS, printed))
    assert [(row["job"], row["user"]) for row in sampling.of("batch_job", found)] == [("7", "ivanov")]


def test_text_and_json_tell_the_same_of_the_same_moment() -> None:
    """Both samples are of one real cluster; the states have short words in text and long ones in JSON."""
    told_in = [
        sampling.rows("batch", (sampling.folder("batch") / f"{name}.out").read_bytes())
        for name in ("slurm_real2205", "slurm_2205json")
    ]
    text, json_ = (
        {(row["job"], row["task"]): {**row, "words": ""} for row in sampling.of("batch_job", one)} for one in told_in
    )
    assert text == json_
    assert len(text) == 9


@pytest.mark.parametrize("system", [name for _, name in sampling.samples() if name.startswith("slurm_")])
def test_slots_of_a_queue_are_those_of_its_nodes(system: str) -> None:
    found = sampling.rows("batch", (sampling.folder("batch") / f"{system}.out").read_bytes())
    for queue in sampling.of("batch_queue", found):
        own = [row for row in sampling.of("batch_host", found) if queue["queue"] in row["queues"].split(",")]
        assert queue["slots"] == sum(row["slots"] for row in own)
        assert queue["used"] == sum(row["used"] for row in own)
        assert queue["used"] + queue["free"] <= queue["slots"]
        assert queue["broken"] + queue["free"] <= queue["slots"]


@pytest.mark.parametrize(
    ("system", "without"),
    [("slurm", set()), ("condor", {("batch_host", "by"), ("batch_job", "queue")})],
)
def test_samples_together_show_every_field_that_a_system_knows(system: str, without: set[tuple[str, str]]) -> None:
    outputs = sampling.folder("batch").glob(f"{system}*.out")
    found = [row for file in outputs for row in sampling.rows("batch", file.read_bytes())]
    known = {(row["record"], name) for row in found for name, value in row.items() if value is not None}
    assert {(row["record"], name) for row in found for name in row} - known == without
