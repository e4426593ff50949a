"""`install-units`: what it writes, what it refuses, and what a real systemd of a user makes of it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from program import Program

import needs

UNSHARE = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
OTHER = "[Service]\nExecStart=/bin/true\n"
# A systemd of the user in namespaces, which end with the test; to it, the machine is run by systemd. Then words.
SYSTEMD = """
mount --make-rprivate / && mount -t tmpfs run /run && mkdir -p /run/systemd/system /run/user || exit 9
export XDG_RUNTIME_DIR=/run/user
"$1" --user >/run/log 2>&1 &
pid=$!
tries=0
until systemctl --user is-system-running >/run/state 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 50 ] || { cat /run/log /run/state >&2; exit 9; }
    sleep 0.1
done
shift
"$@"
code=$?
kill $pid
wait $pid
exit $code
"""


@pytest.fixture
def here(tmp_path: Path) -> Program:
    """The program with this machine as its one node, in a folder whose name needs quoting."""
    folder = tmp_path / "100% of it"
    folder.mkdir()
    (folder / "inventory.toml").write_text('[[nodes]]\nnames = "here"\ntransport = "local"\n')
    (folder / "nicamon.toml").write_text(f'database = "sqlite:///{tmp_path}/nicamon.db"\ntimeout = 20\n')
    return Program(folder / "nicamon.toml")


def test_print_writes_nothing(here: Program, tmp_path: Path) -> None:
    folder = tmp_path / "units"
    done = here("install-units", "--system", "--run-as", "daemon", "--timer", "--print", "--folder", str(folder))
    assert done.stdout.count("[Unit]") == 2
    assert f"# {folder}/nicamon-collect.timer\n" in done.stdout
    assert "\nUser=daemon\n" in done.stdout
    assert not folder.exists()


def test_what_is_written_starts_this_nicamon(here: Program, tmp_path: Path) -> None:
    here("install-units", "--user", "--timer", "--folder", str(tmp_path / "units"))
    service = tmp_path / "units" / "nicamon-collect.service"
    assert sorted(file.name for file in service.parent.iterdir()) == [
        "nicamon-collect.service",
        "nicamon-collect.timer",
    ]
    assert service.stat().st_mode & 0o777 == 0o644
    (command,) = [line for line in service.read_text().splitlines() if line.startswith("ExecStart=")]
    words = [word.replace("%%", "%") for word in shlex.split(command.removeprefix("ExecStart="))]
    assert subprocess.run([*words, "-p", "load"], env={"PATH": "/usr/bin:/bin"}, check=False).returncode == 0
    assert [row["node"] for row in here.rows("show", "load")] == ["here"]


@pytest.mark.parametrize("made", ["file", "masked", "folder"])
def test_a_unit_of_another_is_left_alone(made: str, here: Program, tmp_path: Path) -> None:
    """And then the one beside it is not written either."""
    words = ["install-units", "--user", "--timer", "--folder", str(tmp_path)]
    service = tmp_path / "nicamon-collect.service"
    {
        "file": lambda: service.write_text(OTHER),
        "masked": lambda: service.symlink_to("/dev/null"),
        "folder": service.mkdir,
    }[made]()
    assert "nicamon-collect.service was not written by nicamon" in here(*words, code=2).stderr
    assert not (tmp_path / "nicamon-collect.timer").exists()
    if made == "file":
        assert service.read_text() == OTHER
    if made != "folder":
        here(*words, "--force")
        assert "collect" in service.read_text()
        here(*words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "say whose units"),
        (["--user", "--system"], "say whose units"),
        (["--user", "--run-as", "daemon"], "--run-as is for --system"),
        (["--system", "--run-as", "no such"], "no user 'no such'"),
        (["--user", "--now", "--print"], "cannot be used together"),
        (["--user", "--now", "--folder", "."], "cannot be used together"),
        (["--user", "--folder", "/dev/null/units"], "/dev/null/units"),
    ],
)
def test_what_cannot_be_is_said(words: list[str], said: str, here: Program) -> None:
    done = here("install-units", *words, code=2)
    assert said in done.stderr
    assert done.stdout == ""


def test_root_must_say_whose_keys_open_the_nodes(here: Program) -> None:
    needs.root("is asked for an account")
    assert "--run-as NAME" in here("install-units", "--system", "--print", code=2).stderr


def test_units_that_could_not_start_are_not_written(here: Program, tmp_path: Path) -> None:
    words = ["install-units", "--user", "--folder", str(tmp_path / "units")]
    empty = {"NICAMON_CONFIG": "", "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    if not Path("/etc/nicamon").exists():
        assert "no configuration file" in here(*words, code=2, **empty).stderr
    (here.config.parent / "inventory.toml").write_text("[[nodes]]\n")
    assert "inventory.toml" in here(*words, code=2).stderr
    assert not (tmp_path / "units").exists()


def test_settings_of_the_environment_are_told(here: Program) -> None:
    done = here("install-units", "--user", "--print", NICAMON_FANOUT="7")
    assert "NICAMON_FANOUT of your environment will not be in force" in done.stderr


def test_a_machine_without_systemd_is_told_of_cron(here: Program, tmp_path: Path) -> None:
    needs.root("hides what runs this machine")
    bare = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs run /run && exec "$@"', "sh"]
    done = here("install-units", "--user", code=2, inside=bare, XDG_CONFIG_HOME=str(tmp_path))
    assert "systemd does not run on this machine" in done.stderr
    assert "let cron do it" in done.stderr
    assert not (tmp_path / "systemd").exists()


def under_systemd(here: Program, home: Path, script: str) -> subprocess.CompletedProcess[str]:
    """A shell script under a systemd of its own, with `nicamon` as a function."""
    needs.root("starts a systemd")
    systemd = next((path for path in ("/lib/systemd/systemd", "/usr/lib/systemd/systemd") if Path(path).exists()), "")
    if not systemd or not shutil.which("systemctl"):
        needs.missing("systemd is missing")
    text = f'set -e\nnicamon() {{ {shlex.quote(sys.executable)} -m nicassh "$@"; }}\n{script}'
    done = subprocess.run(
        [*UNSHARE, "sh", "-c", SYSTEMD, "sh", systemd, "sh", "-c", text],
        capture_output=True, text=True, timeout=110, check=False,
        env=os.environ | {"NICAMON_CONFIG": str(here.config), "XDG_CONFIG_HOME": str(home), "HOME": str(home)},
    )  # fmt: skip
    if done.returncode == 9:
        needs.missing(f"no systemd of a user starts here: {done.stderr}")
    return done


def test_a_real_systemd_runs_the_daemon_and_ends_them_in_order(here: Program, tmp_path: Path) -> None:
    done = under_systemd(
        here, tmp_path,
        """
        nicamon install-units --user --now
        until nicamon show load --json | grep -q here; do sleep 0.2; done
        systemctl --user is-enabled nicamon-daemon.service
        systemctl --user stop nicamon-daemon.service
        systemctl --user show nicamon-daemon.service -p Result -p ExecMainStatus
        nicamon tasks --columns running --csv
        """,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "nicamon-daemon.service is enabled and runs" in done.stdout
    assert {"enabled", "Result=success", "ExecMainStatus=0"} <= set(done.stdout.splitlines())
    assert done.stdout.endswith("running\n0\n0\n0\n0\n0\n")


def test_a_real_systemd_collects_and_takes_a_node_that_fails_for_no_failure(here: Program, tmp_path: Path) -> None:
    with (here.config.parent / "inventory.toml").open("a") as stream:
        stream.write('[[nodes]]\nnames = "gone"\naddress = "127.0.0.1"\nport = 1\nknown_hosts = "none"\n')
    done = under_systemd(
        here, tmp_path,
        """
        nicamon install-units --user --timer --now
        systemctl --user start nicamon-collect.service
        systemctl --user show nicamon-collect.service -p Result -p ExecMainStatus
        systemctl --user is-active nicamon-collect.timer
        """,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {"Result=success", "ExecMainStatus=1", "active"} <= set(done.stdout.splitlines())
    assert {row["node"]: row["state"] for row in here.rows("show", "farm")} == {"here": "up", "gone": "down"}


def test_what_systemctl_refuses_is_said(here: Program, tmp_path: Path) -> None:
    done = under_systemd(
        here, tmp_path, "systemctl --user mask -q nicamon-daemon.service\nnicamon install-units --user --now --force"
    )
    assert done.returncode == 0, done.stderr
    done = under_systemd(here, tmp_path, "unset XDG_RUNTIME_DIR\nnicamon install-units --user --now")
    assert done.returncode == 2
    assert "systemctl --user daemon-reload: " in done.stderr
