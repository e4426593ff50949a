"""Network mounts on trees of files, under every shell: what is asked, by which name, and what is left alone."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sampling
import shells
from shells import Run, Shell

import needs
from nicassh.collection.judge import ABSENT
from nicassh.model.outcome import Unknown
from nicassh.model.records import width
from nicassh.model.text import shorten

Tree = Callable[[Mapping[str, str]], str]


def run(shell: Shell, mounts: str, tree: Tree, fstab: str | None = None, there: Sequence[str] = ()) -> Run:
    """The probe below a folder with these mounts; `there` are the mount points that exist."""
    files = {"proc/mounts": mounts, **{f"{name[1:]}/file": "" for name in there}}
    return shells.run(
        shell, [sampling.probes()["mounts"]], {"root": tree(files if fstab is None else {**files, "etc/fstab": fstab})}
    )


def rows(done: Run) -> list[dict[str, Any]]:
    section = done.sections["mounts"]
    assert (section.status, section.whole, section.errors) == (0, True, b"")
    assert shells.remaining(done.session) == []
    # Under load this machine itself may be slow.
    return [
        row | ({"state": "ok"} if row.get("state") == "slow" else {}) for row in sampling.rows("mounts", section.output)
    ]


def states(done: Run) -> dict[str, str]:
    return {row["mount"]: row["state"] for row in sampling.of("mounts", rows(done))}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (r"/old\040disk", "/old disk"),
        (r"/run\0401", "/run 1"),
        (r"/back\134040slash", r"/back\040slash"),
        (r"/end\134", "/end\\"),
        (r"/tab\011\043", "/tab\t#"),
        ("/star*[a]?", "/star*[a]?"),
        ("/-c", "/-c"),
        ("/$HOME`id`'\"", "/$HOME`id`'\""),
    ],
)
def test_a_mount_is_asked_by_its_true_name(shell: Shell, tree: Tree, name: str, path: str) -> None:
    done = run(shell, f"nc1:/x {name} nfs rw 0 0\n", tree, there=[path])
    mount, space = rows(done)
    assert mount["mount"] == space["mount"] == path.replace("\t", "␉")
    assert mount["state"] == "ok"
    known = os.statvfs("/tmp")
    assert (space["size"], space["inodes"]) == (known.f_frsize * known.f_blocks, known.f_files or None)


def test_what_is_a_network_mount(shell: Shell, tree: Tree) -> None:
    kinds = (
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "fuse",
        "fuse.eosxd",
        "fuse.glusterfs",
        "afs",
        "lustre",
        "gpfs",
        "ceph",
        "9p",
    )
    away = "".join(f"//srv/x /away/{kind} {kind} rw 0 0\n" for kind in kinds)
    local = """/dev/sda / ext4 rw 0 0
nfsd /proc/fs/nfsd nfsd rw 0 0
sunrpc /var/lib/nfs/rpc_pipefs rpc_pipefs rw 0 0
fusectl /sys/fs/fuse/connections fusectl rw 0 0
/dev/sdb1 /mnt/stick fuseblk rw 0 0
gvfsd-fuse /run/user/1000/gvfs fuse.gvfsd-fuse rw,user_id=1000 0 0
systemd-1 /proc/sys/fs/binfmt_misc autofs rw 0 0
systemd-1 /efi autofs rw 0 0
tmpfs /run tmpfs rw 0 0
"""
    there = [f"/away/{kind}" for kind in kinds]
    assert states(run(shell, local + away, tree, there=there)) == dict.fromkeys(there, "ok")
    assert run(shell, local, tree).sections["mounts"].status == ABSENT
    assert run(shell, local, tree, fstab="# nc1:/home /home nfs\n/dev/sda / ext4\n").sections["mounts"].status == ABSENT


def test_of_several_on_one_path_the_last_counts(shell: Shell, tree: Tree) -> None:
    mounts = """/etc/auto.direct /data autofs rw,direct 0 0
nc1:/old /data nfs rw 0 0
nc1:/new /data nfs4 ro 0 0
nc1:/x /covered nfs rw 0 0
tmpfs /covered tmpfs rw 0 0
nc1:/y /waits nfs rw 0 0
/etc/auto.direct /waits autofs rw,direct 0 0
systemd-1 /disk autofs rw,direct 0 0
/dev/sdb /disk ext4 rw 0 0
"""
    done = run(shell, mounts, tree, fstab="nc1:/x /covered nfs\n", there=["/data", "/covered", "/waits", "/disk"])
    found = {row["mount"]: (row["source"], row["state"], row["read_only"]) for row in rows(done) if "state" in row}
    assert found == {"/data": ("nc1:/new", "ok", True), "/waits": ("/etc/auto.direct", "autofs", False)}
    assert done.output.count(b"guard ") == 1, "a trigger was touched, or one mount asked twice"


def test_what_fstab_lists_and_is_not_mounted(shell: Shell, tree: Tree) -> None:
    fstab = """# device  point  type
/dev/sda\t/\text4\tdefaults\t0 1
nc1:/home\t/home\tnfs\tdefaults\t0 0
nc1:/soft /soft/ nfs4 ro,hard 0 0
nc1:/link /by/link nfs rw
nc1:/two /two/a nfs rw
nc1:/two /two/b nfs rw
nc1:/spare /spare nfs rw,noauto
nc1:/auto /auto nfs x-systemd.automount
#nc1:/old /old nfs rw
nica.jinr.ru /cvmfs/nica.jinr.ru cvmfs defaults
nc1:/last\\0401 /last\\0401 nfs"""
    mounts = """nc1:/home /home nfs rw 0 0
nc1:/link /where/link/leads nfs rw 0 0
nc1:/two /two/a nfs rw 0 0
systemd-1 /auto autofs rw 0 0
"""
    done = run(shell, mounts, tree, fstab, there=["/home", "/where/link/leads", "/two/a"])
    missing = {row["mount"]: row["read_only"] for row in rows(done) if row.get("state") == "missing"}
    assert missing == {"/soft": True, "/two/b": False, "/cvmfs/nica.jinr.ru": False, "/last 1": False}
    alone = run(shell, "/dev/sda / ext4 rw 0 0\n", tree, "nc1:/soft /soft nfs4 ro 0 0\n")
    assert states(alone) == {"/soft": "missing"}


def test_only_so_many_are_asked(shell: Shell, tree: Tree) -> None:
    names = [f"/home/u{number}" for number in range(70)]
    long = "/" + "n" * 1000
    mounts = "".join(f"nc1:{name} {name} nfs rw 0 0\n" for name in [long, *names, r"/new\012line"])
    done = run(shell, mounts, tree, there=names)
    found = states(done)
    assert [found[name] for name in names] == ["ok"] * 64 + ["unchecked"] * 6
    kept = shorten(long, width(sampling.probes()["mounts"].records["mounts"]))  # no longer than every database takes
    assert (found[kept], found["/new␊line"]) == ("unchecked", "unchecked")
    assert done.output.count(b"guard ") == 64
    assert done.seconds < 10


def test_a_mount_for_others_is_no_fault(tmp_path_factory: pytest.TempPathFactory, tree: Tree) -> None:
    needs.root("becomes another user")
    root = tree({"proc/mounts": "nc1:/x /squashed/home nfs rw 0 0\n", "squashed/home/file": ""})
    for folder in Path(root).parents:
        if not folder.stat().st_mode & 0o001:
            folder.chmod(0o755)
    Path(root, "squashed").chmod(0o700)
    shell = shells.find("dash", tmp_path_factory.getbasetemp())
    nobody = replace(shell, argv=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *shell.argv])
    (mount,) = rows(shells.run(nobody, [sampling.probes()["mounts"]], {"root": root}))
    assert (mount["state"], mount["reason"]) == ("denied", "Permission denied")


def test_a_node_without_stat_is_unreadable(shell: Shell, tree: Tree) -> None:
    script = sampling.probes()["mounts"].script
    probe = replace(sampling.probes()["mounts"], script=script.replace(" stat -f", " no-such-program -f"))
    root = tree({"proc/mounts": "nc1:/x /x nfs rw 0 0\n"})
    section = shells.run(shell, [probe], {"root": root}).sections["mounts"]
    assert section.status == 0
    with pytest.raises(ValueError, match="no stat"):
        sampling.rows("mounts", section.output)


def test_nothing_is_forked_where_there_is_no_such_mount(shell: Shell, tree: Tree) -> None:
    needs.root()
    root = tree({"proc/mounts": "/dev/sda / ext4 rw 0 0\n" * 50, "etc/fstab": "/dev/sda / ext4 rw 0 0\n"})
    probe = sampling.probes()["mounts"]
    assert shells.forks(shell, probe, {"root": root}) == 0
    assert shells.run(shell, [probe], {"root": root}).sections["mounts"].status == ABSENT


def test_the_space_of_a_mount_that_does_not_answer_is_not_forgotten() -> None:
    output = (sampling.folder("mounts") / "hung.out").read_text()
    space = sampling.probes()["mounts"].records["mounts_space"]
    unknown = [record for record in sampling.probes()["mounts"].parse(output) if isinstance(record, Unknown)]
    assert {record.record for record in unknown} == {space}
    assert {dict(record.where)["mount"] for record in unknown} >= {"/nica/user", "/nica/data", "/eos/nica"}


def test_cvmfs_and_afs_have_no_space_to_tell() -> None:
    """The cache of CVMFS is always as good as full, and AFS makes its numbers up."""
    output = (sampling.folder("mounts") / "el6.out").read_bytes()
    spaces = {row["mount"] for row in sampling.of("mounts_space", sampling.rows("mounts", output))}
    assert spaces == {"/nica/user", "/eos/nica"}


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ("4096 10 4 3 18446744073709551615 18446744073709551615", (40960, 24576, 12288, None, None)),
        ("4096 10 11 11 0 0", (40960, None, 45056, None, None)),
        ("1048576 18446744073709551615 4 3 7 0", (None, None, 3145728, 7, 0)),
    ],
)
def test_sizes_that_cannot_be_are_unknown(numbers: str, expected: tuple[int | None, ...]) -> None:
    output = f"mount nc1:/x /x nfs rw\nguard mount /x 0\ntook 1.00 1.00\nsize {numbers}\nend\n"
    _, space = sampling.rows("mounts", output.encode())
    assert tuple(space[name] for name in ("size", "used", "free", "inodes", "inodes_free")) == expected


@pytest.mark.parametrize(
    ("type", "source", "path", "family"),
    [
        ("nfs4", "eos1:/export", "/eos/export", "nfs"),
        ("fuse", "cvmfs2", "/cvmfs/nica.jinr.ru", "cvmfs"),
        ("fuse.cvmfs2", "x", "/y", "cvmfs"),
        ("fuse", "eosxd", "/eos/nica", "eos"),
        ("fuse.eosxd", "x", "/y", "eos"),
        ("fuse", "mystery", "/eos/nica", "eos"),
        ("fuse", "mystery", "/mnt", "fuse"),
        ("fuse.sshfs", "merz@nc1:", "/mnt", "sshfs"),
        ("smb3", "//s/x", "/mnt", "cifs"),
        ("lustre", "10.0.0.1@tcp:/x", "/mnt", "lustre"),
    ],
)
def test_families(type: str, source: str, path: str, family: str) -> None:  # noqa: A002 the column's name
    output = f"mount {source} {path} {type} rw\nguard mount {path} hung\nend\n"
    (mount,) = sampling.rows("mounts", output.encode())
    assert mount["kind"] == family


def test_a_mount_of_which_nothing_is_heard_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing came of the look at /x"):
        sampling.rows("mounts", b"mount nc1:/x /x nfs rw\nend\n")
