"""When Slurm is down, and which outputs are not read at all because something is missing in them."""

from __future__ import annotations

import json

import pytest
from batches import JOB, JOBS, MARK, NODE, NODES, PARTITION, PARTITIONS, PING, VERSION, listed, rows, slurm, told
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize("command", ["nodes", "partitions", "jobs"])
@pytest.mark.parametrize(
    "error",
    [
        "slurm_load_partitions: Unable to contact slurm controller (connect failure)",
        "slurm_load_jobs error: Socket timed out on send/recv operation",
        'scontrol: error: Munge encode failed: Failed to access "/run/munge/munge.socket.2": No such file',
        "slurm_load_node error: Zero Bytes were transmitted or received",
        "",
    ],
)
def test_a_command_that_fails_means_down_and_no_row_besides(command: str, error: str) -> None:
    well = {"nodes": told(NODES, NODE), "partitions": told(PARTITIONS, PARTITION), "jobs": told(JOBS, listed())}
    name = {"nodes": NODES, "partitions": PARTITIONS, "jobs": JOBS}[command]
    found = rows(told(VERSION, "slurm 23.11.10"), *(well | {command: told(name, "", 1, error)}).values())
    program = "squeue" if command == "jobs" else "scontrol"
    assert [(row["state"], row["reason"]) for row in found] == [("down", error or f"{program} ended with 1")]
    assert found[0]["version"] == "slurm 23.11.10"


@pytest.mark.parametrize(
    ("commands", "reason"),
    [
        ([told(PING, "Slurmctld(primary) at nc3 is DOWN", 1)], "Slurmctld(primary) at nc3 is DOWN"),
        (
            [told(PING, "Slurmctld(primary/backup) at nc2/nc3 are DOWN/DOWN")],
            "Slurmctld(primary) at nc2 is DOWN. Slurmctld(backup) at nc3 is DOWN",
        ),
        ([told(PING, "", 1, "scontrol: fatal: no config")], "scontrol: fatal: no config"),
        ([told(VERSION, status="hung")], "scontrol did not answer in time"),
        ([told(VERSION, "slurm 2.3.5"), told(PING, status="hung")], "scontrol did not answer in time"),
        ([told(NODES, status="hung")], "scontrol did not answer in time"),
        ([told(NODES, NODE), told(PARTITIONS, PARTITION), told(JOBS, status="hung")], "squeue did not answer in time"),
        ([told(NODES, status="stuck")], "scontrol of an earlier run still hangs and cannot be killed"),
        ([told(NODES, '{"nodes": [], "errors": [{"error": "Unspecified error", "errno": -1}]}')], "Unspecified error"),
        (
            [
                told(NODES, NODE),
                told(PARTITIONS, PARTITION),
                told(JOBS, MARK + '\n{"jobs": [], "errors": [{"description": "Failed while looking for jobs"}]}'),
            ],
            "Failed while looking for jobs",
        ),
    ],
)
def test_slurm_is_down_with_the_reason_in_words(commands: list[str], reason: str) -> None:
    assert [(row["state"], row["reason"]) for row in rows(*commands)] == [("down", reason)]


@pytest.mark.parametrize(
    ("ping", "reason"),
    [
        ("Slurmctld(primary) at nc2 is UP", None),
        ("Slurmctld(primary) at nc2 is DOWN\nSlurmctld(backup) at nc3 is UP", "Slurmctld(primary) at nc2 is DOWN"),
        ("Slurmctld(primary/backup) at nc2/(NULL) are UP/DOWN", None),
        ("Slurmctld(primary/backup) at nc2/nc3 are UP/DOWN", "Slurmctld(backup) at nc3 is DOWN"),
    ],
)
def test_a_controller_that_is_missed_is_told_though_slurm_is_up(ping: str, reason: str | None) -> None:
    up, *_ = rows(told(PING, ping, 1), told(NODES, NODE), told(PARTITIONS, PARTITION), told(JOBS, listed()))
    assert (up["state"], up["reason"]) == ("up", reason)


def test_no_nodes_no_partitions_and_no_jobs_are_no_trouble() -> None:
    (only,) = slurm("No nodes in the system", "No partitions in the system", "")
    assert (only["state"], only["reason"]) == ("up", None)


@pytest.mark.parametrize(
    ("nodes", "partitions", "jobs"),
    [
        ("", PARTITION, listed()),
        ("Node", PARTITION, listed()),
        (NODE[: NODE.index("ThreadsPerCore")], PARTITION, listed()),
        (NODE, "", listed()),
        (NODE, PARTITION[: PARTITION.index("State")], listed()),
        (NODE, PARTITION, ""),
        (NODE, PARTITION, MARK),
        (NODE, PARTITION, f"{MARK}\n{JOB}|{MARK[:-1]}\n{MARK}"),
        (NODE, PARTITION, listed("7|7|N/A|7|R")),
        ('{"sinfo": [], "errors": []}', PARTITION, listed()),
    ],
)
def test_output_that_is_empty_cut_or_aggregated_is_not_read(nodes: str, partitions: str, jobs: str) -> None:
    with pytest.raises(ValueError):
        rows(told(NODES, nodes), told(PARTITIONS, partitions), told(JOBS, jobs))


def test_commands_that_were_not_asked_are_not_taken_for_none() -> None:
    with pytest.raises(ValueError, match="was not asked"):
        rows(told(VERSION, "slurm 23.11.10"))


@given(data=st.data())
def test_json_that_is_cut_is_not_read(data: st.DataObject) -> None:
    whole = json.dumps({"nodes": [{"name": "nc1", "state": ["IDLE"]}] * 3, "errors": []}, indent=1)
    place = data.draw(st.integers(1, len(whole) - 1))
    with pytest.raises(ValueError):
        slurm(whole[:place])


@given(data=st.data())
def test_jobs_that_are_cut_are_not_read(data: st.DataObject) -> None:
    printed = listed(*(JOB.replace("7|7", f"{number}|{number}") for number in range(3)))
    place = data.draw(st.integers(0, len(printed) - 1))
    with pytest.raises(ValueError):
        rows(told(NODES, NODE), told(PARTITIONS, PARTITION), told(JOBS, printed[:place]))
