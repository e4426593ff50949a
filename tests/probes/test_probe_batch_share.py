"""Each batch system of a head has its own part of the time: whichever is slow, and however, the others are told."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import gridengine
import heads
import pytest
import sampling
import shells
import test_probe_batch_asked as stand_in
from shells import Run, Shell
from test_probe_hung import dead

import needs

SYSTEMS = ("sge", "slurm", "condor")
TURNS = "for system in $known; do\n    share"
LIMIT = 13
"""Seconds that the probe has here."""
QSTAT = "#!/bin/sh\ncase $1 in\n-u) cat {top}/jobs ;;\n*) exit 1 ;;\nesac\n"
PROGRAMS = {
    "sge": ("qhost", "qstat"),
    "slurm": ("scontrol", "squeue"),
    "condor": ("condor_status", "condor_q"),
}


def head(top: Path, slow: str, behave: str) -> str:
    """Three systems, of which the programs of one behave so: all that ask its master."""
    files = {**stand_in.SLURM, **stand_in.CONDOR}
    files |= {"hosts": gridengine.qhost(gridengine.host()).text, "jobs": gridengine.qstat(gridengine.job()).text}
    files |= {"bin/qhost": f"#!/bin/sh\ncat {top}/hosts\n", "bin/qstat": QSTAT.format(top=top)}
    script = f"#!/bin/sh\n[ $1 = --version ] && exec echo slurm 20.02.7\necho ${{0##*/}} >>{top}/begun\n{behave}\n"
    files |= {f"bin/{name}": script for name in PROGRAMS[slow]}
    return heads.write(top, files)


def asked(shell: Shell, top: str, order: Sequence[str] = SYSTEMS, limit: int = LIMIT) -> Run:
    """A run of the script as it is, in which the systems have their turns in this order."""
    probe = sampling.probes()["batch"]
    assert TURNS in probe.script
    script = probe.script.replace(TURNS, f"for system in {' '.join(order)}; do\n    share")
    alone = heads.alone(shell, Path(top).parents[1] / "alone")
    environment = alone.environment | {"PATH": f"{top}/bin:{alone.environment['PATH']}", "SGE_ROOT": "/opt/sge"}
    one = replace(probe, script=script, timeout=limit)
    return shells.run(Shell(alone.argv, environment), [one], {"root": top}, tick=1)  # it divides its limit by seconds


def states(run: Run) -> Mapping[str, str]:
    """The systems with their states; that none of them was cut."""
    section = run.sections["batch"]
    assert (section.whole, section.errors, section.timed_out) == (True, b"", False), run.errors
    return {row["system"]: row["state"] for row in sampling.of("batch", sampling.rows("batch", section.output))}


def begun(top: str) -> list[str]:
    """The programs of the slow system that were started."""
    return Path(top, "begun").read_text().split()


@pytest.mark.parametrize("behave", ["sleep 3; exit 1", "exec sleep 321"], ids=["fails", "hangs"])
def test_a_slow_system_takes_no_time_of_the_others_in_any_order(behave: str, tmp_path: Path) -> None:
    dash = shells.find("dash", tmp_path / "shells")
    heads.alone(dash, tmp_path.parent / "alone")
    cases = list(itertools.product(SYSTEMS, itertools.permutations(SYSTEMS)))
    tops = [head(tmp_path / f"head{number}", slow, behave) for number, (slow, _) in enumerate(cases)]
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda top, case: asked(dash, top, case[1]), tops, cases))
    told = {(slow, order): states(run) for (slow, order), run in zip(cases, runs, strict=True)}
    assert told == {
        (slow, order): {system: "down" if system == slow else "up" for system in SYSTEMS} for slow, order in cases
    }
    assert all(len(begun(top)) == 1 for top in tops), "after its first failure a system is left"


def test_a_slow_system_takes_no_time_of_the_others_under_any_shell(shell: Shell, tmp_path: Path) -> None:
    heads.alone(shell, tmp_path.parent / "alone")
    tops = {slow: head(tmp_path / slow, slow, "sleep 3; exit 1") for slow in SYSTEMS}
    with ThreadPoolExecutor() as pool:
        runs = dict(zip(tops, pool.map(lambda top: asked(shell, top), tops.values()), strict=True))
    for slow, run in runs.items():
        assert states(run) == {system: "down" if system == slow else "up" for system in SYSTEMS}
        assert begun(tops[slow]) == [PROGRAMS[slow][0]]
        assert shells.remaining(run.session) == []


def test_two_programs_that_fail_after_ten_seconds_each_leave_the_rest_its_time(tmp_path: Path) -> None:
    top = head(tmp_path / "head", "sge", "sleep 10; exit 1")
    run = asked(shells.find("dash", tmp_path / "shells"), top, limit=50)
    assert states(run) == {"sge": "down", "slurm": "up", "condor": "up"}
    assert begun(top) == ["qhost"]


def test_a_system_that_cannot_be_killed_takes_no_time_of_the_others(shell: Shell, tmp_path: Path) -> None:
    needs.fuse()
    heads.alone(shell, tmp_path.parent / "alone")
    tops = {slow: head(tmp_path / slow, slow, f"exec stat -f '{tmp_path}/dead'") for slow in SYSTEMS}
    with dead(tmp_path / "dead", "unanswered") as mount, ThreadPoolExecutor() as pool:
        there = mount.beside(shell)
        first, second = (dict(zip(tops, pool.map(lambda t: asked(there, t), tops.values()), strict=True)) for _ in "12")
    for runs in (first, second):
        for slow, run in runs.items():
            assert states(run) == {system: "down" if system == slow else "up" for system in SYSTEMS}


def test_a_system_that_is_slow_and_well_is_left_when_its_time_is_over(tmp_path: Path) -> None:
    top = head(tmp_path / "head", "slurm", "")
    slow = stand_in.SCONTROL.replace("#!/bin/sh", "#!/bin/sh\nsleep 1.5")
    heads.write(tmp_path / "head", {"bin/scontrol": slow, "bin/squeue": stand_in.SQUEUE})
    run = asked(shells.find("dash", tmp_path / "shells"), top, limit=12)
    found = sampling.rows("batch", run.sections["batch"].output)
    assert states(run) == {"sge": "up", "slurm": "down", "condor": "up"}
    (row,) = (row for row in sampling.of("batch", found) if row["system"] == "slurm")
    assert "time was left for" in row["reason"] or "did not answer in time" in row["reason"]
