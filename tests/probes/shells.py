"""The shells that a probe must run under, and a bundle fed to one of them as sshd would."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

import needs
from nicassh.collection import bundle
from nicassh.collection.bundle import Section
from nicassh.probes.loader import Probe

NAMES = ("dash", "bash", "busybox", "mksh")
PATIENCE = 30.0
"""Seconds after which a bundle that should have ended by itself is a failure."""
TICK = 0.2
"""Seconds of a tick here. In production a tick is a second."""


@dataclass(frozen=True)
class Shell:
    """A command that reads a script from its standard input, and the environment it gets."""

    argv: list[str]
    environment: dict[str, str]


@dataclass(frozen=True)
class Run:
    """What came of one bundle: both streams, their sections, its session and how long it took."""

    output: bytes
    errors: bytes
    mark: str
    session: int
    seconds: float
    sections: dict[str, Section] = field(default_factory=dict)


def find(name: str, folder: Path) -> Shell:
    """A shell of this machine. Without it the test is skipped; in continuous integration it fails.

    busybox gets a folder of links to its applets as its whole PATH (the frame adds the usual folders behind it).
    """
    program = shutil.which(name)
    if program is None:
        needs.missing(f"{name} is not installed: make packages")
    if name != "busybox":
        return Shell([program, "-s"], dict(os.environ))
    applets = install(Path(program), folder / "applets")
    return Shell([str(applets / "ash"), "-s"], {"PATH": str(applets)})


def install(busybox: Path, folder: Path) -> Path:
    """The folder, made and filled with a link for each applet of busybox."""
    if not folder.is_dir():
        folder.mkdir(parents=True)
        subprocess.run([str(busybox), "--install", "-s", str(folder)], check=True)
    return folder


def run(
    shell: Shell,
    probes: Sequence[Probe],
    parameters: Mapping[str, str] | None = None,
    deadline: float = 60,
    before: str = "",
    tick: float | None = None,
) -> Run:
    """Feeds the bundle of these probes to a shell in a session of its own, and waits until it has ended.

    With `tick` (in seconds) all limits are ticks of that length. Without it the limits of the probes and the deadline
    are seconds, counted in short ticks, so that little time is lost by waiting for the next one.

    The streams are files, because a pipe would also be held open by whatever a probe left behind.
    `before` is shell code that runs ahead of the bundle: a login script's noise.
    """
    if tick is None:
        tick, more = TICK, round(1 / TICK)
        probes, deadline = [replace(probe, timeout=probe.timeout * more) for probe in probes], deadline * more
    mark = bundle.new_mark()
    script = before.encode() + bundle.with_mark(bundle.build_script(probes, deadline, parameters, tick), mark)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.monotonic()
        child = subprocess.Popen(
            shell.argv, stdin=subprocess.PIPE, stdout=out, stderr=err, env=shell.environment, start_new_session=True
        )
        assert child.stdin
        with child.stdin:
            child.stdin.write(script)
        try:
            child.wait(PATIENCE)
        finally:
            seconds = time.monotonic() - started
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
        output, errors = _contents(out), _contents(err)
    return Run(output, errors, mark, child.pid, seconds, bundle.parse_output(output, errors, mark, probes))


def _contents(stream: IO[bytes]) -> bytes:
    """All that was written to a file so far.

    It is opened anew: the place in the file is one for all who have it open. To go back to its beginning would lead
    a process that outlived the shell to write over what came first.
    """
    return Path(f"/proc/self/fd/{stream.fileno()}").read_bytes()


def counted(shell: Shell, probes: Sequence[Probe], parameters: Mapping[str, str] | None = None) -> tuple[Run, int]:
    """The same, and how many processes it started, shell and frame included. Needs root."""
    # In a fresh pid namespace the last pid is their number. The outer shell is process 1, and reads it without a fork.
    script = '"$@"; read -r _ _ _ _ last </proc/loadavg; echo "last $last" >&2'
    argv = ["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", script, "sh", *shell.argv]
    environment = shell.environment | {"PATH": f"{shell.environment['PATH']}:{os.environ['PATH']}"}
    done = run(Shell(argv, environment), probes, parameters, tick=1)  # each tick is a process
    return done, int(done.errors.rpartition(b"last ")[2]) - 1


def forks(shell: Shell, probe: Probe, parameters: Mapping[str, str] | None = None) -> int:
    """How many processes a probe starts. Needs root."""
    read = "read -r _ _ _ _ last </proc/loadavg"
    # What the frame starts at its beginning may come late: the probe waits until nothing has come for many looks.
    look = f"before=$last; {read}; calm=$((calm + 1)); [ $last = $before ] || calm=0"
    calm = f"calm=0; {read}; while [ $calm -lt 1000 ]; do {look}; done"
    script = f"{calm}\n(\n{probe.script}\n) >/dev/null\n{read}; echo $((last - before - 1))"
    # The frame starts a process each second, so the least of some runs counts.
    one = replace(probe, script=script)
    return min(int(counted(shell, [one], parameters)[0].sections[probe.name].output) for _ in range(3))


def remaining(session: int, seconds: float = 3.0) -> list[str]:
    """The processes that are still in a session after so many seconds; an empty list as soon as there are none."""
    limit = time.monotonic() + seconds
    while (left := list(_members(session))) and time.monotonic() < limit:
        time.sleep(0.05)
    return left


def _members(session: int) -> Iterator[str]:
    for name in filter(str.isdecimal, os.listdir("/proc")):  # noqa: PTH208 many paths would take long to make
        with suppress(OSError):  # it has ended meanwhile
            if os.getsid(int(name)) == session:
                stat = Path("/proc", name, "stat").read_text(errors="replace")
                if stat.rpartition(") ")[2][0] not in "ZX":
                    yield stat
