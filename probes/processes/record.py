"""The processes of a node, as a user of top(1) would see them, each with its batch job or login."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from nicassh.model.notes import Note
from nicassh.model.records import Record
from nicassh.model.text import redact
from nicassh.probes.tools import from_epoch

from .programs import software
from .rows import Process, User, Visibility
from .sources import Sources
from .ties import Kin, Tie, Ties
from .users import users, with_cpu

every = 60
priority = "high"
timeout = 20
keep = "latest"
records = (Process, Visibility, User)


def parse(output: str) -> Iterable[Record | Note]:
    """A Process for each line `PID/stat:…` of proc(5), joined with its other lines; a User for each person and kind.

    Kernel threads are left out unless they hang in state D; so is the session of the probe itself.
    """
    seen = Sources(output)
    kin = {pid: _kin(seen, pid) for pid in seen.uids}
    ties = Ties(kin, seen.facts, seen.environ)
    yield _visibility(seen)
    found: list[Process] = []
    for pid in seen.uids:
        stat = seen.stats[pid]
        if pid not in seen.own and (not stat.kernel or stat.state == "D"):
            with seen.notes.reading("process", pid):
                found.append(_process(seen, pid, kin[pid], ties))
    yield from found
    yield from users(found)
    yield from seen.notes


def _process(seen: Sources, pid: int, kin: Kin, ties: Ties) -> Process:
    stat, uid = seen.stats[pid], seen.uids[pid]
    kind, tie, login = _belonging(ties, pid, pid in seen.ordinary)
    return Process(
        pid=pid,
        user=seen.names.get(uid, str(uid)),
        command=redact(kin.title.rstrip(" ")) or f"[{stat.name}]",
        memory_percent=round(100 * seen.resident(pid) / seen.memory, 2),
        memory=int(1024 * seen.resident(pid)),
        cpu_percent=stat.cpu_percent(seen.uptime, seen.files[pid].get("before"), seen.facts["before"]),
        state=stat.state,
        time=stat.time,
        started=from_epoch(seen.boot + stat.started),
        kind=kind,
        batch=tie and tie[0],
        job=tie and tie[1],
        login=login,
        software=software(stat.name, kin.title) if pid in seen.ordinary else None,
        ordinary=pid in seen.ordinary,
        parent=stat.parent,
        name=stat.name,
    )


def advance(now: Sequence[Record], before: Sequence[Process], seconds: float) -> Iterable[Record]:
    """CPU per cent over the `seconds` since the previous collection, for the processes that it saw too."""
    known = {process.pid: process for process in before}
    processes = [_measured(one, known.get(one.pid), seconds) for one in now if isinstance(one, Process)]
    yield from processes
    yield from with_cpu((one for one in now if isinstance(one, User)), processes)
    yield from (one for one in now if isinstance(one, Visibility))


def _measured(process: Process, old: Process | None, seconds: float) -> Process:
    """Sets the CPU per cent of a process by what it had used `seconds` ago, where it was there then."""
    # el6 computes the boot time anew at each read, so the start of one process may waver by a second.
    if old and seconds >= 1 and abs(process.started - old.started) < timedelta(seconds=3):
        return replace(process, cpu_percent=round(100 * max(0.0, process.time - old.time) / seconds, 1))
    return process


def _kin(seen: Sources, pid: int) -> Kin:
    stat, files = seen.stats[pid], seen.files[pid]
    title = "\n".join(files.get("cmdline", []))
    groups = seen.statuses[pid].get("Groups", "").split()
    return Kin(stat.parent, stat.name, title, pid not in seen.ordinary, stat.terminal, groups, files.get("cgroup", []))


def _belonging(ties: Ties, pid: int, ordinary: bool) -> tuple[str, Tie | None, str | None]:
    """Kind, job and login of a process. The system's own may stand in a job's cgroup; they are no task of it."""
    login = ties.login(pid)
    if not ordinary:
        return "system", None, login
    if tie := ties.job(pid):
        return "batch", tie, login
    return "interactive" if login else "background", None, login


def _visibility(seen: Sources) -> Visibility:
    """Threads seen, and where some are hidden how many there are: `0.20 0.18 0.12 1/431 11206` is loadavg."""
    threads = (seen.notes.value("threads", int, status.get("Threads", "1")) for status in seen.statuses.values())
    hidden = "".join(seen.facts.get("hidden", [])[:1]) or None
    total = seen.notes.value("loadavg", lambda text: int(text.split()[3].partition("/")[2]), hidden)
    return Visibility(hidden is not None, sum(number or 1 for number in threads), total)
