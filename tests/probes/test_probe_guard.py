"""Commands that may hang, under every shell: what ends is whole, what hangs is told and started only once."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import sampling
import shells
from shells import Shell

import needs
from nicassh.probes.loader import Probe

OWN = f"test-{os.getpid()}"
"""A name for what hangs: another run of these tests on this machine may have one that hangs at the same time."""


def made(script: str, timeout: int = 20) -> Probe:
    """A probe that runs this script."""
    return replace(sampling.probes()["load"], name="made", script=script, timeout=timeout)


def printed(shell: Shell, script: str) -> tuple[list[str], shells.Run]:
    """The lines that a whole probe printed, and its run."""
    run = shells.run(shell, [made(script)])
    section = run.sections["made"]
    assert section.whole and section.status == 0 and section.errors == b"", run.errors
    return section.output.decode().split("\n"), run


@contextmanager
def lingering(seconds: str, name: str, user: int | None = None, orphan: bool = True) -> Iterator[None]:
    """A process such as a guarded command of that name leaves behind, or one that still has its parent."""
    environment = {**os.environ, "NICAMON_GUARD": f"{name};"}
    first = subprocess.Popen(["sleep", seconds], env=environment, user=user, start_new_session=orphan)
    try:
        time.sleep(0.2)
        yield
    finally:
        first.kill()
        first.wait()


def test_what_a_guarded_command_prints_comes_whole_with_its_status(shell: Shell) -> None:
    lines, run = printed(shell, "start_guarded 'one two' sh -c 'echo yes; echo no >&2; exit 3'; wait_guarded 5")
    assert lines[:3] == ["guard one two 3", "yes", "no"]
    assert run.seconds < 3
    assert shells.remaining(run.session) == []


def test_one_that_hangs_is_told_and_does_not_hold_the_others_up(shell: Shell) -> None:
    lines, run = printed(
        shell, f"start_guarded {OWN} sleep 321; start_guarded quick echo here; wait_guarded 5; echo after"
    )
    assert sorted(line for line in lines if line) == ["after", "guard quick 0", f"guard {OWN} hung", "here"]
    assert run.seconds < 4
    assert shells.remaining(run.session) == [], "a program that can be killed is killed"


def test_one_that_starts_others_all_the_time_leaves_none(shell: Shell) -> None:
    """What it starts while it is being killed would be nobody's, and pass for one that hangs."""
    script = f"start_guarded {OWN} sh -c 'while :; do sh -c \"sleep 20; :\" & sleep 0.01; done'; wait_guarded 5; :"
    lines, run = printed(shell, script)
    assert [line for line in lines if line] == [f"guard {OWN} hung"]
    assert shells.remaining(run.session, 1) == []


def test_no_second_is_started_while_the_first_lives(shell: Shell) -> None:
    with lingering("60", r"/mnt/a\040*"):
        script = (
            r"start_guarded '/mnt/a\040*' echo second; start_guarded /mnt echo other; start_guarded '/mnt/a' echo third"
        )
        script += "; wait_guarded 5"
        lines, _ = printed(shell, script)
    answers = sorted(line for line in lines if line)
    assert answers == ["guard /mnt 0", "guard /mnt/a 0", r"guard /mnt/a\040* stuck", "other", "third"]


def test_another_collection_that_looks_just_now_is_no_hang(shell: Shell) -> None:
    with lingering("1", f"/mnt/{OWN}", orphan=False):
        lines, _ = printed(shell, f"start_guarded /mnt/{OWN} echo here; wait_guarded 5")
    assert [line for line in lines if line] == [f"guard /mnt/{OWN} 0", "here"]


def test_a_process_of_somebody_else_cannot_pass_for_one_that_hangs(shell: Shell) -> None:
    needs.root("becomes another user")
    with lingering("60", f"/mnt/{OWN}", user=65534):
        lines, run = printed(shell, f"start_guarded /mnt/{OWN} echo here; wait_guarded 5")
    assert [line for line in lines if line] == [f"guard /mnt/{OWN} 0", "here"]
    assert run.seconds < 1


def test_a_probe_may_have_its_own_way_of_splitting(shell: Shell) -> None:
    script = f"IFS=','; set -f; start_guarded '{OWN} *' sh -c 'sleep 322; :'; start_guarded b,c echo 'd e'"
    script += '; wait_guarded 5; echo "$IFS$-"'
    lines, run = printed(shell, script)
    *answers, kept = sorted((line for line in lines if line), key=lambda line: line[0] == ",")
    assert sorted(answers) == ["d e", "guard b,c 0", f"guard {OWN} * hung"]
    assert kept.startswith(",") and "f" in kept
    assert shells.remaining(run.session) == []


def test_a_long_output_is_whole(shell: Shell) -> None:
    """A program, as printf is in mksh, can be given no more than 128 KiB."""
    lines, _ = printed(shell, "start_guarded long sh -c 'head -c 300000 /dev/zero | tr \"\\000\" x'; wait_guarded 5")
    assert [len(line) for line in lines if line] == [len("guard long 0"), 300_000]


def test_what_several_print_at_once_does_not_mingle(shell: Shell) -> None:
    script = "for i in 1 2 3 4 5 6 7 8; do for j in 1 2 3 4 5; do start_guarded $i$j seq $i$j 700; done; done"
    script += "; wait_guarded 50"
    output = "\n".join(printed(shell, script)[0])
    for number in (10 * i + j for i in range(1, 9) for j in range(1, 6)):
        whole = "\n".join(map(str, range(number, 701)))
        assert f"guard {number} 0\n{whole}\n" in output


def test_how_long_it_took(shell: Shell) -> None:
    lines, _ = printed(shell, "timed=yes; start_guarded a sh -c 'sleep 0.3; echo here'; wait_guarded 5")
    assert (lines[0], lines[2]) == ("guard a 0", "here")
    word, begin, end = lines[1].split(" ")
    assert word == "took"
    assert 0.28 <= float(end) - float(begin) < 2


def test_a_probe_may_guard_again_after_waiting(shell: Shell) -> None:
    lines, _ = printed(
        shell, "wait_guarded 5; start_guarded a echo 1; wait_guarded 5; start_guarded b echo 2; wait_guarded 5"
    )
    assert [line for line in lines if line] == ["guard a 0", "1", "guard b 0", "2"]


def test_many_that_end_at_once_leave_nothing_behind_and_do_not_wait(shell: Shell) -> None:
    script = "number=0; while [ $number -lt 200 ]; do number=$((number + 1)); start_guarded $number true; "
    script += "wait_guarded 125; done"
    lines, run = printed(shell, script)
    assert [line for line in lines if line] == [f"guard {number} 0" for number in range(1, 201)]
    assert run.seconds < 20
    assert shells.remaining(run.session) == []


def test_waiting_again_and_again_says_nothing_of_its_own(shell: Shell) -> None:
    """What limits the wait is ended while it begins; it must not report as if it were the probe."""
    lines, _ = printed(
        shell, "n=0; while [ $n -lt 100 ]; do start_guarded a true; wait_guarded 5; n=$((n + 1)); done; echo end"
    )
    assert {line for line in lines if line} == {"guard a 0", "end"}


@pytest.mark.parametrize(
    ("commands", "failed"),
    [(["true"], "no"), (["sh -c 'exit 3'"], "yes"), (["true", "sh -c 'exit 200'"], "yes"), (["sleep 321"], "yes")],
    ids=["well", "status", "high", "hung"],
)
def test_a_probe_knows_whether_one_of_them_failed(shell: Shell, commands: list[str], failed: str) -> None:
    started = "; ".join(f"start_guarded {OWN}-{number} {command}" for number, command in enumerate(commands))
    script = (
        f'start_guarded before false; wait_guarded 5; {started}; wait_guarded 5; echo "failed ${{guards_failed:+yes}}"'
    )
    lines, _ = printed(shell, script)
    assert [line for line in lines if line.startswith("failed")] == [f"failed {failed}".removesuffix("no")]
    hung = [line for line in lines if line.endswith(" hung")]
    assert hung == ([f"guard {OWN}-0 hung"] if commands == ["sleep 321"] else [])
