"""Commands that may hang, under every shell: what ends is whole, what hangs is told and started only once."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import replace

import sampling
import shells
from shells import Shell

from nicassh.probe import Probe


def made(script: str, timeout: int = 20) -> Probe:
    """A probe that runs this script."""
    return replace(sampling.probes()["load"], name="made", script=script, timeout=timeout)


def printed(shell: Shell, script: str) -> tuple[list[str], shells.Run]:
    """The lines that a whole probe printed, and its run."""
    run = shells.run(shell, [made(script)])
    section = run.sections["made"]
    assert section.whole and section.status == 0 and section.errors == b"", run.errors
    return section.output.decode().split("\n"), run


def test_what_a_guarded_command_prints_comes_whole_with_its_status(shell: Shell) -> None:
    lines, run = printed(shell, "guarded 'one two' sh -c 'echo yes; echo no >&2; exit 3'; await 5")
    assert lines[:3] == ["guard one two 3", "yes", "no"]
    assert run.seconds < 3
    assert shells.remaining(run.session) == []


def test_one_that_hangs_is_told_and_does_not_hold_the_others_up(shell: Shell) -> None:
    lines, run = printed(shell, "guarded slow sleep 321; guarded quick echo here; await 1; echo after")
    assert sorted(line for line in lines if line) == ["after", "guard quick 0", "guard slow hung", "here"]
    assert run.seconds < 4
    assert shells.remaining(run.session) == [], "a program that can be killed is killed"


def test_no_second_is_started_while_the_first_lives(shell: Shell) -> None:
    first = subprocess.Popen(["sleep", "60"], env={**os.environ, "NICAMON_GUARD": "/mnt/a;"})
    try:
        time.sleep(0.2)
        lines, _ = printed(shell, "guarded /mnt/a echo second; guarded /mnt echo other; await 5")
    finally:
        first.kill()
        first.wait()
    assert [line for line in lines if line] == ["guard /mnt/a stuck", "guard /mnt 0", "other"]


def test_a_probe_may_guard_again_after_waiting(shell: Shell) -> None:
    lines, _ = printed(shell, "await 1; guarded a echo 1; await 5; guarded b echo 2; await 5")
    assert [line for line in lines if line] == ["guard a 0", "1", "guard b 0", "2"]
