"""The hostile servers as nodes of a test."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sshd import generate


@dataclass(frozen=True)
class Hostile:
    """The hostile servers: their ports by kind, and a folder with what a login needs and what they note."""

    folder: Path
    ports: dict[str, int]

    def node(self, kind: str) -> dict[str, Any]:
        """One of them as the fields of a node that lets the program in."""
        files = {"identity": [str(self.folder / "client")], "known_hosts": [str(self.folder / "known_hosts")]}
        return {"name": kind, "address": "127.0.0.1", "port": self.ports[kind], "user": "nobody", **files}

    def asked(self, kind: str) -> int:
        """How many commands that one was asked to run so far."""
        file = self.folder / f"{kind}.asked"
        return file.read_text().count("\n") if file.exists() else 0


@contextmanager
def lurking(folder: Path) -> Iterator[Hostile]:
    """Runs them all."""
    generate(folder / "client", "ed25519")
    command = [sys.executable, str(Path(__file__).with_name("hostile_servers.py")), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        told = json.loads(process.stdout.readline())
        (folder / "known_hosts").write_text(f"[127.0.0.1]:* {told['key']}\n")
        yield Hostile(folder, told["ports"])
        process.stdin.close()
