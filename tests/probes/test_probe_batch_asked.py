"""The script under every shell, with programs that stand in for Slurm's and HTCondor's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import batches
import heads
import pytest
import sampling
import shells
from batches import JOB, NODE, PARTITION
from shells import Run, Shell

HANG = "exec sleep 321"
UNKNOWN_OPTION = """echo "scontrol: unrecognized option '--json'" >&2; exit 1"""
SCONTROL = f"""#!/bin/sh
case "$*" in
    --version) echo slurm 20.02.7 ;;
    ping) echo 'Slurmctld(primary) at nc3 is UP' ;;
    *--json*) {UNKNOWN_OPTION} ;;
    '-a -o show node') echo '{NODE}' ;;
    '-a -o show partition') echo '{PARTITION}' ;;
esac"""
SQUEUE = f"""#!/bin/sh
[ "$TZ/$SLURM_BITSTR_LEN/${{SQUEUE_FORMAT-unset}}" = UTC0/0/unset ] || exit 9
echo '{JOB}|'"${{4##*|}}" """
SLURM = {"bin/scontrol": SCONTROL, "bin/squeue": SQUEUE}
CONDOR = {
    "bin/condor_config_val": "#!/bin/sh\necho nc3.jinr.ru",
    "bin/condor_status": """#!/bin/sh\necho '[{"Machine": "nc1", "State": "Claimed", "Cpus": 1}]'""",
    "bin/condor_q": """#!/bin/sh\necho '[{"ClusterId": 12, "ProcId": 3, "JobStatus": 2, "Owner": "ivanov"}]'""",
    "bin/condor_version": "#!/bin/sh\necho '$CondorVersion: 23.0.12 2024-06-11 $'",
}


@pytest.fixture
def head(shell: Shell, tmp_path: Path) -> heads.Node:
    """Makes programs and files of a head, and gives the top of their tree."""
    return lambda files: heads.write(tmp_path / "head", files)


def asked(shell: Shell, top: str, path: str = "bin", **environment: str) -> tuple[Run, list[dict[str, Any]]]:
    """A run that was whole and quiet and left nothing, and the rows in it."""
    lone = heads.alone(shell, Path(top).parents[1] / "alone")
    run = heads.asked(lone, top, f"{top}/{path}" if path else "", **environment)
    section = run.sections["batch"]
    assert (section.whole, section.errors) == (True, b""), run.errors
    assert shells.remaining(run.session) == []
    return run, sampling.rows("batch", section.output) if section.status == 0 else []


def test_slurm_is_asked_for_nodes_partitions_and_jobs(shell: Shell, head: heads.Node) -> None:
    _, found = asked(shell, head(SLURM))
    assert found[1:] == batches.slurm()[1:]
    assert (found[0]["state"], found[0]["version"]) == ("up", "slurm 20.02.7")


def test_settings_of_the_account_do_not_change_what_slurm_tells(shell: Shell, head: heads.Node) -> None:
    _, found = asked(shell, head(SLURM), SQUEUE_FORMAT="%j", TZ="Europe/Moscow", SLURM_BITSTR_LEN="3")
    assert len(sampling.of("batch_job", found)) == 1


def test_json_is_preferred_for_nodes_and_is_what_is_left_for_jobs(shell: Shell, head: heads.Node) -> None:
    nodes = """echo '{"nodes": [{"name": "nc2", "state": ["MIXED"]}], "errors": []}'"""
    jobs = """case "$*" in *--json*) echo '{"jobs": [{"job_id": 9, "job_state": ["PENDING"]}]}' ;; *) exit 1 ;; esac"""
    programs = {"bin/scontrol": SCONTROL.replace(UNKNOWN_OPTION, nodes), "bin/squeue": f"#!/bin/sh\n{jobs}"}
    _, found = asked(shell, head(programs))
    assert [row["host"] for row in sampling.of("batch_host", found)] == ["nc2"]
    assert [row["job"] for row in sampling.of("batch_job", found)] == ["9"]


def test_slurm_without_a_controller_is_down_at_once(shell: Shell, head: heads.Node) -> None:
    scontrol = SCONTROL.replace("is UP'", "is DOWN'; exit 1").replace("echo 'NodeName", f"{HANG} '")
    run, found = asked(shell, head({"bin/scontrol": scontrol}))
    assert [(row["state"], row["reason"]) for row in found] == [("down", "Slurmctld(primary) at nc3 is DOWN")]
    assert b"show node" not in run.output


def test_slurm_whose_jobs_cannot_be_had_is_down(shell: Shell, head: heads.Node) -> None:
    said = "slurm_load_jobs error: Unable to contact slurm controller (connect failure)"
    _, found = asked(shell, head({**SLURM, "bin/squeue": f"#!/bin/sh\necho '{said}' >&2; exit 1"}))
    assert [row["state"] for row in found] == ["down"]
    assert found[0]["reason"].startswith(said)


def test_what_nobody_has_set_up_is_absent(shell: Shell, head: heads.Node) -> None:
    programs = {
        "bin/scontrol": "#!/bin/sh\necho 'scontrol: fatal: Could not establish a configuration source' >&2; exit 1",
        "bin/condor_status": "#!/bin/sh\nexit 1",
        "bin/condor_config_val": "#!/bin/sh\necho 'Not defined: COLLECTOR_HOST' >&2; exit 1",
    }
    run, _ = asked(shell, head(programs))
    assert run.sections["batch"].status == 77


def test_a_pool_without_a_name_is_absent(shell: Shell, head: heads.Node) -> None:
    run, _ = asked(shell, head({**CONDOR, "bin/condor_config_val": "#!/bin/sh\necho"}))
    assert run.sections["batch"].status == 77


def test_condor_is_asked_for_machines_and_jobs(shell: Shell, head: heads.Node) -> None:
    _, found = asked(shell, head(CONDOR))
    assert [row["record"] for row in found] == ["batch", "batch_host", "batch_job"]
    assert found[0]["version"] == "HTCondor 23.0.12"


def test_condor_that_fails_is_down_and_slurm_beside_it_is_not(shell: Shell, head: heads.Node) -> None:
    failing = "#!/bin/sh\necho 'Error: communication error' >&2; exit 1"
    _, found = asked(shell, head({**CONDOR, **SLURM, "bin/condor_status": failing}))
    schedulers = [(row["system"], row["state"], row["reason"]) for row in sampling.of("batch", found)]
    assert schedulers == [("slurm", "up", None), ("condor", "down", "Error: communication error")]


@pytest.mark.parametrize(
    ("folder", "programs"),
    [
        ("opt/slurm-23.11/bin", SLURM),
        ("opt/slurm/22.05/bin", SLURM),
        ("usr/local/slurm/bin", SLURM),
        ("cm/shared/apps/slurm/current/bin", SLURM),
        ("opt/condor-23.0/bin", CONDOR),
        ("usr/local/condor/bin", CONDOR),
    ],
)
def test_programs_outside_of_path_are_found(
    shell: Shell, head: heads.Node, folder: str, programs: dict[str, str]
) -> None:
    top = head({f"{folder}/{name.removeprefix('bin/')}": text for name, text in programs.items()})
    _, found = asked(shell, top, path="")
    assert [row["state"] for row in sampling.of("batch", found)] == ["up"]
    assert sampling.of("batch_job", found)


LATE = "did not answer in time"


def test_a_command_that_hangs_is_told_and_the_next_system_is_asked(shell: Shell, head: heads.Node) -> None:
    _, found = asked(shell, head({**SLURM, **CONDOR, "bin/squeue": f"#!/bin/sh\n{HANG}"}))
    schedulers = [(row["state"], row["reason"]) for row in sampling.of("batch", found)]
    assert schedulers == [("down", f"squeue {LATE}"), ("up", None)]


@pytest.mark.parametrize(
    ("program", "reasons"),
    [
        ({"bin/scontrol": SCONTROL.replace("--version) ", f"--version) {HANG}; ")}, [f"scontrol {LATE}", None]),
        ({"bin/scontrol": SCONTROL.replace("ping) ", f"ping) {HANG}; ")}, [f"scontrol {LATE}", None]),
        ({"bin/scontrol": SCONTROL.replace("echo 'Part", f"{HANG}; echo 'Part")}, [f"scontrol {LATE}", None]),
        ({"bin/condor_config_val": f"#!/bin/sh\n{HANG}"}, [None, f"condor_config_val {LATE}"]),
        ({"bin/condor_status": f"#!/bin/sh\n{HANG}"}, [None, f"condor_status {LATE}"]),
        ({"bin/condor_q": f"#!/bin/sh\n{HANG}"}, [None, f"condor_q {LATE}"]),
    ],
    ids=["version", "ping", "partitions", "condor_config_val", "condor_status", "condor_q"],
)
def test_any_command_may_hang(tmp_path: Path, program: dict[str, str], reasons: list[str | None]) -> None:
    dash = shells.find("dash", tmp_path / "shells")
    _, found = asked(dash, heads.write(tmp_path / "head", SLURM | CONDOR | program))
    assert [row["reason"] for row in sampling.of("batch", found)] == reasons
    assert [row["state"] for row in sampling.of("batch", found)] == ["down" if why else "up" for why in reasons]
