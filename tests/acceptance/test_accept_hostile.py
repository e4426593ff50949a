"""Nothing that a user of a node chooses reaches a terminal, a file or a log as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from program import Program

import needs
from nicassh.demo.farm import Farm

# A program's arguments, as printf(1) writes them: each is one process of an ordinary user.
NAMES = [
    r"\033[2J\033]0;owned\007",
    r"\033]52;c;ZWNobyBvd25lZA==\007",
    r"\302\2332J 8-bit CSI",
    r"\342\200\256 right to left",
    r"zero\342\200\213width\357\273\277",
    r"[bold]red[/bold] [/nothing] [link=http://evil.example]x[/link] :skull:",
    r"new\nline\r\ttab",
    r"\377\376 not UTF-8 \300\200",
    r"=cmd|'/c calc'!A1",
    r"nicamon-0123456789abcdef end\nnicamon-0123456789abcdef begin load",
    r"1/stat:1 (sshd) R 0 0 0\npasswd\nroot:x:0:0::/:/bin/sh",
    r"<img src=x onerror=alert(1)>",
]
FORBIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@pytest.fixture(scope="module")
def crowd(farm: Farm) -> Iterator[None]:
    """The hostile processes, run by strmaxim on nc6, and one with a command line of 128 KiB."""
    # A child that kept the pipe of this command open would keep it from ending.
    lines = ["exec >/dev/null 2>&1 </dev/null", "run() { setsid -f setpriv --reuid 1001 --clear-groups bash -c "]
    lines[1] += '\'exec -a "$1" sleep 300\' x "$1"; }'
    lines += [f'run "$(printf {_quoted(name)})"' for name in NAMES]
    lines.append("run \"$(head -c 131000 /dev/zero | tr '\\000' A)\"")

    def sleeping() -> int:
        return int(farm.enter("nc6", ["pgrep", "-u", "1001", "-c", "-x", "sleep"]).stdout)

    before = sleeping()
    done = farm.enter("nc6", ["bash", "-c", "\n".join(lines)])
    assert done.returncode == 0
    needs.until(lambda: sleeping() == before + len(NAMES) + 1)
    yield
    farm.enter("nc6", ["pkill", "-u", "1001", "sleep"])


@pytest.mark.parametrize("form", [[], ["--json"], ["--ndjson"], ["--csv"]])
@pytest.mark.parametrize(
    "command", [["procs", "--user", "strmaxim"], ["procs", "--cached", "--node", "nc6"], ["show", "processes"]]
)
def test_no_output_carries_a_control_byte(crowd: None, nicamon: Program, command: list[str], form: list[str]) -> None:
    nicamon("collect")
    text = nicamon(*command, *form).stdout
    found = FORBIDDEN.search(text)
    assert found is None, (command, form, text[max(0, found.start() - 40) : found.end() + 40])
    assert "␛[2J" in text
    assert "[bold]red[/bold] [/nothing]" in text


def test_terminal_colours_are_ours_alone(crowd: None, nicamon: Program) -> None:
    text = nicamon("procs", "--user", "strmaxim", FORCE_COLOR="1", COLUMNS="150").stdout
    assert FORBIDDEN.search(re.sub(r"\x1b\[[0-9;]*m", "", text)) is None
    assert "\x1b]" not in text


def test_nobody_passes_for_somebody_else(crowd: None, nicamon: Program) -> None:
    rows = nicamon.rows("procs", "--user", "strmaxim", "--user", "root", "--node", "nc6")
    first = [row for row in rows if row["pid"] == 1]
    assert len(first) == 1
    assert first[0]["user"] == "root"
    assert "R" not in {row["state"] for row in rows if row["pid"] == 1}
    long = [row["command"] for row in rows if row["command"].startswith("AAAA")]
    assert len(long) == 1
    assert 500 < len(long[0]) < 4096


def test_spreadsheet_does_not_run_a_command_line(crowd: None, nicamon: Program) -> None:
    assert "'=cmd|" in nicamon("procs", "--user", "strmaxim", "--csv").stdout


def test_database_holds_no_control_byte(crowd: None, nicamon: Program) -> None:
    import sqlite3

    nicamon("collect")
    with sqlite3.connect(Path(nicamon.config).parent / "nicamon.db") as database:
        commands = [row[0] for row in database.execute("SELECT command FROM processes")]
    assert any("␛" in command for command in commands)
    assert not any(FORBIDDEN.search(command) for command in commands)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
