"""A farm's life: up, status, down."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nicassh.demo import files, plan, processes, rooted, rootless, sshd
from nicassh.demo.farm import RECORD, Farm, load
from nicassh.demo.systems import check, occupy, wait
from nicassh.model.errors import SetupError

LOCK = "lock"
TIMEOUT = 10.0
"""Seconds to wait for another at work in the same folder."""
Report = Callable[[str], None]


@dataclass(frozen=True)
class Status:
    """One node of a farm as it is now; `alive` is whether its server greets."""

    node: str
    address: str
    port: int
    role: str
    alive: bool


def silent(_line: str) -> None:
    """Say nothing."""


def up(folder: Path, nodes: int = plan.USUAL, report: Report = silent, systems: Sequence[str] = ()) -> Farm:
    """Bring a farm up in a folder, and give it; root's nodes are in namespaces, others' on loopback.

    `systems` are the words of nicassh.demo.systems for what else runs on it. A farm that is up already
    is left as it is, whatever `nodes` says, but for dead nodes: they start again. Raises SetupError
    when the machine lacks something; nothing is left of the attempt then.
    """
    folder = folder.absolute()
    check(systems, root=os.geteuid() == 0)
    with held(folder) as handle:
        farm = load(folder)
        if farm is not None:
            farm.lock = handle
        if farm is not None and farm.complete and farm.boot == processes.boot():
            lacking = [word for word in systems if word not in farm.systems]
            if lacking:
                raise SetupError(f"the farm in {folder} is up without {', '.join(lacking)}", "nicamon demo down first")
            revive(farm, report)
        else:
            if farm is not None:
                report("clearing away a farm that is no longer up")
                remove(farm)
                sweep(folder)
            farm = Farm(folder, kind(), user="", boot=processes.boot(), systems=[*systems], lock=handle)
            build(farm, nodes, report)
    farm.lock = -1
    return farm


def kind() -> str:
    """Return the kind of farm that this user can make."""
    return "rooted" if os.geteuid() == 0 else "rootless"


def build(farm: Farm, count: int, report: Report) -> None:
    """Bring up a new farm, whose folder is held and empty."""
    begun = time.monotonic()
    make = rooted if farm.kind == "rooted" else rootless
    try:
        report(f"{count} nodes, " + ("in namespaces" if farm.kind == "rooted" else "on loopback, without root"))
        farm.save()
        make.prepare(farm, count)
        files.describe(farm)
        report(f"starting at {farm.nodes[0].address}, port {farm.nodes[0].port}")
        make.start(farm, farm.nodes)
        wait(farm, report)
        occupy(farm)
        farm.complete = True
        farm.save()
    except BaseException:
        # Also an interrupt from the keyboard.
        report("undoing what was begun")
        remove(farm)
        shutil.rmtree(farm.folder, ignore_errors=True)
        raise
    report(f"{count} nodes up in {time.monotonic() - begun:.1f} s")


def revive(farm: Farm, report: Report) -> None:
    """Start the dead nodes of a farm that is up."""
    dead = [node for node, row in zip(farm.nodes, status(farm.folder), strict=True) if not row.alive]
    report(f"already up: {len(farm.nodes)} nodes, {len(dead)} of them dead" if dead
           else f"already up: {len(farm.nodes)} nodes")  # fmt: skip
    if dead:
        make = rooted if farm.kind == "rooted" else rootless
        make.start(farm, dead)
        wait(farm, report, dead)
        report("started again: " + " ".join(node.name for node in dead))


def down(folder: Path, report: Report = silent) -> None:
    """Remove a farm: its processes, its network, its folder; says so when there is none.

    Works as well on what an interrupted `up` or `down` has left. Raises SetupError when something
    cannot be removed, and leaves the folder for another try then.
    """
    folder = folder.absolute()
    if not folder.is_dir():
        report("no farm is up")
        return
    with held(folder):
        farm = load(folder)
        if farm is not None:
            report(f"ending {len(farm.nodes)} nodes")
            remove(farm)
        shutil.rmtree(folder)
    report("the farm is gone" if farm else "no farm is up")


def status(folder: Path) -> list[Status]:
    """Return each node of the farm in a folder, and whether it is alive; empty when there is no farm."""
    farm = load(folder.absolute())
    if farm is None:
        return []
    heard = sshd.answering(farm.nodes)
    return [
        Status(node.name, node.address, node.port, node.role, alive)
        for node, alive in zip(farm.nodes, heard, strict=True)
    ]


def remove(farm: Farm) -> None:
    """End a farm's processes and network; raises SetupError when that fails."""
    if farm.boot != processes.boot():
        # The machine has started anew since: the record's pids are others' now.
        for node in farm.nodes:
            node.pid = node.started = 0
    if farm.kind == "rooted" and os.geteuid() != 0:
        raise SetupError("this farm was made by root", "run the command as root")
    error = rooted.stop(farm) if farm.kind == "rooted" else rootless.stop(farm)
    if error:
        raise SetupError(f"the farm in {farm.folder} cannot be removed: {error}", "nicamon demo down")


def sweep(folder: Path) -> None:
    """Empty a farm's folder, but for the lock that we hold."""
    for path in folder.iterdir():
        if path.name == LOCK:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


@contextmanager
def held(folder: Path) -> Iterator[int]:
    """Make the folder if there is none, and keep other `up` and `down` out of it meanwhile; gives the lock.

    Raises SetupError when another is at work there, or when the folder holds something else.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        strange = any(path.name != LOCK for path in folder.iterdir()) and not (folder / RECORD).exists()
        if strange:
            raise SetupError(f"{folder} holds something that is no demo farm", "choose another --folder")
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SetupError(f"cannot use the folder {folder}: {error.strerror}", "choose another") from error
    try:
        folder.chmod(0o700)
        lock(handle, folder)
        yield handle
    finally:
        os.close(handle)


def lock(handle: int, folder: Path) -> None:
    """Lock a folder, waiting a little; raises SetupError when another keeps it."""
    limit = time.monotonic() + TIMEOUT
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # Held for a moment yet by a command of an `up` that was killed.
            if time.monotonic() > limit:
                raise SetupError(f"another nicamon demo is at work in {folder}", "wait for it") from None
            time.sleep(0.05)
        else:
            return
