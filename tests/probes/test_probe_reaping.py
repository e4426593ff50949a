"""What a limit ends, under a storm of signals: the probe's own processes and nobody else's."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import shells

import needs

NOBODY: dict[str, Any] = {"user": 65534, "group": 65534, "extra_groups": [], "start_new_session": True}
"""A frame that kills strangers must not be able to kill those of this machine: all play as one powerless user."""


@pytest.mark.parametrize("name", shells.NAMES)
def test_ticks_in_the_midst_of_reaping_kill_no_stranger(name: str) -> None:
    needs.root("becomes a user who can do no harm")
    frame = resources.files("nicassh.collection").joinpath("bundle.sh").read_text()
    reaping = "i=0\nwhile [ $i -lt 40 ]; do kill_session; i=$((i + 1)); done\nfinish\n"
    script = f"mark=m\ntick=1\ndeadline=99\n{frame}\n{reaping}"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        shell = shells.find(name, Path(folder))
        strangers = [subprocess.Popen(["sleep", "60"], **NOBODY) for _ in range(12)]
        process = subprocess.Popen(
            shell.argv, env=shell.environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd="/", **NOBODY
        )
        try:
            _storm(process, script)
            assert process.returncode == 0
            assert [stranger.poll() for stranger in strangers] == [None] * len(strangers)
        finally:
            process.kill()
            for stranger in strangers:
                stranger.kill()
                stranger.wait()


def _storm(process: subprocess.Popen[bytes], script: str) -> None:
    """Feeds the shell and sends it a tick every other millisecond until it ends."""
    assert process.stdin
    process.stdin.write(script.encode())
    process.stdin.close()
    time.sleep(0.1)  # the shell sets its trap before anything else
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        os.kill(process.pid, signal.SIGUSR1)
        time.sleep(0.002)
