"""Beside a mount that hangs, every built-in probe ends in time, and what looks at the mount is started only once.

Two kinds of hang: nobody reads the requests, and whoever looks can be killed; or they are read and never answered,
and whoever looks stays in state D, as at the hard mount of a dead file server on an old kernel.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import mute_mount
import pytest
import sampling
import shells
from shells import Run, Shell

import needs
from nicassh.collection.judge import ABSENT

KINDS = ("unread", "unanswered")
WAITS = ("request_wait_answer", "fuse_get_req")
"""Where in the kernel a process is that waits for the server of a mount."""
LOOKING = ("mounts", "software")
"""The probes that look at a mount of the network."""
TICK = 0.5
"""Seconds of a tick where all probes and all shells run at once."""


@dataclass
class Dead:
    """A mounted folder where every look hangs, and the process that serves it."""

    folder: Path
    server: subprocess.Popen[str]

    def beside(self, shell: Shell) -> Shell:
        """The shell in the mount namespace where the folder is dead."""
        enter = shutil.which("nsenter") or needs.missing("nsenter is not installed")
        return replace(shell, argv=[enter, f"--mount=/proc/{self.server.pid}/ns/mnt", *shell.argv])

    def answer(self) -> None:
        """Makes the mount answer, also what waits."""
        self.server.send_signal(signal.SIGUSR1)

    def end(self) -> None:
        """Ends the serving: each look is now an error."""
        self.server.send_signal(signal.SIGUSR2)

    def waiting(self) -> Iterator[bool]:
        """Gives, for each process that waits for the mount to answer, whether it does so under guard."""
        here = Path(f"/proc/{self.server.pid}/ns/mnt").readlink()
        for pid in filter(str.isdecimal, os.listdir("/proc")):  # noqa: PTH208 many paths would take long to make
            with suppress(OSError):  # it has ended meanwhile
                place = Path("/proc", pid)
                if (place / "ns/mnt").readlink() == here and (place / "wchan").read_text() in WAITS:
                    yield b"NICAMON_GUARD=" in (place / "environ").read_bytes()

    def lookers(self) -> list[str]:
        """The processes that look at it under guard, with their states; nothing as soon as there is none."""
        return list(_lookers(b"NICAMON_GUARD=mount %b;" % os.fsencode(self.folder)))


def _lookers(mark: bytes) -> Iterator[str]:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                yield (entry / "stat").read_text().rpartition(") ")[2].split()[0]
        except OSError:
            continue


@contextmanager
def dead(folder: Path, kind: str, beside: Dead | None = None) -> Iterator[Dead]:
    """A mount of this kind, until the end of the block; in one namespace with another that is."""
    folder.mkdir(parents=True)
    serve = Shell([sys.executable, mute_mount.__file__, str(folder), kind], {})
    argv = beside.beside(serve).argv if beside else serve.argv
    server = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert server.stdout
    try:
        assert server.stdout.readline() == "ready\n"
        yield Dead(folder, server)
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


@dataclass
class Story:
    """What came of four collections: two while the mount hangs, one after it answered, one after it ended."""

    runs: list[Run] = field(default_factory=list)
    lookers: list[list[str]] = field(default_factory=list)
    left: list[list[str]] = field(default_factory=list)

    def mounts(self) -> list[dict[str, Any]]:
        """The row of the mount in each collection."""
        rows = [sampling.rows("mounts", run.sections["mounts"].output) for run in self.runs]
        found = [row for one in rows for row in sampling.of("mounts", one)]
        # Under load this machine itself may be slow.
        return [row | ({"state": "ok"} if row["state"] == "slow" else {}) for row in found]


def story(shell: Shell, kind: str, folder: Path) -> Story:
    told = Story()
    probes = list(sampling.probes().values())
    with dead(folder, kind) as mount:
        for step in (None, None, mount.answer, mount.end):
            if step:
                step()
                time.sleep(0.5)
            told.runs.append(shells.run(mount.beside(shell), probes, {"roots": "/opt"}, tick=TICK))
            told.left.append(shells.remaining(told.runs[-1].session, 1))
            told.lookers.append(mount.lookers())
    return told


@pytest.fixture(scope="module", params=KINDS)
def stories(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Story]:
    """What each shell met at a mount of one kind. They run at once, because each waits for most of its time."""
    needs.fuse()
    top = tmp_path_factory.mktemp(request.param)
    with ThreadPoolExecutor() as pool:
        futures = {
            name: pool.submit(story, shells.find(name, top / "shells"), request.param, top / name)
            for name in shells.NAMES
        }
    return {name: future.result() for name, future in futures.items()}


def test_every_probe_ends_in_time(stories: dict[str, Story]) -> None:
    for name, told in stories.items():
        for run in told.runs:
            assert set(run.sections) == set(sampling.probes()), name
            for probe, section in run.sections.items():
                assert (section.whole, section.errors, section.timed_out) == (True, b"", False), (name, probe)
                assert section.status in (0, ABSENT), (name, probe)


def test_the_mount_is_hung_and_afterwards_it_is_not(stories: dict[str, Story], request: pytest.FixtureRequest) -> None:
    killable = request.node.callspec.params["stories"] == "unread"
    for name, told in stories.items():
        found = [(row["state"], row["reason"]) for row in told.mounts()]
        second = "no answer in 5 s" if killable else "an earlier look still hangs"
        assert found == [
            ("hung", "no answer in 5 s"),
            ("hung", second),
            ("ok", None),
            ("error", "Transport endpoint is not connected"),
        ], name


def test_no_second_process_is_started_and_none_stays(stories: dict[str, Story], request: pytest.FixtureRequest) -> None:
    killable = request.node.callspec.params["stories"] == "unread"
    for name, told in stories.items():
        assert told.lookers == ([[], [], [], []] if killable else [["D"], ["D"], [], []]), name
        assert [len(left) for left in told.left] == ([0, 0, 0, 0] if killable else [1, 0, 0, 0]), name


def test_the_second_collection_does_not_wait(stories: dict[str, Story], request: pytest.FixtureRequest) -> None:
    if request.node.callspec.params["stories"] == "unanswered":
        for name, told in stories.items():
            assert told.runs[1].seconds < told.runs[0].seconds - 2 * TICK, name


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", sampling.probes())
def test_no_probe_looks_at_it_but_under_guard(name: str, kind: str, tmp_path: Path) -> None:
    needs.fuse()
    with dead(tmp_path / "opt/fairsoft/nov15", kind) as mount, ThreadPoolExecutor(1) as pool:
        shell = mount.beside(shells.find("dash", tmp_path))
        run = pool.submit(shells.run, shell, [sampling.probes()[name]], {"roots": f"{tmp_path}/opt"})
        guarded = set()
        while not run.done():
            guarded |= set(mount.waiting())
            time.sleep(0.02)
    section = run.result().sections[name]
    assert (section.whole, section.timed_out) == (True, False)
    assert guarded == ({True} if name in LOOKING else set())


def test_processes_leave_a_spool_on_a_dead_mount_alone(shell: Shell, tmp_path: Path) -> None:
    """That of Grid Engine, itself or behind a link."""
    needs.fuse()
    files = {
        "proc/uptime": "1000.00 1.00\n", "proc/stat": "btime 1413792000\n", "proc/meminfo": "MemTotal: 1000 kB\n",
        "proc/mounts": "nc1:/a /var/spool/sge nfs rw 0 0\nnc1:/b /b nfs rw 0 0\n", "etc/passwd": "",
        "proc/7/stat": "7 (a) S 1 1 1 0 -1 4202752 0 0 0 0 100 50 0 0 20 0 1 0 500 1 1\n",
        "proc/7/status": "Uid:\t0\t501\t0\t0\n", "var/spool/here": "",
    }  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "var/spool/uge").symlink_to(tmp_path / "b")
    with dead(tmp_path / "var/spool/sge", "unread") as one, dead(tmp_path / "b", "unread", one) as both:
        done = shells.run(both.beside(shell), [sampling.probes()["processes"]], {"root": str(tmp_path)})
    section = done.sections["processes"]
    assert (section.status, section.whole, section.errors) == (0, True, b"")
    assert "pid" in str(sampling.rows("processes", section.output))


def test_a_card_whose_driver_hangs_for_good(shell: Shell, tmp_path: Path) -> None:
    """Its program cannot be killed. Neither the probe nor the next one waits for it, and no second one is started."""
    needs.fuse()
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\nexec stat -f '{tmp_path}/dead'\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    quick = replace(
        sampling.probes()["gpus"], script=sampling.probes()["gpus"].script.replace("wait_guarded 12", "wait_guarded 5")
    )
    after = replace(quick, name="after", script="echo here")
    beside = replace(shell, environment={**shell.environment, "PATH": f"{tmp_path}:{shell.environment['PATH']}"})
    with dead(tmp_path / "dead", "unanswered") as mount:
        there = mount.beside(beside)
        runs = [shells.run(there, [quick, after], {"root": str(tmp_path)}) for _ in range(2)]
        left = [len(shells.remaining(run.session, 1)) for run in runs]
    said = [b"nvidia-smi gave no answer in 12 s", b"an earlier nvidia-smi still hangs"]
    assert [(run.sections["gpus"].status, run.sections["gpus"].errors) for run in runs] == [(1, word) for word in said]
    assert [run.sections["after"].output for run in runs] == [b"here\n", b"here\n"]
    assert left == [1, 0]
    assert max(run.seconds for run in runs) < 15
    assert shells.remaining(runs[0].session) == []
