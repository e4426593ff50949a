"""The probes in namespaces of their own: how much they fork, on a system of busybox alone, beside a dead mount."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import hung_mount
import pytest
import sampling
import shells
from shells import Shell

import needs
from nicassh.collection.judge import ABSENT

FORKS = {"dash": 40, "bash": 40, "busybox": 40, "mksh": 110}
"""Processes that one collection may start on a node, shell and frame included. mksh has no printf of its own."""


@pytest.fixture(autouse=True)
def root() -> None:
    """Namespaces need root; where nothing may be skipped, that is a failure."""
    needs.root()


@pytest.mark.parametrize("name", FORKS)
def test_a_collection_forks_little(name: str, tmp_path: Path) -> None:
    probes = list(sampling.everywhere().values())
    done, forks = shells.counted(shells.find(name, tmp_path), probes, {"roots": "/opt\n/usr/local"})
    assert all(section.whole and section.status in (0, ABSENT) for section in done.sections.values())
    assert set(done.sections) == set(sampling.everywhere())
    assert 10 < forks <= FORKS[name]


def test_a_shell_brought_into_a_container_from_outside(shell: Shell) -> None:
    """Its session is 0 in there, and so is that of the container's processes: they are no part of the probe."""
    argv = ["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", 'sleep 77 & "$@"; exit 0', "sh", *shell.argv]
    environment = shell.environment | {"PATH": f"{shell.environment['PATH']}:{os.environ['PATH']}"}
    hang = replace(sampling.probes()["load"], name="hang", script="sleep 78", timeout=1)
    done = shells.run(Shell(argv, environment), [hang, sampling.probes()["processes"]])
    assert done.sections["hang"].timed_out
    processes = sampling.of("processes", sampling.rows("processes", done.sections["processes"].output))
    commands = [row["command"] for row in processes]
    assert "sleep 77" in commands


def test_a_system_of_busybox_alone(tmp_path: Path) -> None:
    """No getent, no getconf, no /etc/login.defs, no bash: only what busybox has."""
    argv = ["unshare", "--mount", "--uts", "--pid", "--fork", "sh", "-c", ENTER, "sh", str(_busybox_root(tmp_path))]
    probes = list(sampling.everywhere().values())
    done = shells.run(Shell(argv, {"PATH": os.environ["PATH"]}), probes, {"roots": "/opt"})
    rows = {}
    for name, section in done.sections.items():
        assert (section.whole, section.errors) == (True, b""), name
        assert section.status in (0, ABSENT), name
        if section.status != ABSENT:
            rows[name] = sampling.of(name, sampling.rows(name, section.output))
    assert rows["system"][0]["hostname"] == "nc4.jinr.ru"
    assert rows["system"][0]["os"] == "Tiny 1.2"
    assert [disk["mount"] for disk in rows["disks"]] == ["/"] or not rows["disks"]
    assert rows["memory"][0]["total"] > 0
    assert rows["software"][0]["version"] == "apr13"
    (ours,) = [row for row in rows["processes"] if row["command"] == "sleep 77"]
    assert ours["user"] == "boss"
    assert shells.remaining(done.session) == []


ENTER = """
mount --make-rprivate / && mount --bind "$1" "$1" && mount -t proc proc "$1/proc" && hostname nc4.jinr.ru
exec chroot "$1" /bin/ash -c 'export PATH=/bin; sleep 77 & setsid ash -s; exit 0'
"""


def _busybox_root(folder: Path) -> Path:
    """A root file system of busybox, the libraries it needs, and a few files."""
    shells.find("busybox", folder)
    busybox = shutil.which("busybox")
    assert busybox
    top = folder / "top"
    for name in ("bin", "proc", "etc", "dev", "tmp", "opt/fairsoft/apr13"):
        (top / name).mkdir(parents=True)
    (top / "etc/os-release").write_text("NAME=Tiny\nVERSION_ID=1.2\n")
    (top / "etc/passwd").write_text("boss:x:0:0::/:/bin/ash\n")
    (top / "dev/null").touch()
    linked = subprocess.run(["ldd", busybox], capture_output=True, text=True, check=False).stdout
    for library in re.findall(r"/\S+", linked):
        copy = top / library[1:]
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, copy)
    shutil.copy(busybox, top / "bin/busybox")
    for applet in subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split():
        if applet != "busybox":
            (top / "bin" / applet).symlink_to("busybox")
    return top


@pytest.mark.skipif(not Path("/dev/fuse").exists(), reason="the dead mount is made with /dev/fuse")
def test_a_dead_mount_takes_nothing_with_it(shell: Shell, tmp_path: Path) -> None:
    dead = tmp_path / "opt/fairsoft/nov15"
    dead.mkdir(parents=True)
    (tmp_path / "opt/fairsoft/apr13").mkdir()
    (tmp_path / "proc").mkdir()
    mounts = "/dev/sda / ext4 rw 0 0\nnc1:/soft /opt/fairsoft/nov15 nfs4 rw,hard 0 0\n"
    (tmp_path / "proc/mounts").write_text(mounts)
    touching = replace(sampling.probes()["load"], name="touching", script=f"stat -f '{dead}'", timeout=1)
    beside = Shell([sys.executable, hung_mount.__file__, str(dead), *shell.argv], shell.environment)
    probes = [sampling.probes()["disks"], sampling.probes()["software"], touching]
    done = shells.run(beside, probes, {"root": str(tmp_path), "roots": "/opt"})
    assert done.sections["touching"].timed_out, "the mount is not dead: this test shows nothing"
    assert [row["mount"] for row in sampling.rows("disks", done.sections["disks"].output)] == ["/"]
    software = sampling.rows("software", done.sections["software"].output)
    assert [row["version"] for row in sampling.of("software", software)] == ["apr13"]
    states = {row["path"].removeprefix(str(tmp_path)): row["state"] for row in sampling.of("software_folder", software)}
    assert states == {"/opt": "ok", "/opt/fairsoft": "hung"}
    assert done.sections["disks"].whole
    assert done.sections["software"].whole
    assert shells.remaining(done.session) == []


@pytest.mark.parametrize("name", ["dash", "bash", "mksh"])
def test_software_that_is_not_for_our_account(name: str, tmp_path: Path) -> None:
    shell = shells.find(name, tmp_path)
    with tempfile.TemporaryDirectory() as folder:
        for place in ("proc", "opt/fairsoft/apr13", "usr/local/fairroot/v18.6.9"):
            (Path(folder) / place).mkdir(parents=True)
        (Path(folder) / "proc/mounts").write_text("/dev/sda / ext4 rw 0 0\n")
        Path(folder).chmod(0o755)
        (Path(folder) / "opt").chmod(0o700)
        nobody = Shell(
            ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", *shell.argv], shell.environment
        )
        run = shells.run(nobody, [sampling.probes()["software"]], {"root": folder, "roots": "/opt\n/usr/local"})
    section = run.sections["software"]
    assert (section.status, section.errors) == (0, b"")
    rows = sampling.rows("software", section.output.replace(folder.encode(), b""))
    assert [row["version"] for row in sampling.of("software", rows)] == ["v18.6.9"]
    states = {row["path"]: row["state"] for row in sampling.of("software_folder", rows)}
    assert states == {"/opt": "denied", "/usr/local": "ok"}
