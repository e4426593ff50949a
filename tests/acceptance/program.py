"""The command line as a person runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import forked


@dataclass(frozen=True)
class Program:
    """`nicamon` with a configuration, as a subprocess."""

    config: Path

    def __call__(
        self, *words: str, code: int | None = 0, inside: Sequence[str] = (), **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs it, perhaps inside another program; the exit code must be `code`, unless that is None."""
        environment = {**os.environ, "NICAMON_CONFIG": str(self.config), **environment}
        if inside:
            done = subprocess.run(
                [*inside, sys.executable, "-m", "nicassh", *words], capture_output=True, text=True,
                stdin=subprocess.DEVNULL, timeout=120, check=False, env=environment,
            )  # fmt: skip
        else:
            done = forked.run(words, environment)
        assert code is None or done.returncode == code, f"{words} ended with {done.returncode}: {done.stderr}"
        return done

    @contextmanager
    def running(self, *words: str, inside: Sequence[str] = ()) -> Iterator[subprocess.Popen[bytes]]:
        """Runs it in the background, perhaps inside another program such as unshare, and ends it in order."""
        process = subprocess.Popen(
            [*inside, sys.executable, "-m", "nicassh", *words], stdin=subprocess.DEVNULL,
            env={**os.environ, "NICAMON_CONFIG": str(self.config)}, start_new_session=True,
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(60)

    def rows(self, *words: str, code: int | None = 0) -> list[dict[str, Any]]:
        """The rows of a command's `--json`."""
        found: list[dict[str, Any]] = json.loads(self(*words, "--json", code=code).stdout)["rows"]
        return found


RECORD = '''"""A probe of a test's own: what it printed."""

from dataclasses import dataclass

from nicassh.model.records import Record, column
from nicassh.model.units import Text

every, priority, timeout, keep = {every}, "{priority}", {timeout}, "{keep}"


@dataclass(frozen=True)
class Said(Record):
    word: Text = column("What the script printed.")


def parse(output):
    yield Said(output.strip())
'''


def add_probe(
    program: Program, name: str, script: str, timeout: int, *,
    every: int = 60, priority: str = "background", keep: str = "latest",
) -> None:  # fmt: skip
    """Gives the program a probe of the site's own; by default one that runs after all others."""
    folder = program.config.parent / "probes" / name
    folder.mkdir(parents=True)
    (folder / "probe.sh").write_text(script)
    (folder / "record.py").write_text(RECORD.format(timeout=timeout, every=every, priority=priority, keep=keep))
    told = program.config.read_text()
    if "probes = " not in told:
        program.config.write_text(f'{told}probes = ["probes"]\n')
