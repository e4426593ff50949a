"""Any value of a job, a node or a queue may be strange: it costs that value or that row, with a note, and no more."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import batches
import gridengine
import pytest
import sampling
from batches import JOB, JOBS, MACHINES, MARK, NODE, NODES, PARTITION, PARTITIONS, QUEUE, listed, told
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nicassh.model.notes import Note
from nicassh.model.outcome import Unknown
from nicassh.model.records import Record, as_dict
from nicassh.probes import loader as probe

STRANGE: list[Any] = [
    1e30, 1e300, float("inf"), float("-inf"), float("nan"), -1, -1.5, 0, 2**31 + 1, 2**63, 2**64, 10**40, "", "words",
    "ы\x1b[31m", "1e30", "-1", "NaN", "9" * 400, True, False, [], [1], ["a"], {}, {"set": True},
    {"set": True, "number": "x"},
    {"number": {"number": 1}}, [[[]]], "/Expr(1)/", "a\nb", "{{", "n[1-99999999]", "\x00", "'", "(null)", "N/A",
]  # fmt: skip
PYTHON = re.compile(
    r"0x[0-9a-f]{6}|Element|"
    r"Error|Traceback|invalid literal|NoneType|not supported|object has|argument|unpack|index out|must be|Invalid"
)
SLOT = {
    "Machine": "nc1", "SlotType": "Static", "State": "Claimed", "Activity": "Busy", "Cpus": 4, "Memory": 2000,
    "TotalSlotCpus": 4, "TotalLoadAvg": 1.5, "DetectedCpus": 8, "DetectedMemory": 16000, "TotalCpus": 8.0,
    "TotalMemory": 16000, "Draining": True, "DrainReason": "fan", "LastDrainStartTime": 1795270000,
}  # fmt: skip
AD = {
    "ClusterId": 12, "ProcId": 3, "TotalSubmitProcs": 4, "GlobalJobId": "nc2#12.3#1795270000", "Owner": "ivanov",
    "User": "ivanov@jinr.ru", "JobStatus": 2, "JobUniverse": 5, "JobBatchName": "reco", "Cmd": "/lhep/reco.sh",
    "RequestCpus": 4, "CpusProvisioned": 4, "RemoteHost": "slot1@nc1", "RemoteHosts": "slot1@nc1,slot1@nc2",
    "QDate": 1795270000, "JobCurrentStartDate": 1795271000, "JobStartDate": 1795271000, "AllowedJobDuration": 3600,
    "HoldReason": "no such file",
}  # fmt: skip
NODE_FIELDS = {
    "name": "nc1", "state": ["IDLE"], "state_flags": ["DRAIN"], "cpus": 8, "effective_cpus": 6, "alloc_cpus": 4,
    "cpu_load": {"set": True, "infinite": False, "number": 150}, "real_memory": 16000, "alloc_memory": 8000,
    "reason": "fan", "reason_set_by_user": "root", "reason_changed_at": 1795270000, "partitions": ["nica"],
    "specialized_cores": 1, "threads": 2,
}  # fmt: skip
JOB_FIELDS = {
    "job_id": 7, "array_job_id": 7, "array_task_id": 3, "array_task_string": "1-9", "het_job_id": 0,
    "het_job_offset": 0, "user_name": "ivanov", "user_id": 501, "name": "reco", "job_state": ["RUNNING"],
    "state_reason": "None", "state_description": "", "partition": "nica", "cpus": 4, "node_count": 1,
    "tres_alloc_str": "cpu=4", "tres_req_str": "cpu=4", "nodes": "nc1", "submit_time": 1795270000,
    "start_time": 1795271000, "time_limit": {"set": True, "infinite": False, "number": 90},
}  # fmt: skip
GOOD = "the good one"


def read(*commands: str) -> tuple[list[Record], list[str]]:
    """The records that fit a database, and the notes without any word of Python."""
    one = sampling.probes()["batch"]
    found = probe.read(one, "".join([*commands, "end\n"]).encode("utf-8", "surrogateescape"))
    notes = [note.text for note in found if isinstance(note, Note)]
    assert not [note for note in notes if PYTHON.search(note)], notes
    assert all(isinstance(row, Record | Unknown | Note) for row in found)
    return [row for row in found if isinstance(row, Record)], notes


def ads(rows: list[dict[str, Any]]) -> str:
    return "[\n" + "\n,\n".join(json.dumps(row) for row in rows) + "\n]"


def names(records: list[Record], name: str) -> list[str]:
    """The names of hosts, queues or jobs among the records."""
    return [str(as_dict(row)[name]) for row in records if type(row).__name__.lower() == name]


@pytest.mark.parametrize("field", SLOT)
def test_a_machine_of_htcondor(field: str) -> None:
    for value in STRANGE:
        records, _ = read(told(MACHINES, ads([SLOT | {field: value}, {"Machine": GOOD}])), told(QUEUE, ads([AD])))
        assert GOOD in names(records, "host")
        assert names(records, "job") == ["12"]


@pytest.mark.parametrize("field", AD)
def test_a_job_of_htcondor(field: str) -> None:
    for value in STRANGE:
        good = AD | {"ClusterId": 99}
        records, notes = read(told(MACHINES, ads([SLOT])), told(QUEUE, ads([AD | {field: value}, good])))
        assert [name.partition("@")[0] for name in names(records, "job")][-1] == "99"
        assert names(records, "host") == ["nc1"]
        if value in (1e30, -1, 2**64) and field in ("RequestCpus", "QDate", "ClusterId", "JobStatus"):
            assert notes and field in notes[0], notes


def test_a_user_who_asks_for_more_than_there_is() -> None:
    records, notes = read(
        told(MACHINES, ads([SLOT])), told(QUEUE, ads([AD | {"RequestCpus": 1e30, "CpusProvisioned": None}]))
    )
    (job,) = (as_dict(row) for row in records if "job" in as_dict(row))
    assert (job["user"], job["slots"], job["name"]) == ("ivanov", None, "reco")
    assert notes == ["job 12.3: RequestCpus 1e+30 cannot be read"]


@pytest.mark.parametrize(
    "text",
    ["9" * 5000, "[" * 5000 + "]" * 5000, "1e999", "-" + "9" * 5000],
    ids=["digits", "lists", "exponent", "minus"],
)
def test_a_value_that_python_itself_refuses(text: str) -> None:
    printed = ads([AD | {"RequestCpus": "HERE"}, AD | {"ClusterId": 99}]).replace('"HERE"', text)
    records, notes = read(told(MACHINES, ads([SLOT])), told(QUEUE, printed))
    assert names(records, "job")[-1] == "99"
    assert notes


@pytest.mark.parametrize("field", NODE_FIELDS)
def test_a_node_of_slurm_in_json(field: str) -> None:
    for value in STRANGE:
        nodes = {"nodes": [NODE_FIELDS | {field: value}, NODE_FIELDS | {"name": GOOD}], "errors": []}
        records, _ = read(told(NODES, json.dumps(nodes)), told(PARTITIONS, PARTITION), told(JOBS, listed(JOB)))
        assert GOOD in names(records, "host")
        assert names(records, "queue")[0] == "nica" and names(records, "job") == ["7"]


@pytest.mark.parametrize("field", JOB_FIELDS)
def test_a_job_of_slurm_in_json(field: str) -> None:
    for value in STRANGE:
        good = {"job_id": 99, "job_state": "PENDING"}
        jobs = json.dumps({"jobs": [JOB_FIELDS | {field: value}, good], "errors": []})
        records, _ = read(told(NODES, NODE), told(PARTITIONS, PARTITION), told(JOBS, f"{MARK}\n{jobs}"))
        assert names(records, "job")[-1] == "99"
        assert names(records, "host") == ["nc1"]


@pytest.mark.parametrize("place", range(14))
def test_a_job_of_slurm_in_text(place: int) -> None:
    for value in STRANGE:
        fields = JOB.split("|")
        fields[place] = str(value).replace("|", "")
        printed = listed("|".join(fields), JOB.replace("7|7|", "99|99|", 1))
        records, _ = read(told(NODES, NODE), told(PARTITIONS, PARTITION), told(JOBS, printed))
        assert names(records, "job")[-1] == "99"
        assert names(records, "host") == ["nc1"]


@pytest.mark.parametrize("key", [word.partition("=")[0] for word in NODE.split() if "=" in word])
def test_a_node_of_slurm_in_text(key: str) -> None:
    for value in STRANGE:
        text = re.sub(rf"(?<= ){key}=\S+", lambda _, told=value: f"{key}={told}".replace("\n", " "), f" {NODE}").strip()
        nodes = f"{text}\n{NODE.replace('nc1', 'nc99')}"
        records, _ = read(told(NODES, nodes), told(PARTITIONS, PARTITION), told(JOBS, listed(JOB)))
        assert "nc99" in names(records, "host")
        assert names(records, "job") == ["7"]


@pytest.mark.parametrize("key", ["PartitionName", "MaxTime", "Nodes", "State", "TotalNodes"])
def test_a_partition_of_slurm(key: str) -> None:
    for value in STRANGE:
        old = NODE.replace(" Partitions=nica ", "")
        strange = re.sub(rf"\b{key}=\S+", lambda _, told=value: f"{key}={told}".replace("\n", " "), PARTITION)
        partitions = f"{strange}\n{PARTITION.replace('=nica', '=zz')}"
        records, _ = read(told(NODES, old), told(PARTITIONS, partitions), told(JOBS, listed(JOB)))
        assert [name for name in names(records, "queue") if name == "zz"] == ["zz"]
        assert names(records, "host") == ["nc1"]


def escaped(value: Any) -> str:
    return str(value).replace("&", "&amp;").replace("<", "&lt;")


@pytest.mark.parametrize("field", ["num_proc", "load_avg", "mem_total", "mem_used", "np_load_avg", "swap_total"])
def test_a_host_of_grid_engine(field: str) -> None:
    for value in STRANGE:
        hosts = [gridengine.host("nc1", **{field: escaped(value)}), gridengine.host("nc99")]
        records, _ = read(str(gridengine.qhost(*hosts)), str(gridengine.qstat(gridengine.job())))
        assert names(records, "host") == ["nc1", "nc99"]
        assert len(names(records, "job")) == 1


@pytest.mark.parametrize("field", ["slots_used", "slots", "slots_resv", "state_string"])
def test_a_queue_of_a_host_of_grid_engine(field: str) -> None:
    for value in STRANGE:
        queue = gridengine.queue("all.q", "").replace("</queue>", "")
        queue += f"<queuevalue qname='all.q' name='{field}'>{escaped(value)}</queuevalue>\n</queue>\n"
        hosts = [gridengine.host("nc1", queue), gridengine.host("nc99")]
        records, _ = read(str(gridengine.qhost(*hosts)), str(gridengine.qstat(gridengine.job())))
        assert names(records, "host") == ["nc1", "nc99"]


@pytest.mark.parametrize(
    "field", ["slots", "tasks", "state", "JB_owner", "JB_name", "JAT_start_time", "JB_submission_time"]
)
def test_a_job_of_grid_engine(field: str) -> None:
    for value in STRANGE:
        jobs = [gridengine.job("7", **{field: escaped(value)}), gridengine.job("99")]
        records, _ = read(str(gridengine.qhost(gridengine.host())), str(gridengine.qstat(*jobs)))
        assert names(records, "job")[-1] == "99"
        assert len(names(records, "host")) == 1


@pytest.mark.parametrize("field", ["name", "load", "used", "available", "total", "manual_intervention"])
def test_a_queue_of_grid_engine(field: str) -> None:
    for value in STRANGE:
        about = {
            "name": "all.q",
            "load": "0.5",
            "used": "1",
            "available": "2",
            "total": "3",
            "manual_intervention": "0",
        }
        one = "".join(f"<{key}>{escaped(text)}</{key}>" for key, text in (about | {field: value}).items())
        two = "".join(f"<{key}>{text}</{key}>" for key, text in (about | {"name": "zz"}).items())
        rows = "".join(f"<cluster_queue_summary>{row}</cluster_queue_summary>" for row in (one, two))
        summary = gridengine.Said("qstat -g c -xml", f"{gridengine.XML}<job_info>{rows}</job_info>")
        records, _ = read(
            str(gridengine.qhost(gridengine.host())), str(gridengine.qstat(gridengine.job())), str(summary)
        )
        assert names(records, "queue")[-1] == "zz"


def test_an_answer_of_one_system_that_cannot_be_read_leaves_the_others_theirs() -> None:
    slurm = [told(NODES, NODE), told(PARTITIONS, PARTITION), told(JOBS, listed(JOB))]
    records, notes = read(*slurm, told(MACHINES, "Segmentation fault"), told(QUEUE, ""))
    assert {as_dict(row)["system"] for row in records} == {"slurm"}
    assert len(notes) == 1 and notes[0].startswith("the answer of condor cannot be read: no list of ads")
    found = probe.read(
        sampling.probes()["batch"], "".join([*slurm, told(MACHINES, "x"), told(QUEUE), "end\n"]).encode()
    )
    kept = [gap for gap in found if isinstance(gap, Unknown)]
    assert {gap.where for gap in kept} == {(("system", "condor"),)}
    assert {gap.record for gap in kept} == set(sampling.probes()["batch"].records.values())


def test_lists_without_end_take_linear_time() -> None:
    """A head that lies; a copy of the rest for each list would take minutes."""
    spent = []
    for number in (50_000, 200_000):
        begun = time.process_time()
        read(told(MACHINES, "[] " * number + ads([SLOT])), told(QUEUE, ads([AD])))
        spent.append(time.process_time() - begun)
    assert spent[1] < 12 * spent[0] + 0.2


def test_notes_are_few_and_count_the_rest() -> None:
    jobs = [AD | {"ClusterId": number, "QDate": -1} for number in range(1, 500)]
    _, notes = read(told(MACHINES, ads([SLOT])), told(QUEUE, ads(jobs)))
    assert len(notes) <= 11
    assert batches.rows(told(MACHINES, ads([SLOT])), told(QUEUE, ads(jobs)))[-1]["submitted"] is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9), st.lists, max_leaves=5
)


@settings(deadline=None, max_examples=300)
@given(st.dictionaries(st.sampled_from(sorted(AD)), JSON), st.dictionaries(st.sampled_from(sorted(SLOT)), JSON))
@example({"ClusterId": None}, {"Machine": None})
def test_anything_in_an_ad(job: dict[str, Any], slot: dict[str, Any]) -> None:
    good = AD | {"ClusterId": 99}
    records, _ = read(told(MACHINES, ads([SLOT | slot, {"Machine": GOOD}])), told(QUEUE, ads([AD | job, good])))
    assert names(records, "job")[-1].partition("@")[0] == "99"
    assert GOOD in names(records, "host")
