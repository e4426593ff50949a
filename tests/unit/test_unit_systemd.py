"""Units of systemd: what they say, and what becomes of odd paths."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import needs
from nicassh.cli import systemd
from nicassh.cli.systemd import Setup
from nicassh.model.errors import SetupError

PLAIN = Setup(["/opt/nicamon/bin/nicamon"], Path("/etc/nicamon/nicamon.toml"), 60.0)
ODD = "a b%n$HOME\\x\"'é;#"


def lines(setup: Setup, name: str = "nicamon-daemon.service") -> list[str]:
    return {**systemd.daemon(setup), **systemd.timer(setup)}[name].splitlines()


def value(setup: Setup, key: str, name: str = "nicamon-daemon.service") -> str:
    """The one value that a unit gives to a key."""
    (found,) = [line.partition("=")[2] for line in lines(setup, name) if line.startswith(f"{key}=")]
    return found


def test_the_command_is_the_program_with_its_configuration() -> None:
    start = "/opt/nicamon/bin/nicamon --config /etc/nicamon/nicamon.toml"
    assert value(PLAIN, "ExecStart") == f"{start} daemon --quiet"
    assert value(PLAIN, "ExecStart", "nicamon-collect.service") == f"{start} collect"


@pytest.mark.parametrize(("timeout", "stop"), [(60.0, 90), (0.5, 31), (600.2, 631)])
def test_collectors_have_time_to_finish(timeout: float, stop: int) -> None:
    assert value(Setup(PLAIN.program, PLAIN.config, timeout), "TimeoutStopSec") == str(stop)


def test_units_of_the_machine_name_their_account_and_wait_for_the_network() -> None:
    system = Setup(PLAIN.program, PLAIN.config, 60.0, "nicamon")
    for name in ("nicamon-daemon.service", "nicamon-collect.service"):
        assert value(system, "User", name) == "nicamon"
        assert value(system, "After", name) == "network-online.target"
        assert value(system, "CapabilityBoundingSet", name) == ""
    assert value(system, "WantedBy") == "multi-user.target"
    assert value(PLAIN, "WantedBy") == "default.target"
    mine = lines(PLAIN)
    assert not [line for line in mine if line.startswith(("User=", "After=", "CapabilityBoundingSet="))]


def test_root_keeps_its_rights() -> None:
    root = lines(Setup(PLAIN.program, PLAIN.config, 60.0, "root"))
    assert "User=root" in root
    assert "CapabilityBoundingSet=" not in root


def test_a_timer_fires_each_full_minute_and_catches_up_on_nothing() -> None:
    assert next(iter(systemd.timer(PLAIN))) == "nicamon-collect.timer"
    clock = lines(PLAIN, "nicamon-collect.timer")
    assert {"OnCalendar=minutely", "AccuracySec=1s", "Persistent=no"} <= set(clock)
    service = lines(PLAIN, "nicamon-collect.service")
    assert "SuccessExitStatus=1 130" in service
    assert "[Install]" not in service


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("/a/b-c_1.toml", "/a/b-c_1.toml"),
        ("/a b", '"/a b"'),
        ("/100%", '"/100%%"'),
        ('/a"b', '"/a\\"b"'),
        ("/a\\b", '"/a\\\\b"'),
        ("/a'b;c#d", '"/a\'b;c#d"'),
        ("", '""'),
    ],
)
def test_words_are_quoted(text: str, written: str) -> None:
    assert systemd.word(text) == written


@pytest.mark.parametrize("text", ["/a\nUser=root", "/a\tb", "/a\x1b[2J", "/a\udcff"])
def test_no_path_begins_a_line_of_its_own(text: str) -> None:
    with pytest.raises(SetupError, match="no path with such characters") as caught:
        systemd.daemon(Setup(PLAIN.program, Path(text), 60.0))
    assert caught.value.what.isprintable()


@pytest.mark.parametrize("sign", "'\"\\")
def test_a_program_that_systemd_cannot_start_is_refused(sign: str) -> None:
    with pytest.raises(SetupError, match="quotes or backslashes"):
        systemd.timer(Setup([f"/opt/a{sign}b/nicamon"], PLAIN.config, 60.0))


@pytest.mark.parametrize("account", ["", "root", "daemon"])
@pytest.mark.parametrize("kind", [systemd.daemon, systemd.timer])
def test_systemd_finds_nothing_wrong(kind: Callable[[Setup], dict[str, str]], account: str, tmp_path: Path) -> None:
    """With a program and a configuration whose paths hold every sign that a unit file gives a meaning."""
    if not shutil.which("systemd-analyze"):
        needs.missing("systemd-analyze is missing")
    program = tmp_path / "100%n a$b;#é" / "nicamon"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    setup = Setup([str(program)], tmp_path / ODD / "nicamon.toml", 60.0, account, {"XDG_STATE_HOME": f"/var/{ODD}"})
    units = kind(setup)
    for name, text in units.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    for name in units:
        done = subprocess.run(
            ["systemd-analyze", "--system" if account else "--user", "--man=no", "verify", f"./{name}"],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, ""), name
