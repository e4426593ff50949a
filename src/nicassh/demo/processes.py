"""Processes of this machine: start them, know them again, end them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

# What a node's processes inherit: nothing of the caller's.
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
TIMEOUT = 10.0
"""Seconds for killed processes to vanish."""


def spawn(argv: Sequence[str], log: Path) -> tuple[int, int]:
    """Start a program (absolute path) in a session of its own, its output going to `log`.

    Gives its pid and start time. It outlives us, so nothing here waits for it.
    """
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    wiring = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, str(log), append, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    pid = os.posix_spawn(argv[0], list(argv), ENVIRONMENT, file_actions=wiring, setsid=True)
    return pid, started(pid)


def boot() -> str:
    """Return the identity of the machine's current boot: pids and start times mean nothing in another."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def fields(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third (the state) on; empty when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return []
    # The second field is the name, in parentheses, and may hold anything.
    return text.rpartition(")")[2].split()


def started(pid: int) -> int:
    """Return when a process started, in clock ticks since boot; 0 when it is gone or a zombie."""
    rest = fields(pid)
    return int(rest[19]) if rest and rest[0] not in "ZX" else 0


def same(pid: int, since: int) -> bool:
    """Say whether the process that had this pid and start time is still running."""
    return pid > 0 and since > 0 and started(pid) == since


def running() -> list[int]:
    """Return the pids of all processes."""
    return [int(entry.name) for entry in os.scandir("/proc") if entry.name.isdigit()]


def children(pid: int) -> list[int]:
    """Return the children of a process, as far as it has one thread only."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def descendants(roots: Iterable[int]) -> set[int]:
    """Return these processes and all their children, and theirs."""
    family = set(roots)
    parents = {pid: int(rest[1]) for pid in running() if (rest := fields(pid))}
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in family} - family
        family |= more
        grown = bool(more)
    return family


def end(find: Callable[[], set[int]]) -> bool:
    """Kill the processes that `find` gives until it finds none; whether all are gone.

    Asked again after each round, since a process may have started another in the meantime.
    """
    limit = time.monotonic() + TIMEOUT
    while found := {pid for pid in find() if started(pid)}:
        if time.monotonic() > limit:
            return False
        for pid in found:
            kill(pid)
        time.sleep(0.02)
    return True


def kill(pid: int) -> None:
    """Kill one process; nothing if it has gone."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def bury(pids: Iterable[int]) -> None:
    """Take note of the end of our own children, so that they do not stay as zombies."""
    for pid in pids:
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            continue
