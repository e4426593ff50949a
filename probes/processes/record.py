"""The processes of a node, as a user of top(1) would see them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from nicassh.clean import redact
from nicassh.record import Record, column, moment
from nicassh.units import Count, Flag, Percent, Seconds, Text, Time

every = 60
priority = "high"
timeout = 20
keep = "latest"

TICKS = 100  # sysconf(SC_CLK_TCK) is 100 on every Linux that a farm runs
NOBODY = 65534


@dataclass(frozen=True)
class Process(Record):
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
    ordinary: Flag = column("Whether the owner is a person (uid from UID_MIN on) and not the system.", shown=False)
    parent: Count = column("Process id of the parent.", shown=False)
    name: Text = column("The name that the kernel keeps: at most 15 characters.", shown=False)


def parse(output: str) -> Iterable[Record]:
    """A Process for each line `PID/stat:…` of proc(5), joined with its `cmdline:` and `status:` lines.

    Kernel threads are left out unless they hang in state D; so is the session of the probe itself.
    """
    sources, accounts = output.split("\npasswd\n", 1)
    files, facts = _sort(sources)
    stats = {pid: _Stat(parts["stat"]) for pid, parts in files.items() if "stat" in parts}
    people = _people(accounts)
    lowest = next((int(line.split()[1]) for line in facts["../etc/login.defs"]), 1000)
    boot = float(facts["stat"][0].split()[1])
    memory = float(facts["meminfo"][0].split()[1])
    uptime = float(facts["uptime"][0])
    own = _own(stats, int(facts["self"][0]))
    for pid, stat in stats.items():
        status = dict(line.split(":\t", 1) for line in files[pid].get("status", []))
        if pid in own or "Uid" not in status or (stat.kernel and stat.state != "D"):
            continue
        uid = int(status["Uid"].split()[1])
        yield Process(
            pid=pid,
            user=people.get(uid, str(uid)),
            command=redact("\n".join(files[pid].get("cmdline", [])).rstrip(" ")) or f"[{stat.name}]",
            memory_percent=round(100 * float(status.get("VmRSS", "0").split()[0]) / memory, 2),
            cpu_percent=stat.cpu_percent(uptime, files[pid].get("before"), facts["before"]),
            state=stat.state,
            time=stat.time,
            started=moment(boot + stat.started),
            ordinary=lowest <= uid != NOBODY,
            parent=stat.parent,
            name=stat.name,
        )


def advance(now: Sequence[Process], before: Sequence[Process], seconds: float) -> Iterable[Process]:
    """CPU per cent over the `seconds` since the previous collection, for the processes that it saw too."""
    known = {process.pid: process for process in before}
    for process in now:
        old = known.get(process.pid)
        # el6 computes the boot time anew at each read, so the start of one process may waver by a second.
        if old and seconds >= 1 and abs(process.started - old.started) < timedelta(seconds=3):
            yield replace(process, cpu_percent=round(100 * max(0.0, process.time - old.time) / seconds, 1))
        else:
            yield process


class _Stat:
    """One line of /proc/PID/stat: `17 (a name) S 1 17 17 0 -1 …`; the name may hold blanks, `)` and newlines."""

    def __init__(self, lines: list[str]) -> None:
        head, _, rest = "\n".join(lines).rpartition(") ")
        fields = rest.split()
        self.name = head.partition("(")[2]
        self.state = fields[0].upper()
        self.parent, self.session = int(fields[1]), int(fields[3])
        self.time = (int(fields[11]) + int(fields[12])) / TICKS
        self.started = int(fields[19]) / TICKS
        self.kernel = int(fields[6]) & 0x200000 != 0  # PF_KTHREAD

    def cpu_percent(self, uptime: float, before: list[str] | None, earlier: list[str]) -> float:
        """CPU since the earlier sample, or since the start where there is none."""
        used, since = self.time, self.started
        if before and earlier:
            old = _Stat(before)
            if old.started == self.started:
                used, since = self.time - old.time, float(earlier[0])
        return round(100 * used / max(uptime - since, 1 / TICKS), 1)


def _sort(sources: str) -> tuple[dict[int, dict[str, list[str]]], dict[str, list[str]]]:
    """Lines by process and file, and those of no process. Stat lines above `uptime` are the earlier sample."""
    files: dict[int, dict[str, list[str]]] = {}
    facts: dict[str, list[str]] = {"before": [], "../etc/login.defs": []}
    stat = "before"
    for line in sources.split("\n"):
        name, colon, text = line.partition(":")
        pid, slash, file = name.partition("/")
        if colon and slash and pid.isdecimal():
            files.setdefault(int(pid), {}).setdefault(stat if file == "stat" else file, []).append(text)
        elif colon and " " not in name:
            facts.setdefault(name, []).append(text)
        elif line:
            name, _, text = line.partition(" ")
            facts.setdefault(name, []).append(text)
            stat = "stat" if name == "uptime" else stat
    return files, facts


def _people(accounts: str) -> dict[int, str]:
    """User id to name, from lines of passwd(5); the first of several names wins, as in getpwuid(3)."""
    people: dict[int, str] = {}
    for line in accounts.split("\n"):
        fields = line.split(":")
        if len(fields) > 2 and fields[2].isdecimal():
            people.setdefault(int(fields[2]), fields[0])
    return people


def _own(stats: dict[int, _Stat], shell: int) -> set[int]:
    """The processes of this very probe: the session of its shell, and the sshd that serves it."""
    if shell not in stats:
        return set()
    session = stats[shell].session
    # 0 is the session of a shell that was brought into a container from outside, and of others there too.
    own = {pid for pid, stat in stats.items() if stat.session == session} if session else {shell}
    server = stats[shell].parent
    if server in stats and stats[server].name.startswith("sshd"):
        own.add(server)
    return own
