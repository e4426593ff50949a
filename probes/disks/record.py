"""Local file systems of a node: size, free space, inodes.

Of those in memory the root of a node without a disk, and /tmp, /var, /var/tmp, /home and /scratch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nicassh.model.notes import Note, Notes, Unreadable
from nicassh.model.records import Record, column
from nicassh.model.units import Bytes, Count, Flag, Percent, Text
from nicassh.probes.filesystems import MEMORY
from nicassh.probes.tools import decode_mount, require_end

every = 300
priority = "medium"
timeout = 10
keep = "series"


@dataclass(frozen=True)
class Disk(Record):
    mount: Text = column("Where the file system is mounted; the shortest path where there are several.", key=True)
    device: Text = column("The device that it lies on.")
    type: Text = column("Type of the file system.")
    read_only: Flag = column("Whether it is mounted read-only.")
    size: Bytes | None = column("Size.")
    used: Bytes | None = column("Space in use.")
    free: Bytes | None = column("Space that users can have, without root's reserve.")
    free_percent: Percent | None = column("Free space in percent of what users can have at all.", low=(10, 5))
    inodes: Count | None = column("Inodes, where the file system counts them.")
    inodes_free: Count | None = column("Free inodes.")


def parse(output: str) -> Iterable[Record | Note]:
    """A Disk for each device. `mount DEVICE POINT TYPE OPTIONS` comes from proc(5) mounts, `size …` from statfs(2)."""
    notes = Notes()
    sizes: dict[str, list[int]] = {}
    mounts: dict[str, tuple[str, str, str, str]] = {}
    for line in require_end(output).split("\n"):  # splitlines() would also cut at U+2028, which a name may hold
        with notes.reading("line", line):
            if line.startswith("size "):
                *words, point = line.split(" ", 7)[1:]
                if len(words) != 6:
                    raise Unreadable("it has no six numbers")
                sizes[point] = [int(word) for word in words]
            elif line.startswith("mount "):
                device, point, kind, options = line.split(" ")[1:5]
                # Each file system in memory has a device of this name.
                key = f"{device} {point}" if kind in MEMORY else device
                if key not in mounts or len(decode_mount(point)) < len(decode_mount(mounts[key][1])):
                    mounts[key] = (device, point, kind, options)
    for device, point, kind, options in mounts.values():
        path, name = decode_mount(point), decode_mount(device)
        with notes.reading("mount", path):
            numbers = sizes.get(path)
            if numbers and not numbers[1] and not name.startswith("/dev/"):
                if kind not in MEMORY:
                    continue  # without blocks and without a device it is no disk
                numbers = None  # it may grow until the memory is full
            yield _disk(path, name, kind, "ro" in options.split(","), numbers)
    yield from notes


def _disk(path: str, device: str, kind: str, read_only: bool, numbers: list[int] | None) -> Disk:
    if numbers is None:
        return Disk(path, device, kind, read_only, None, None, None, None, None, None)
    block, blocks, free, available, inodes, inodes_free = numbers
    used = blocks - free
    percent = round(100 * available / (used + available), 2) if used + available > 0 else None
    return Disk(
        path, device, kind, read_only,
        size=block * blocks, used=block * used, free=block * available, free_percent=percent,
        inodes=inodes or None, inodes_free=inodes_free if inodes else None,
    )  # fmt: skip
