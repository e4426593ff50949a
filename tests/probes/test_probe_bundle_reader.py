"""Whoever reads a bundle may be slow, or gone: what came whole is kept, and nothing stays on the node."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path

import sampling
import shells
from shells import Shell

from nicassh.collection import bundle
from nicassh.probes.loader import Probe

LONG = 100_000
"""Ticks that no test lasts."""


def made(name: str, script: str) -> Probe:
    """A probe that runs this script."""
    return replace(sampling.probes()["load"], name=name, script=script, timeout=LONG)


def begun(shell: Shell, script: bytes) -> subprocess.Popen[bytes]:
    """The shell with its script, and with pipes for both streams that have room for a page."""
    child = subprocess.Popen(
        shell.argv, env=shell.environment, start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert child.stdin and child.stdout and child.stderr
    for stream in (child.stdout, child.stderr):
        fcntl.fcntl(stream, fcntl.F_SETPIPE_SZ, 4096)
    with child.stdin:
        child.stdin.write(script)
    return child


def test_a_slow_reader_loses_no_section(shell: Shell) -> None:
    """The shell must wait for room in its pipe with lines of its own, and ticks come meanwhile."""
    probes = [made(f"p{number}", "echo some; echo more >&2") for number in range(60)]
    mark = bundle.new_mark()
    errors: list[bytes] = []
    output, ended = b"", False
    with begun(shell, bundle.with_mark(bundle.build_script(probes, LONG, tick=0.5), mark)) as child:
        assert child.stdout and child.stderr
        reader = threading.Thread(target=lambda stream: errors.append(stream.read()), args=(child.stderr,))
        reader.start()
        limit = time.monotonic() + 60
        while not ended and time.monotonic() < limit:
            piece = os.read(child.stdout.fileno(), 16)
            output, ended = output + piece, not piece
            os.kill(child.pid, signal.SIGUSR1)  # a tick; the first comes after the first word, when the trap is set
            time.sleep(0.001)  # this is how slow it is
        reader.join()
    sections = bundle.parse_output(output, errors[0], mark, probes)
    assert [name for name, section in sections.items() if not section.whole] == []
    assert list(sections) == [probe.name for probe in probes]
    assert {(section.output, section.errors) for section in sections.values()} == {(b"some\n", b"more")}
    assert output.endswith(bundle.end_line(mark))


def test_when_the_reader_goes_all_ends(shell: Shell, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    script = f"while [ ! -e {gone} ]; do sleep 0.05; done; echo to nobody; sleep 60"
    probes = [made("good", "echo here"), made("late", script)]
    mark = bundle.new_mark()
    child = begun(shell, bundle.with_mark(bundle.build_script(probes, 3, tick=0.2), mark))
    assert child.stdout and child.stderr
    output = b""
    while b"begin late" not in output:
        output += os.read(child.stdout.fileno(), 4096)
    child.stdout.close()
    child.stderr.close()
    gone.touch()
    child.wait(20)
    assert bundle.parse_output(output, b"", mark, probes)["good"].whole
    assert shells.remaining(child.pid, 10) == []
