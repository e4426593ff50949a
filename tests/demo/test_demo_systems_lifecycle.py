"""Farms with batch and storage systems come up, come back from harm, and go without a trace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import needs
from nicassh import demo
from nicassh.cli.demo import command
from nicassh.demo import bridge, farm, freezer, gridengine, processes, rooted
from nicassh.model.errors import SetupError

ALL = ["sge", "slurm", "xrootd"]
CODE = """
import sys
from pathlib import Path
from nicassh import demo
print(flush=True)
demo.up(Path(sys.argv[1]), systems=["sge", "slurm", "xrootd"])
"""
# Where a machine that runs these systems itself has their files.
PLACES = [
    *("/etc/munge", "/etc/slurm", "/etc/xrootd", "/run/gridengine", "/run/munge", "/run/slurm", "/run/xrootd"),
    *("/var/lib/gridengine", "/var/lib/munge", "/var/log/munge", "/var/log/slurm", "/var/log/xrootd"),
    *("/var/spool/gridengine", "/var/spool/nica", "/var/spool/slurmctld", "/var/spool/slurmd", "/var/spool/xrootd"),
]
GROUPS = "mount -t tmpfs tmpfs /mnt && mount -t cgroup -o freezer freezer /mnt && ls /mnt"


def mounts() -> list[str]:
    """Return what is mounted, without networks and what tests in other processes have mounted in their folders."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    return [line for line in lines if "/netns" not in line and not needs.is_others(line)]


def traces() -> dict[str, object]:
    """All that these systems could leave on the machine."""
    found = [path for place in PLACES for path in (Path(place), *Path(place).rglob("*")) if path.exists()]
    return {
        "files": {str(path): path.stat().st_mtime_ns for path in found},
        "accounts": [Path(name).read_text() for name in ("/etc/passwd", "/etc/group", "/etc/services")],
        "mounts": mounts(),
    }


@pytest.fixture(autouse=True)
def traceless(tmp_path: Path) -> Iterator[None]:
    """Have each test begin with root and the packages, and leave the machine as it was."""
    needs.systems()
    with needs.machine():
        before = traces()
        yield
        # Those that end with a farm that is up.
        demo.down(tmp_path / "demo")
        assert traces() == before


def networks(made: farm.Farm) -> set[tuple[int, int] | None]:
    """The identities of the nodes' network namespaces."""
    return {rooted.identity(bridge.NAMESPACES / bridge.namespace(made, node)) for node in made.nodes}


def daemons(known: set[tuple[int, int] | None]) -> list[int]:
    """The processes in these network namespaces."""
    return [pid for pid in processes.running() if rooted.identity(Path(f"/proc/{pid}/ns/net")) in known - {None}]


def groups() -> list[str]:
    """The control groups at the top of the machine's hierarchy `freezer`."""
    argv = ["unshare", "--mount", "sh", "-c", GROUPS]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split()


def test_down_leaves_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    made = demo.up(tmp_path / "demo", report=said.append, systems=ALL)
    assert [line for line in said if "master" in line or "manager" in line] == [
        "Grid Engine up: master on nc2",
        "Slurm up: master on nc3",
        "xrootd up: manager on nc4",
    ]
    known, named = networks(made), freezer.groups(made, made.nodes)
    assert len(daemons(known)) > 100
    assert set(named) <= set(groups())
    # What is frozen cannot be killed.
    state = "/sys/fs/cgroup/freezer/slurm_nc7/uid_1001"
    frozen = made.enter("nc7", ["sh", "-c", f"echo FROZEN >{state}/freezer.state"])
    assert frozen.returncode == 0, frozen.stderr
    demo.down(made.folder)
    assert daemons(known) == []
    assert not set(named) & set(groups())
    assert not made.folder.exists()


@pytest.mark.parametrize("delay", [0.4, 1.2, 2.5])
def test_down_after_up_was_killed(tmp_path: Path, delay: float) -> None:
    folder = tmp_path / "demo"
    with subprocess.Popen([sys.executable, "-c", CODE, str(folder)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(delay)
        child.kill()
    made = farm.load(folder)
    assert made is not None
    known = networks(made)
    demo.down(folder)
    assert daemons(known) == []
    assert not set(freezer.groups(made, made.nodes)) & set(groups())


def test_killed_nodes_come_back_with_their_daemons(tmp_path: Path) -> None:
    made = demo.up(tmp_path / "demo", systems=["sge"])
    for name in ("nc2", "nc11"):
        os.kill(made.node(name).pid, signal.SIGKILL)
    with pytest.raises(SetupError, match="is up without xrootd"):
        demo.up(made.folder, systems=["sge", "xrootd"])
    made = demo.up(made.folder, systems=["sge"])
    assert gridengine.awaited(made) == ""
    assert made.enter("nc11", ["pgrep", "-x", "sge_execd"]).stdout
    assert "ana_dst" in made.enter("nc2", ["qstat", "-u", "*"]).stdout


def test_a_system_that_does_not_start_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(gridengine.QUEUE, "slots", "many")
    with pytest.raises(SetupError, match=r"Grid Engine did not start on nc2\.jinr\.ru: .*\"many\""):
        demo.up(tmp_path / "demo", systems=["sge"])
    assert not (tmp_path / "demo").exists()


def test_too_few_nodes(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="Slurm takes the nodes up to nc9"):
        demo.up(tmp_path / "demo", 4, systems=["slurm"])
    assert not (tmp_path / "demo").exists()


def test_only_root_runs_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    with pytest.raises(SetupError, match="Grid Engine, xrootd: only root"):
        demo.up(tmp_path / "demo", systems=["sge", "xrootd"])
    assert not (tmp_path / "demo").exists()


def test_an_unknown_system_is_wrong_usage(tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ["up", "--with", "sge,torque", "--folder", str(tmp_path / "demo")])
    assert done.exit_code == 2
    assert "torque: known are sge, slurm, xrootd" in done.output
    assert not (tmp_path / "demo").exists()
