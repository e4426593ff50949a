"""Daemons that are killed on this very machine: the next collection sees it, and no process of a user hides it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sampling
import shells
from shells import Shell

import needs

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder of programs that every account may run."""
    needs.root("only a daemon of a system account is a daemon")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def start(place: Path) -> Iterator[Start]:
    """Starts a process under any name; the same program does nothing under all of them."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(name: str, **options: Any) -> subprocess.Popen[bytes]:
        program = place / name
        if not program.exists():
            shutil.copy(shutil.which("sleep") or "", program)
        started.append(subprocess.Popen([str(program), "300"], cwd="/", **options))
        wait(lambda: Path(f"/proc/{started[-1].pid}/comm").read_text() == f"{name}\n")
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


def wait(done: Callable[[], bool]) -> None:
    limit = time.monotonic() + 10
    while not done() and time.monotonic() < limit:
        time.sleep(0.01)
    assert done()


def collected(shell: Shell, before: list[Any]) -> list[Any]:
    """The services that one collection would store after another."""
    one = sampling.probes()["services"]
    section = shells.run(shell, [one], {"units": ""}).sections["services"]
    assert (section.status, section.whole, section.errors) == (0, True, b"")
    found = list(one.parse(section.output.decode("utf-8", "replace")))
    records = [record for record in found if isinstance(record, tuple(one.records.values()))]
    assert one.advance
    told = list(one.advance(records, before, 60)) if before else records
    return [record for record in told if isinstance(record, one.records["services"])]


def state(rows: list[Any], service: str, instance: str = "") -> str | None:
    return next((row.state for row in rows if (row.service, row.instance) == (service, instance)), None)


def test_a_killed_daemon_is_down_at_once_and_up_again_when_it_returns(shell: Shell, start: Start) -> None:
    names = {"sge_shadowd": "shadowd", "slurmrestd": "slurmrestd", "cmsd": "cmsd"}
    processes = {name: start(name) for name in names}
    rows = collected(shell, [])
    assert [state(rows, service) for service in names.values()] == ["up"] * 3
    processes["cmsd"].kill()  # a zombie: this test waits for it later
    processes["slurmrestd"].kill()
    processes["slurmrestd"].wait()
    rows = collected(shell, rows)
    assert [state(rows, service) for service in names.values()] == ["up", "down", "down"]
    start("slurmrestd")
    processes["sge_shadowd"].send_signal(19)  # SIGSTOP
    rows = collected(shell, rows)
    assert [state(rows, service) for service in names.values()] == ["degraded", "up", "down"]


def test_a_users_process_of_the_same_name_hides_nothing(shell: Shell, start: Start) -> None:
    real, other = start("slurmrestd"), start("cmsd")
    rows = collected(shell, [])
    for name in ("slurmrestd", "cmsd"):
        start(name, user=65533, group=65533, extra_groups=[])
    real.kill()
    real.wait()
    other.kill()
    other.wait()
    rows = collected(shell, rows)
    assert (state(rows, "slurmrestd"), state(rows, "cmsd"), state(rows, "cmsd", "of 65533")) == ("down", "down", "up")


def test_a_set_uid_program_is_not_a_daemon_of_the_system(shell: Shell, place: Path, start: Start) -> None:
    """A link gives any name to a program that runs as root; the one who started it stays its real user."""
    real = start("munged")
    rows = collected(shell, [])
    program = place / "munged"
    real.kill()
    real.wait()
    program.chmod(0o4755)
    fake = start("munged", user=65533, group=65533, extra_groups=[])
    uids = Path(f"/proc/{fake.pid}/status").read_text().split("Uid:\t")[1].split()[:2]
    if os.statvfs(program).f_flag & os.ST_NOSUID:
        needs.missing("the temporary folder is mounted nosuid")
    assert uids == ["65533", "0"]
    assert state(collected(shell, rows), "munge") == "down"
