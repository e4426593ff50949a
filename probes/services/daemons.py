"""Which processes are daemons.

An ordinary user may call a process as he likes. So a daemon is a process of a system account. Sites run the daemons
of data servers and of HTCondor under ordinary accounts as well: those count where init or a pid file of the system
vouches for them. Other processes with such a name belong to their user.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .evidence import PID, enabled, pid_files
from .names import ACCOUNTS, CONDOR, NAMES, SERVERS
from .rows import DEGRADED, SITE, SYSTEM, UP, USER, Service
from .sources import NOBODY, Process, Sources

_INSTALLED = ("/etc/", "/opt/", "/usr/")
_MOST = 8
"""Daemons of one ordinary account that are taken for the site's."""


@dataclass(frozen=True)
class Running:
    """A process and the service that it is; `name` is its instance without the owner."""

    process: Process
    name: str
    service: Service


def running(sources: Sources) -> list[Running]:
    """The services that run, one for each service and instance: the oldest of several processes.

    An ordinary user may start any number. One of his own is told for each service, and a few of the others.
    """
    vouched = _vouched(sources)
    found = [one for process in sources.processes for one in _running(process, sources, vouched)]
    found.sort(key=lambda one: (one.process.started, one.process.pid))
    oldest: dict[tuple[str, str], Running] = {}
    for one in found:
        row = one.service
        same = sum(other.service.kind == SITE and other.service.user == row.user for other in oldest.values())
        if row.kind != SITE or same < _MOST:
            oldest.setdefault((row.service, row.instance), one)
    return [oldest[key] for key in sorted(oldest)]


def _vouched(sources: Sources) -> set[int]:
    """Processes that are the system's whatever their account: by systemd, by a pid file, by what init starts."""
    pids = {int(pid) for unit in sources.units() if PID.fullmatch(pid := unit.get("MainPID", ""))}
    pids |= {pid for _, _, pid, _ in pid_files(sources, "alive")}
    begun = enabled(sources) if "units" not in sources.sections else set()
    for process in sources.processes:
        key = NAMES.get(process.name, ""), _instance(process) or ""
        installed = process.option("c").startswith(_INSTALLED) or process.arguments[0].startswith(_INSTALLED)
        if installed and process.parent <= 1 and begun & {key, (key[0], "")}:
            pids.add(process.pid)
    # condor_master starts the others.
    pids |= {process.pid for process in sources.processes if process.name in CONDOR and process.parent in pids}
    return pids - {0, 1}


def _running(process: Process, sources: Sources, vouched: set[int]) -> Iterator[Running]:
    name, instance = NAMES.get(process.name), _instance(process)
    kind = _kind(process, sources, vouched)
    if name is None or instance is None or kind is None or process.nested:
        return
    user = None if process.effective is None else sources.accounts.get(process.effective, str(process.effective))
    state, reason = (DEGRADED, "stopped by a signal") if process.state in "Tt" and kind != USER else (UP, None)
    service = Service(
        service=name,
        instance=instance if kind == SYSTEM else f"{instance if kind == SITE else ''} of {user}".lstrip(),
        state=state,
        reason=reason,
        version=None,
        user=user,
        pid=process.pid,
        started=process.started,
        port=None,
        clients=None,
        kind=kind,
        ended=None,
    )
    yield Running(process, instance, service)


def _instance(process: Process) -> str | None:
    """Which one of its kind it is; None where it is none of them: a session of sshd, a helper of cvmfs2."""
    arguments = process.arguments
    if process.name in SERVERS:
        name = process.option("n")
        return "" if name == "anon" else name[:80]
    if process.name == "cvmfs2":
        mounts = [word.removeprefix("/cvmfs/") for word in arguments if word.startswith("/cvmfs/")]
        return mounts[-1] if mounts else None
    if process.name == "eosxd":
        return next((word for word in arguments if word.startswith("/eos")), "")
    if process.name == "sshd" and arguments[0].startswith("sshd: ") and "[listener]" not in arguments[0]:
        return None
    return ""


def _kind(process: Process, sources: Sources, vouched: set[int]) -> str | None:
    """Whose the process is; None where an ordinary user has called it so and it cannot be the daemon."""
    if process.kernel:
        return SYSTEM
    # The real user id: a set-uid program runs as root under any name that a link to it has.
    if process.real is None or process.name == "nfsd":
        return None
    if process.real < sources.minimum or process.real == NOBODY or sources.accounts.get(process.real) in ACCOUNTS:
        return SYSTEM
    if process.name in SERVERS or process.name in CONDOR:
        return SITE if process.pid in vouched else USER
    return None
