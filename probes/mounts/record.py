"""Network and FUSE mounts of a node: which ones answer, which hang, and their space.

Each mount is asked with statfs(2): NFS, CVMFS, EOS, CIFS, Lustre and the like, at most 64 of a node. A mount that has
hung once is not asked again while the first look hangs. A mount made by autofs is asked as well, and one that is
looked at more often than its timeout never expires. AFS answers from the node itself, so `ok` says nothing about its
servers. It has no space to tell, nor has CVMFS: what they answer is made up, or is the cache on the node.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from nicassh.model.notes import Note, Unreadable
from nicassh.model.outcome import Unknown
from nicassh.model.records import Keep, Record, column
from nicassh.model.units import Bytes, Count, Flag, Seconds, Text

from .sources import Answer, Output, read

every = 300
priority = "medium"
timeout = 20
keep = "intervals"

SPACELESS = ("afs", "cvmfs")
_VERSIONED = re.compile(r"^(nfs)\d+$|^(cvmfs|eos).+$")


@dataclass(frozen=True)
class Mount(Record):
    mount: Text = column("Where it is mounted.", key=True)
    kind: Text = column("Family: nfs, cifs, cvmfs, eos, afs, lustre, autofs, …")
    type: Text = column("Type of the file system, as the kernel or fstab calls it.", shown=False)
    source: Text = column("What is mounted: server and path, or the name of the FUSE program.")
    state: Text = column(
        "ok; slow: took 1 s or more; hung: no answer; stale: the server has forgotten it; error: see the reason; "
        "denied: not for this account, which is no fault; autofs: a trigger, nothing is mounted on it; "
        "missing: in fstab but not mounted; unchecked: see the reason.",
        levels={
            "ok": 0, "denied": 0, "autofs": 0, "slow": 1, "missing": 1, "unchecked": 1,
            "hung": 2, "stale": 2, "error": 2,
        },
    )  # fmt: skip
    read_only: Flag = column("Whether it is mounted read-only.")
    reason: Text | None = column("Why it is not ok.", volatile=True)
    seconds: Seconds | None = column("How long the answer took.", volatile=True)


@dataclass(frozen=True)
class Space(Record):
    keep: ClassVar[Keep | None] = Keep.SERIES
    mount: Text = column("Where it is mounted.", key=True)
    source: Text = column("What is mounted: server and path, or the name of the FUSE program.")
    size: Bytes | None = column("Size.")
    used: Bytes | None = column("Space in use.")
    free: Bytes | None = column("Space that users can have.")
    inodes: Count | None = column("Inodes, where the file system counts them.")
    inodes_free: Count | None = column("Free inodes.")


def parse(output: str) -> Iterable[Record | Unknown | Note]:
    """A Mount for each network mount, also those that fstab alone lists, and the Space of each that told it."""
    found = read(output)
    for path, (source, kind, options) in found.mounts.items():
        answer = found.answers.get(path)
        family = _family(kind, source, path)
        state, reason, seconds = _state(path, kind, answer, found.unchecked)
        yield Mount(path, family, kind, source, state, _read_only(options), reason, seconds)
        if answer and answer.sizes and family not in SPACELESS:
            yield _space(path, source, answer.sizes)
        elif state not in ("ok", "slow", "autofs") and family not in SPACELESS:
            yield Unknown(Space, (("mount", path),))
    yield from _missing(found)
    yield from found.notes


def _state(
    path: str, kind: str, answer: Answer | None, unchecked: dict[str, str]
) -> tuple[str, str | None, float | None]:
    if kind == "autofs":
        return "autofs", None, None
    if path in unchecked:
        return "unchecked", unchecked[path], None
    if answer is None:
        raise Unreadable(f"nothing came of the look at {path}")
    return answer.judge()


def _missing(found: Output) -> Iterator[Mount]:
    """What fstab lists and is not mounted. A link in the path of fstab is told by the source, mounted elsewhere."""
    elsewhere = {fields[0].rstrip("/") for path, fields in found.mounts.items() if path not in found.listed}
    for path, (source, kind, options) in found.listed.items():
        there = path in found.mounts or path in found.covered or source.rstrip("/") in elsewhere
        if not there and "noauto" not in options.split(","):
            reason = "in /etc/fstab but not mounted"
            yield Mount(path, _family(kind, source, path), kind, source, "missing", _read_only(options), reason, None)


def _read_only(options: str) -> bool:
    return "ro" in options.split(",")


def _space(path: str, source: str, numbers: Sequence[int]) -> Space:
    block, blocks, free, available, inodes, inodes_free = numbers
    return Space(
        path, source,
        size=_held(block * blocks), used=_held(block * (blocks - free)), free=_held(block * available),
        inodes=_held(inodes) or None, inodes_free=_held(inodes_free) if inodes else None,
    )  # fmt: skip


def _held(number: int) -> int | None:
    """The number, where it can be one: some file systems say 2^64-1 for unknown, or more free than there is."""
    return number if 0 <= number < 2**63 else None


def _family(kind: str, source: str, path: str) -> str:
    """The short name of a type: `fuse` of the source `cvmfs2` is cvmfs, `fuse.eosxd` is eos, `nfs4` is nfs."""
    fuse, program = kind.partition(".")[::2]
    if fuse != "fuse":
        return _VERSIONED.sub(r"\1\2", "cifs" if kind.startswith("smb") else kind)
    for family in ("cvmfs", "eos"):
        if program.startswith(family) or source.startswith(family) or path.startswith(f"/{family}/"):
            return family
    return program or "fuse"
