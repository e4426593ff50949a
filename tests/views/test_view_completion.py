"""What the TAB key offers: by click's own protocol, and in real shells."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.shell_completion import BashComplete, split_arg_string
from program import Program

import needs
from nicassh.app import App
from nicassh.cli import command


@pytest.fixture
def nicamon(config: Path) -> Program:
    return Program(config)


def offered(line: str) -> list[str]:
    """What may stand for the last word of a line; an empty last word is written ''."""
    *words, last = split_arg_string(line)
    return [item.value for item in BashComplete(command, {}, "nicamon", "").get_completions(words, last)]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("show farm -n @ba", ["@batch"]),
        ("show farm n1,n", ["n1,n2", "n1,n3", "n1,n1"]),
        ("show farm '@batch!n2'", ["@batch!n2"]),
        ("show farm --columns load", ["load1", "load5", "load15"]),
        ("show farm --columns node,memory", ["node,memory_available"]),
        ("show farm --sort node,sever", ["node,severity"]),
        ("show farm --columns +load1", ["+load1", "+load15"]),
        ("procs --sort mem", ["memory_percent", "memory"]),
        ("tasks list --sort fai", ["failures"]),
        ("show farm --filter load1", ["load1", "load15"]),
        ("show farm --filter 'load1 > 4 and disk'", ["load1 > 4 and disk_free"]),
        ("show farm --filter 'state = u'", ["state = up", "state = unknown"]),
        ("procs --state R,D", ["R,D"]),
        ("history n2 load1", ["load1", "load15"]),
        ("history n2 disks.used --where mo", ["mount="]),
        ("collect -p mem", ["memory"]),
        ("show far", ["farm"]),
    ],
)
def test_words_are_offered(config: Path, monkeypatch: pytest.MonkeyPatch, line: str, words: list[str]) -> None:
    monkeypatch.setenv("NICAMON_CONFIG", str(config))
    assert offered(line) == words


def test_users_and_keys_are_those_of_the_database(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NICAMON_CONFIG", str(config))
    app = App(config)
    users = [row.values["user"] for row in app.query("users").rows]
    assert offered("procs -u ''") == users
    assert f"{users[0]},{users[1]}" in offered(f"show jobs -u {users[0]},{users[1][:-1]}")
    mounts = {row.values["mount"] for row in app.query("disks", nodes="n2").rows}
    assert set(offered("history n2 disks.used --where mount=/")) == {f"mount={mount}" for mount in mounts}


@pytest.mark.parametrize(
    ("typed", "shown"),
    [("-n @ba", "-n @batch "), ("--columns node,memory_", "--columns node,memory_available ")],
)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_real_shell_completes(nicamon: Program, tmp_path: Path, shell: str, typed: str, shown: str) -> None:
    """The key is pressed in the shell itself: what it shows then is what a person sees."""
    if shutil.which(shell) is None:
        needs.missing(f"{shell} is not installed")
    script = tmp_path / "completion"
    script.write_text(nicamon("completion", shell).stdout)
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "NICAMON_CONFIG": str(nicamon.config),
        "HOME": str(tmp_path), "TERM": "dumb", "LANG": "C.UTF-8",
    }  # fmt: skip
    if shell == "fish":
        code = f"source {script}; complete -C 'nicamon show farm {typed}'"
        said = subprocess.run(
            [shell, "--no-config", "-c", code], env=environment, capture_output=True, text=True
        ).stdout
        assert shown.rsplit(maxsplit=1)[-1] in said.split()
        return
    start = [shell, *(["--norc", "--noprofile"] if shell == "bash" else ["-f"]), "-i"]
    load = f"source {script}" if shell == "bash" else f"autoload -U compinit; compinit -u -D; source {script}"
    assert shown in _typed(start, environment, f"{load}; echo rea''dy\n", f"nicamon show farm {typed}\t\t", shown)


def _typed(command: list[str], environment: dict[str, str], first: str, line: str, wanted: str) -> str:
    """What a shell on a terminal shows after a line is typed; it is ended when it has shown what is wanted."""
    pid, terminal = pty.fork()
    if not pid:
        os.execvpe(command[0], command, environment)  # noqa: S606 the shell is what is tried
    try:
        os.write(terminal, first.encode())
        _read(terminal, "ready")
        os.write(terminal, line.encode())
        return _read(terminal, wanted)
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)


def _read(terminal: int, wanted: str) -> str:
    """What a terminal shows until it has shown the words, or for half a minute."""
    text, until = "", time.monotonic() + 30
    while wanted not in text and select.select([terminal], [], [], max(0.0, until - time.monotonic()))[0]:
        text += os.read(terminal, 4096).decode(errors="replace")
    return text
