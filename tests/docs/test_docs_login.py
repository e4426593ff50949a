"""What docs/install.md says of authorized_keys, on a real sshd."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import reading
from sshd import Server, serve

OPTIONS = 'restrict,command="exec sh -s"'


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serve(tmp_path / "sshd") as one:
        yield one


def collect(server: Server, folder: Path) -> subprocess.CompletedProcess[str]:
    """`nicamon collect` of one probe from that server."""
    node = server.node()
    settings = {"user": node.user, "identity": node.identity[0], "known_hosts": node.known_hosts[0]}
    lines = ["[[nodes]]", 'names = "here"', 'address = "127.0.0.1"', f"port = {server.port}", 'ssh_config = "none"']
    lines += [f'{name} = "{value}"' for name, value in settings.items()]
    (folder / "inventory.toml").write_text("\n".join(lines) + "\n")
    (folder / "nicamon.toml").write_text(f'database = "sqlite:///{folder}/nicamon.db"\n')
    return subprocess.run(
        [sys.executable, "-m", "nicassh", "collect", "-p", "load"],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
        env=os.environ | {"NICAMON_CONFIG": str(folder / "nicamon.toml")},
    )  # fmt: skip


@pytest.mark.parametrize("options", [OPTIONS, "no-port-forwarding,no-X11-forwarding,no-agent-forwarding,no-pty"])
def test_the_options_of_the_page_let_nicamon_in(options: str, server: Server, tmp_path: Path) -> None:
    assert options in (reading.TOP / "docs" / "install.md").read_text()
    authorized = server.folder / "authorized"
    authorized.write_text(f"{options} {authorized.read_text()}")
    done = collect(server, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_another_forced_command_is_what_the_page_says(server: Server, tmp_path: Path) -> None:
    authorized = server.folder / "authorized"
    authorized.write_text(f'restrict,command="/bin/date" {authorized.read_text()}')
    done = collect(server, tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("here: truncated: ")
