"""What a process belongs to: a batch job, a login, or neither.

A process is tied to its job by the first of these that knows: its cgroup, the extra group that Grid Engine gives
every process of a job, an ancestor that is the batch system's own, its environment where the account may read it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

Tie = tuple[str, str | None]
"""The batch system, and the number by which it knows the job (HTCondor: the slot), None where that is not known."""

_CGROUPS = (
    ("slurm", re.compile(r"/slurm[^/]*/uid_\d+/job_(\d+)(?:/|$)")),
    ("slurm", re.compile(r"slurmstepd\.scope/job_(\d+)(?:/|$)")),
    ("sge", re.compile(r":/sge/(\d+\.\d+)(?:/|$)")),
    ("condor", re.compile(r"/htcondor/condor_[^/]{0,255}?_(slot\w{1,32}+@[\w.-]{1,255}?)(?:\.slice)?(?:/|$)")),
)
_PARENTS = (
    ("sge", re.compile(r"^(?:[^\s/]*+/)*+sge_shepherd-(\d+)(?: |$)")),
    ("slurm", re.compile(r"^(?:[^\s/]*+/)*+slurmstepd: \[(\d+)(?:\.\S+)?\]")),
    ("condor", re.compile(r"^(?:[^\s/]*+/)*+condor_starter .*?-a (slot\w+)")),
)
_LOGINS = re.compile(r"sshd|login|in\.telnetd|mosh-server|xrdp|Xorg|gdm|sddm|lightdm|dropbear")
_SCREENS = {"tmux": "tmux", "tmux: server": "tmux", "screen": "screen", "SCREEN": "screen"}
_SPOOL = re.compile(r"/active_jobs/(\d+\.\d+)/(addgrpid|pid)$")
_ENVIRON = re.compile(r"(?<!\d)(\d{1,10})/environ:(JOB_ID|SGE_TASK_ID|SLURM_JOB_ID)=(\d{1,20})(?!\d)")


@dataclass
class Kin:
    """What one process tells of its belonging: see proc(5) for each."""

    parent: int
    name: str
    title: str
    trusted: bool
    terminal: int
    groups: list[str]
    cgroups: list[str] = field(default_factory=list)


class Ties:
    """The processes of one node, and what the batch systems wrote on it, by which each is tied."""

    def __init__(self, kin: Mapping[int, Kin], spool: Mapping[str, list[str]], environ: str) -> None:
        self._kin = kin
        self._gids: dict[str, str] = {}
        self._shepherds: dict[int, str] = {}
        for path, lines in spool.items():
            if (found := _SPOOL.search(path)) and lines and lines[0].strip().isdecimal() and len(lines[0]) < 20:
                if found[2] == "pid":
                    self._shepherds[int(lines[0])] = found[1]
                else:
                    self._gids[lines[0].strip()] = found[1]
        self._environ: dict[int, dict[str, str]] = {}
        for pid, name, value in _ENVIRON.findall(environ):
            self._environ.setdefault(int(pid), {})[name] = value

    def job(self, pid: int) -> Tie | None:
        """The job of a process; None where it has none."""
        kin = self._kin[pid]
        tie = _first(_CGROUPS, kin.cgroups)
        if tie is None:
            tie = next((("sge", self._gids[group]) for group in kin.groups if group in self._gids), None)
        return tie or self._inherited(pid) or self._told(pid)

    def login(self, pid: int) -> str | None:
        """What a person holds the process by: `pts/3`, `tmux pts/3`, `sshd`; None for one that nobody holds."""
        kin = self._kin[pid]
        # Whatever process 1 is, it has the orphans: in a container it may well be sshd.
        names = [self._kin[other].name for other in self._ancestors(pid) if other != 1]
        screen = next((_SCREENS[name] for name in (kin.name, *names) if name in _SCREENS), None)
        words = [screen, _terminal(kin.terminal)]
        if any(words):
            return " ".join(word for word in words if word)
        gate = next((name for name in names if _LOGINS.match(name)), None)
        if gate is None and any("session-" in line for line in kin.cgroups):
            gate = "session"
        return gate

    def _inherited(self, pid: int) -> Tie | None:
        """The job of the nearest ancestor that is a batch system's own: root's, for anybody can take its name."""
        for other in self._ancestors(pid):
            kin = self._kin[other]
            if other in self._shepherds:
                return "sge", self._shepherds[other]
            if kin.trusted and (tie := _first(_PARENTS, [kin.title])):
                return tie
            if kin.trusted and kin.name in ("slurmstepd", "condor_starter"):
                return kin.name.removesuffix("stepd").removesuffix("_starter"), None
        return None

    def _told(self, pid: int) -> Tie | None:
        told = self._environ.get(pid, {})
        if "SLURM_JOB_ID" in told:
            return "slurm", told["SLURM_JOB_ID"]
        return ("sge", f"{told['JOB_ID']}.{told.get('SGE_TASK_ID', '1')}") if "JOB_ID" in told else None

    def _ancestors(self, pid: int) -> Iterator[int]:
        """From the parent upwards; a list read while processes come and go may hold a circle."""
        seen = {pid}
        while (pid := self._kin[pid].parent) in self._kin and pid not in seen:
            seen.add(pid)
            yield pid


def _first(patterns: tuple[tuple[str, re.Pattern[str]], ...], texts: list[str]) -> Tie | None:
    found = ((system, pattern.search(text)) for text in texts for system, pattern in patterns)
    return next(((system, match[1]) for system, match in found if match), None)


def _terminal(number: int) -> str | None:
    """The name of a terminal by its device number (field 7 of /proc/PID/stat); None for none."""
    major, minor = number >> 8 & 0xFFF, number & 0xFF | number >> 12 & 0xFFF00
    if 136 <= major <= 143:
        return f"pts/{minor + (major - 136) * 256}"
    if major == 4:
        return f"tty{minor}" if minor < 64 else f"ttyS{minor - 64}"
    return f"tty {major}:{minor}" if number else None
