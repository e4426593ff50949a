"""The processes of a node, as a user of top(1) would see them, each with its batch job or login."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar

from nicassh.model.notes import Note
from nicassh.model.records import Record, column, moment
from nicassh.model.text import redact
from nicassh.model.units import Count, Flag, Percent, Seconds, Text, Time

from .programs import software
from .sources import Sources
from .ties import Kin, Tie, Ties

every = 60
priority = "high"
timeout = 20
keep = "latest"


@dataclass(frozen=True)
class Process(Record):
    top: ClassVar[tuple[str, ...]] = ("cpu_percent", "memory_percent")

    pid: Count = column("Process id.", key=True)
    user: Text = column("Owner: the name of the effective user id, or the number where it has no name.")
    command: Text = column("Command line, or [name] where there is none.")
    memory_percent: Percent = column("Resident memory in percent of the node's.", title="mem %", high=(50, 80))
    cpu_percent: Percent = column(
        "CPU in percent of one processor, since the previous collection (or the start of the process, if later).",
        title="cpu %",
    )
    state: Text = column("D waits for a device, R runs, S sleeps, T is stopped, Z is a zombie, I idles.")
    time: Seconds = column("CPU time used so far.")
    started: Time = column("When the process was started.")
    kind: Text = column("batch, interactive, daemon (a person's, held by no login) or system.")
    batch: Text | None = column("The batch system of its job: sge, slurm or condor.")
    job: Text | None = column("The number by which the batch system knows its job: 3791.7, 15452007.")
    login: Text | None = column("What a person holds it by: pts/3, tmux pts/3, sshd.")
    software: Text | None = column("The experiment's package that it runs, and its version where the path tells it.")
    ordinary: Flag = column("Whether the owner is a person (uid from UID_MIN on) and not the system.", shown=False)
    parent: Count = column("Process id of the parent.", shown=False)
    name: Text = column("The name that the kernel keeps: at most 15 characters.", shown=False)


@dataclass(frozen=True)
class Census(Record):
    hidden: Flag = column("Whether /proc hides the processes of others (hidepid).")
    visible: Count = column("Threads that the account can see.")
    total: Count | None = column("Threads of the node, where some are hidden.")


def parse(output: str) -> Iterable[Record | Note]:
    """A Process for each line `PID/stat:…` of proc(5), joined with its other lines, and a Census of them.

    Kernel threads are left out unless they hang in state D; so is the session of the probe itself.
    """
    seen = Sources(output)
    kin = {pid: _kin(seen, pid) for pid in seen.uids}
    ties = Ties(kin, seen.facts, seen.environ)
    yield _census(seen)
    for pid in seen.uids:
        stat = seen.stats[pid]
        if pid not in seen.own and (not stat.kernel or stat.state == "D"):
            with seen.notes.reading("process", pid):
                yield _process(seen, pid, kin[pid], ties)
    yield from seen.notes


def _process(seen: Sources, pid: int, kin: Kin, ties: Ties) -> Process:
    stat, uid = seen.stats[pid], seen.uids[pid]
    kind, tie, login = _belonging(ties, pid, pid in seen.ordinary)
    return Process(
        pid=pid,
        user=seen.names.get(uid, str(uid)),
        command=redact(kin.title.rstrip(" ")) or f"[{stat.name}]",
        memory_percent=round(100 * float(seen.statuses[pid].get("VmRSS", "0").split()[0]) / seen.memory, 2),
        cpu_percent=stat.cpu_percent(seen.uptime, seen.files[pid].get("before"), seen.facts["before"]),
        state=stat.state,
        time=stat.time,
        started=moment(seen.boot + stat.started),
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
    for process in now:
        if not isinstance(process, Process):
            yield process
            continue
        old = known.get(process.pid)
        # el6 computes the boot time anew at each read, so the start of one process may waver by a second.
        if old and seconds >= 1 and abs(process.started - old.started) < timedelta(seconds=3):
            yield replace(process, cpu_percent=round(100 * max(0.0, process.time - old.time) / seconds, 1))
        else:
            yield process


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
    return "interactive" if login else "daemon", None, login


def _census(seen: Sources) -> Census:
    """Threads seen, and where some are hidden how many there are: `0.20 0.18 0.12 1/431 11206` is loadavg."""
    threads = (seen.notes.value("threads", int, status.get("Threads", "1")) for status in seen.statuses.values())
    hidden = "".join(seen.facts.get("hidden", [])[:1]) or None
    total = seen.notes.value("loadavg", lambda text: int(text.split()[3].partition("/")[2]), hidden)
    return Census(hidden is not None, sum(number or 1 for number in threads), total)
