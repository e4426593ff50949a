"""A real sshd of the user who runs the tests, on a loopback port, with whatever configuration a test wants."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import needs
from nicassh.inventory import Node


@dataclass(frozen=True)
class Server:
    """A running sshd: its folder holds the host keys (`host_ed25519` …), the client key `client`, and known_hosts."""

    folder: Path
    port: int
    pid: int

    def public(self, kind: str = "ed25519") -> str:
        """A host key as known_hosts writes it: type and base64."""
        return " ".join((self.folder / f"host_{kind}.pub").read_text().split()[:2])

    def node(self, name: str = "here", **fields: object) -> Node:
        """The server as a node that knows its key and may log in."""
        known = self.folder / "known_hosts"
        if not known.exists():
            known.write_text(f"[127.0.0.1]:{self.port} {self.public()}\n")
        settings = {
            "port": self.port,
            "user": getpass.getuser(),
            "identity": (self.folder / "client",),
            "known_hosts": (known,),
        }
        return Node(name, "127.0.0.1", **(settings | fields))  # type: ignore[arg-type]


@contextmanager
def serve(
    folder: Path,
    *options: str,
    kinds: tuple[str, ...] = ("ed25519",),
    keys: bool = True,
    port: int | None = None,
    within: tuple[str, ...] = (),
) -> Iterator[Server]:
    """Runs an sshd with these host keys and lines of configuration; without `keys` it lets nobody in.

    `within` is a command that becomes it in a place of its own. Sessions outlive it, as they outlive any sshd.
    """
    program = shutil.which("sshd") or "/usr/sbin/sshd"
    if not Path(program).exists():
        needs.missing("openssh-server is missing")
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*(f"host_{kind}" for kind in kinds), "client"):
        kind = name.removeprefix("host_") if name != "client" else "ed25519"
        if not (folder / name).exists():
            generate(folder / name, kind)
    shutil.copy(folder / "client.pub", folder / "authorized")
    port = port or free_port()
    lines = [  # of two lines for one thing, sshd takes the first
        *options, f"Port {port}", "ListenAddress 127.0.0.1", "UsePAM no", "StrictModes no", "PasswordAuthentication no",
        f"SetEnv HOME={folder}",  # what this user's own shell does at its start takes longer than a whole test
        f"PidFile {folder}/pid", "MaxStartups 100:30:200", "PermitRootLogin yes", "LogLevel ERROR",
        f"AuthorizedKeysFile {folder / 'authorized' if keys else 'none'}",
        *(f"HostKey {folder}/host_{kind}" for kind in kinds),
    ]  # fmt: skip
    (folder / "sshd_config").write_text("\n".join(lines) + "\n")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    command = [*within, program, "-D", "-e", "-f", str(folder / "sshd_config")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log, start_new_session=True)
    try:
        _wait(port, process, folder / "log")
        yield Server(folder, port, process.pid)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def generate(file: Path, kind: str, passphrase: str = "", form: str = "") -> None:
    """A fresh key pair, in OpenSSH's own form or the one that is named (`PEM`)."""
    options = ["-m", form] if form else []
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, *options, "-f", str(file)], check=True)


def free_port() -> int:
    """A port that the kernel says is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        if process.poll() is not None:
            pytest.fail(f"sshd ended: {log.read_text()}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    pytest.fail("sshd does not listen")
