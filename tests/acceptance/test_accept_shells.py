"""The login shell of the account, and what its start-up files print, do not matter."""

from __future__ import annotations

import shutil

import pytest
from program import Program

import needs
from nicassh.demo.farm import Farm

NOISE = "echo NOISE; echo NOISE >&2; printf 'nicamon-0 begin load\\\\nloadavg 99 99 99 1/1 1\\\\n'"


@pytest.mark.parametrize("shell", ["csh", "fish", "zsh", "bash", "dash"])
def test_account_with_another_login_shell_is_asked_alike(farm: Farm, nicamon: Program, shell: str) -> None:
    program = shutil.which(shell)
    if program is None:
        needs.missing(f"{shell} is missing")
    before = farm.enter("nc9", ["cat", "/etc/passwd"]).stdout
    line = next(line for line in before.splitlines() if line.startswith("nicamon:"))
    after = before.replace(line, line.rpartition(":")[0] + f":{program}")
    _write(farm, "/etc/passwd", after)
    try:
        nicamon("collect", "-n", "nc9")
        (row,) = nicamon.rows("show", "farm", "-n", "nc9")
        assert (row["state"], row["reason"]) == ("up", None)
        assert row["load1"] < 99
    finally:
        _write(farm, "/etc/passwd", before)


def test_noise_of_start_up_files_is_ignored(farm: Farm, nicamon: Program) -> None:
    """sshd runs /etc/ssh/sshrc before the command, with its output on the same channel."""
    _write(farm, "/etc/ssh/sshrc", NOISE + "\n")
    try:
        seen = farm.enter("nc9", ["cat", "/etc/ssh/sshrc"]).stdout
        assert "NOISE" in seen
        nicamon("collect", "-n", "nc9")
        (row,) = nicamon.rows("show", "farm", "-n", "nc9")
        assert (row["state"], row["reason"]) == ("up", None)
        assert row["load1"] < 99
    finally:
        farm.enter("nc9", ["rm", "/etc/ssh/sshrc"])


def _write(farm: Farm, file: str, text: str) -> None:
    """Writes a file in the node nc9, in place, for it may be a mount point."""
    done = farm.enter("nc9", ["sh", "-c", 'printf %s "$1" > "$2"', "x", text, file])
    assert done.returncode == 0, done.stderr
