"""The script's output taken apart: lines by process and file, stat lines, accounts."""

from __future__ import annotations

from nicassh.model.notes import Notes, Unreadable
from nicassh.probes.tools import TICKS, require_end, user_names

_FACTS = (("stat", 1), ("meminfo", 1), ("uptime", 0))
"""The time of the boot, the memory in KiB, the seconds since the boot: file and place in its line."""
LARGEST, DIGITS = 1e15, 11
RESERVED = range(60000, 65536)
"""User ids of packages (munge, slurm, nobody) that are no people: Debian Policy 9.2.2."""


class Sources:
    """All that the script printed of one node. Raises Unreadable where it was cut, or where a file is missing.

    `notes` are of processes and lines that cannot be read.
    """

    def __init__(self, output: str) -> None:
        sources, known, accounts = require_end(output).partition("\npasswd\n")
        if not known:
            raise Unreadable("it has no list of accounts")
        self.notes = Notes()
        self.files, self.facts, self.environ = _sort(sources)
        self.boot, self.memory, self.uptime = (self._fact(*where) for where in _FACTS)
        self.stats: dict[int, Stat] = {}
        self.statuses: dict[int, dict[str, str]] = {}
        self.uids: dict[int, int] = {}
        for pid, parts in self.files.items():
            if "stat" in parts:
                with self.notes.reading("process", pid):
                    stat, status = Stat(parts["stat"]), _status(parts.get("status", []))
                    if "Uid" in status:
                        self.uids[pid] = int(status["Uid"].split()[1])
                    self.stats[pid], self.statuses[pid] = stat, status
        self.own = _own(self.stats, int(self._fact("self", 0)))
        self.names = user_names(accounts.split("\n"))
        lowest = 1000
        for line in self.facts["../etc/login.defs"][:1]:
            lowest = self.notes.value("UID_MIN", lambda text: int(text.split()[1]), line) or lowest
        self.ordinary = {pid for pid, uid in self.uids.items() if lowest <= uid and uid not in RESERVED}

    def resident(self, pid: int) -> float:
        """Returns the resident memory of a process in KiB: `VmRSS` of its status, which a kernel thread has not."""
        return float(self.statuses[pid].get("VmRSS", "0").split()[0])

    def _fact(self, name: str, place: int) -> float:
        """A number of a file that each node has. Raises Unreadable where it is none."""
        line = "".join(self.facts.get(name, [])[:1])
        number = self.notes.value(name, lambda text: float(text.split()[place]), line)
        if number is None or not 0 < number < LARGEST:
            raise Unreadable(f"`{line[:60]}` of {name} is no number that can be")
        return number


class Stat:
    """One line of /proc/PID/stat: `17 (a name) S 1 17 17 0 -1 …`; the name may hold blanks, `)` and newlines."""

    def __init__(self, lines: list[str]) -> None:
        head, _, rest = "\n".join(lines).rpartition(") ")
        fields = rest.split()
        self.name = head.partition("(")[2]
        self.state = fields[0].upper()
        self.parent, self.session, self.terminal = int(fields[1]), int(fields[3]), int(fields[4])
        self.time = (int(fields[11]) + int(fields[12])) / TICKS
        self.started = int(fields[19]) / TICKS
        self.kernel = int(fields[6]) & 0x200000 != 0  # PF_KTHREAD

    def cpu_percent(self, uptime: float, before: list[str] | None, earlier: list[str]) -> float:
        """CPU since the earlier sample, or since the start where there is none."""
        used, since = self.time, self.started
        if before and earlier:
            old = Stat(before)
            if old.started == self.started:
                used, since = self.time - old.time, float(earlier[0])
        return round(100 * max(used, 0) / max(uptime - since, 1 / TICKS), 1)


def _status(lines: list[str]) -> dict[str, str]:
    return {name: value for name, _, value in (line.partition(":\t") for line in lines)}


def _sort(sources: str) -> tuple[dict[int, dict[str, list[str]]], dict[str, list[str]], str]:
    """Lines by process and file, those of no process, and environments. Stat above `uptime` is the earlier sample."""
    files: dict[int, dict[str, list[str]]] = {}
    facts: dict[str, list[str]] = {"before": [], "../etc/login.defs": []}
    stat, environ = "before", ""
    for line in sources.split("\n"):
        name, colon, text = line.partition(":")
        pid, slash, file = name.partition("/")
        if file == "environ":
            environ = line
        elif colon and slash and pid.isdecimal() and len(pid) < DIGITS:
            files.setdefault(int(pid), {}).setdefault(stat if file == "stat" else file, []).append(text)
        elif colon and " " not in name:
            facts.setdefault(name, []).append(text)
        elif line:
            name, _, text = line.partition(" ")
            facts.setdefault(name, []).append(text)
            stat = "stat" if name == "uptime" else stat
    return files, facts, environ


def _own(stats: dict[int, Stat], shell: int) -> set[int]:
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
