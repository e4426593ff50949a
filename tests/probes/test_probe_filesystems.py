"""File systems of all kinds: which are disks, which may hang, and that all probes have one list of these."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import sampling
import shells
from shells import Shell
from test_probe_hung import dead

import needs
from nicassh.probes import filesystems
from nicassh.probes.filesystems import may_hang

Tree = Callable[[Mapping[str, str]], str]
NETWORK = (
    "nfs", "nfs4", "cifs", "smb3", "afs", "lustre", "gpfs", "ceph", "beegfs", "fhgfs", "9p", "virtiofs", "vboxsf",
    "dvs", "pvfs2", "orangefs", "panfs", "wekafs", "glusterfs", "coda", "ncpfs", "gfs2", "ocfs2", "cvmfs2",
    "fuse.sshfs", "fuse",
)  # fmt: skip
LOCAL = ("ext4", "xfs", "btrfs", "vfat", "zfs", "tmpfs", "overlay", "nfsd", "fusectl", "rootfs", "f2fs")


def disks(shell: Shell, root: str) -> list[tuple[str, str, str]] | None:
    """Mount, device and type of each row; None where the probe does not apply."""
    section = shells.run(shell, [sampling.probes()["disks"]], {"root": root}).sections["disks"]
    assert (section.whole, section.errors) == (True, b"")
    if section.status == 77:
        return None
    return [(row["mount"], row["device"], row["type"]) for row in sampling.rows("disks", section.output)]


def test_one_list_of_types_for_python_and_for_scripts(shell: Shell) -> None:
    assert all(map(may_hang, (*NETWORK, "autofs", "fuseblk")))
    assert not any(map(may_hang, (*LOCAL, "", "nfs-like", "xnfs")))
    kinds = [*NETWORK, *LOCAL, "autofs", "fuseblk", "proc", "usbfs", "cgroup2"]
    ask = 'for kind; do may_hang "$kind" && echo "$kind"; done; echo\n'
    ask += 'for kind; do is_pseudo "$kind" && echo "$kind"; done; echo; printf "%s" "$hanging"'
    script = f"{filesystems.functions()}set -- {' '.join(kinds)}\n{ask}"
    done = subprocess.run(shell.argv, input=script, env=shell.environment, capture_output=True, text=True, check=True)
    hanging, pseudo, expression = done.stdout.split("\n\n")
    assert hanging.split() == [kind for kind in kinds if may_hang(kind)]
    assert pseudo.split() == ["nfsd", "fusectl", "proc", "usbfs", "cgroup2"]
    lines = "".join(f"source /point {kind} rw\n" for kind in kinds)
    grep = ["grep", "-E", f"^[^ ]+ [^ ]+ ({expression.strip()}) "]
    found = subprocess.run(grep, input=lines, capture_output=True, text=True, check=True).stdout
    assert [line.split(" ")[2] for line in found.splitlines()] == [kind for kind in kinds if may_hang(kind)]


def test_no_probe_has_a_list_of_its_own() -> None:
    for one in sampling.probes().values():
        for script in one.folder.glob("*.sh"):
            text = script.read_text()
            assert not any(word in text for word in ("lustre |", "gpfs |", "lustre|", "cifs |", "cifs|")), script


USB = """rootfs / rootfs rw 0 0
proc /proc proc rw,relatime 0 0
devtmpfs /dev devtmpfs rw,relatime,size=8155456k 0 0
tmpfs /dev/shm tmpfs rw,relatime 0 0
/dev/mapper/vg-root / ext4 rw,relatime,barrier=1 0 0
/proc/bus/usb /proc/bus/usb usbfs rw,relatime 0 0
/sys/kernel/debug /sys/kernel/debug newfs rw 0 0
/elsewhere /elsewhere usbfs rw,relatime 0 0
/dev/sda1 /boot ext4 rw,relatime 0 0
"""
LOCAL_ROOT = ("/", "/dev/sda1", "ext4")


@pytest.mark.parametrize(
    ("mounts", "expected"),
    [
        (USB, [("/", "/dev/mapper/vg-root", "ext4"), ("/boot", "/dev/sda1", "ext4")]),
        ("rootfs / rootfs rw 0 0\ntmpfs / tmpfs rw 0 0\n1:/h /home nfs4 rw 0 0\n", [("/", "tmpfs", "tmpfs")]),
        ("none / tmpfs rw 0 0\nnone /tmp tmpfs rw 0 0\n", [("/", "none", "tmpfs"), ("/tmp", "none", "tmpfs")]),
        ("rootfs / rootfs rw 0 0\nproc /proc proc rw 0 0\n", [("/", "rootfs", "rootfs")]),
        ("/dev/ram0 / ext2 rw 0 0\n", [("/", "/dev/ram0", "ext2")]),
        ("rootfs / rootfs rw 0 0\n1:/root / nfs ro 0 0\ntmpfs /run tmpfs rw 0 0\n", None),
        ("rootfs / rootfs rw 0 0\n/dev/loop0 / squashfs ro 0 0\n", None),
        ("/dev/sda1 / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\ntmpfs /run/user/0 tmpfs rw 0 0\ntmpfs /run tmpfs rw 0 0\n",
         [LOCAL_ROOT, ("/tmp", "tmpfs", "tmpfs")]),
        ("/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /mnt/backup fuseblk rw,user_id=0 0 0\n",
         [LOCAL_ROOT, ("/mnt/backup", "/dev/sdb1", "fuseblk")]),
        *[(f"/dev/sda1 / ext4 rw 0 0\n/srv /away {kind} rw 0 0\n", [LOCAL_ROOT]) for kind in NETWORK],
    ],
)  # fmt: skip
def test_what_is_a_disk(shell: Shell, tree: Tree, mounts: str, expected: list[tuple[str, str, str]] | None) -> None:
    places = [line.split(" ")[1][1:] for line in mounts.splitlines()]
    assert disks(shell, tree({"proc/mounts": mounts, **{f"{place}/file": "" for place in places if place}})) == expected


@pytest.mark.parametrize("size", ["size 4096 0 0 0 0 0", "size 0 0 0 0 0 0", "size x 1 1 1 1 1", "size 1"])
def test_what_has_no_device_has_no_size_0(size: str) -> None:
    mounts = "mount /odd /odd oddfs rw\nmount tmpfs / tmpfs rw\nmount /dev/sdb /b ext4 rw"
    sizes = f"{size} /odd\n{size} /\nsize 1 2 1 1 1 1 /b"
    rows = {row["mount"]: row["size"] for row in sampling.rows("disks", f"{mounts}\n{sizes}\nend\n".encode())}
    known = {} if " 0 0" in size else {"/odd": None}
    assert rows == {**known, "/": None, "/b": 2}


@pytest.mark.parametrize("kind", ["unread", "unanswered"])
def test_a_disk_below_a_dead_mount_or_of_a_dead_program_keeps_no_other_waiting(
    shell: Shell, tmp_path: Path, kind: str
) -> None:
    needs.fuse()
    where = tmp_path / "home"
    lines = "/dev/sda1 / ext4 rw 0 0\n1:/h /home nfs rw 0 0\n/dev/sdb1 /home/local xfs rw 0 0\n"
    lines += "/dev/sdc /home fuseblk rw 0 0\n"
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/mounts").write_text(lines)
    with dead(where, kind) as mount:
        done = shells.run(mount.beside(shell), [sampling.probes()["disks"]], {"root": str(tmp_path)})
        section = done.sections["disks"]
    assert (section.status, section.whole, section.errors) == (0, True, b"")
    rows = {row["mount"]: row["size"] for row in sampling.rows("disks", section.output)}
    assert set(rows) == {"/", "/home/local", "/home"}
    assert rows["/home"] is rows["/home/local"] is None


@pytest.mark.parametrize("probe", ["software", "processes", "disks"])
def test_a_dead_file_system_of_every_kind_hangs_no_probe(probe: str, tmp_path: Path) -> None:
    """A list of its own in each probe let a dead wekafs hang one of them."""
    needs.fuse()
    shell = shells.find("dash", tmp_path)
    (tmp_path / "proc/7").mkdir(parents=True)
    (tmp_path / "var/spool").mkdir(parents=True)
    for name, text in {"uptime": "9.0 1\n", "stat": "btime 1\n", "meminfo": "MemTotal: 9 kB\n"}.items():
        (tmp_path / "proc" / name).write_text(text)
    with dead(tmp_path / "opt", "unread") as one, dead(tmp_path / "var/spool/sge", "unread", one) as mount:
        for kind in ("wekafs", "dvs", "fhgfs", "vboxsf", "fuse.x"):
            text = f"/dev/sda / ext4 rw 0 0\na /opt {kind} rw 0 0\nb /var/spool/sge {kind} rw 0 0\n"
            (tmp_path / "proc/mounts").write_text(text)
            started = [sampling.probes()[probe]]
            done = shells.run(mount.beside(shell), started, {"root": str(tmp_path), "roots": "/opt"})
            assert (done.sections[probe].whole, done.sections[probe].timed_out) == (True, False), kind
