"""The script's output taken apart: lines by process and file, stat lines, accounts."""

from __future__ import annotations

from nicassh.record import whole

TICKS = 100  # sysconf(SC_CLK_TCK) is 100 on every Linux that a farm runs
RESERVED = range(60000, 65536)
"""User ids of packages (munge, slurm, nobody) that are no people: Debian Policy 9.2.2."""


class Sources:
    """All that the script printed of one node. Raises ValueError where it was cut, KeyError where a file is missing."""

    def __init__(self, output: str) -> None:
        sources, accounts = whole(output).split("\npasswd\n", 1)
        self.files, self.facts, self.environ = _sort(sources)
        self.stats = {pid: Stat(parts["stat"]) for pid, parts in self.files.items() if "stat" in parts}
        self.own = _own(self.stats, int(self.facts["self"][0]))
        self.names = _people(accounts)
        self.boot = float(self.facts["stat"][0].split()[1])
        self.memory = float(self.facts["meminfo"][0].split()[1])
        self.uptime = float(self.facts["uptime"][0])
        self.statuses = {
            pid: dict(line.split(":\t", 1) for line in self.files[pid].get("status", [])) for pid in self.stats
        }
        self.uids = {pid: int(status["Uid"].split()[1]) for pid, status in self.statuses.items() if "Uid" in status}
        lowest = next((int(line.split()[1]) for line in self.facts["../etc/login.defs"]), 1000)
        self.ordinary = {pid for pid, uid in self.uids.items() if lowest <= uid and uid not in RESERVED}


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
        return round(100 * used / max(uptime - since, 1 / TICKS), 1)


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
        elif colon and slash and pid.isdecimal():
            files.setdefault(int(pid), {}).setdefault(stat if file == "stat" else file, []).append(text)
        elif colon and " " not in name:
            facts.setdefault(name, []).append(text)
        elif line:
            name, _, text = line.partition(" ")
            facts.setdefault(name, []).append(text)
            stat = "stat" if name == "uptime" else stat
    return files, facts, environ


def _people(accounts: str) -> dict[int, str]:
    """User id to name, from lines of passwd(5); the first of several names wins, as in getpwuid(3)."""
    names: dict[int, str] = {}
    for line in accounts.split("\n"):
        fields = line.split(":")
        if len(fields) > 2 and fields[2].isdecimal():
            names.setdefault(int(fields[2]), fields[0])
    return names


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
