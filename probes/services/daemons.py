"""The daemons that are known, and which processes are they.

An ordinary user may call a process as he likes. So a daemon is a process of a system account. Sites run the daemons
of data servers and of HTCondor under ordinary accounts as well: those count with a configuration of the system's. What
else has such a name is its user's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .rows import DEGRADED, SITE, SYSTEM, UP, USER, Service
from .sources import NOBODY, Process, Sources

TIME = {"chronyd": "chrony", "ntpd": "ntp", "systemd-timesyn": "timesyncd"}
SERVERS = {"xrootd": "xrootd", "cmsd": "cmsd", "xproofd": "proof"}
CONDOR = {
    "condor_master": "condor_master",
    "condor_startd": "condor_startd",
    "condor_schedd": "condor_schedd",
    "condor_collecto": "condor_collector",
    "condor_negotiat": "condor_negotiator",
}
MOUNTING = {"cvmfs2": "cvmfs", "eosxd": "eos"}
"""They come and go with their mounts."""
NAMES = {
    **TIME, **SERVERS, **CONDOR, **MOUNTING,
    "sge_qmaster": "qmaster", "sge_execd": "execd", "sge_shadowd": "shadowd",
    "slurmctld": "slurmctld", "slurmd": "slurmd", "slurmdbd": "slurmdbd", "slurmrestd": "slurmrestd",
    "munged": "munge", "sshd": "sshd", "crond": "cron", "cron": "cron",
    "automount": "autofs", "afsd": "afs", "afs_rxlistener": "afs", "nfsd": "nfsd",
}  # fmt: skip
"""The name that the kernel keeps (15 characters) to that of the service."""
ACCOUNTS = (
    "sge", "sgeadmin", "gridengine", "codine", "slurm", "munge", "condor", "xrootd", "cvmfs", "eos", "daemon",
    "chrony", "_chrony", "ntp", "systemd-timesync",
)  # fmt: skip
"""Accounts that daemons have; on many nodes their user ids are those of ordinary users."""
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
    found = [one for process in sources.processes for one in _running(process, sources)]
    found.sort(key=lambda one: (one.process.started, one.process.pid))
    oldest: dict[tuple[str, str], Running] = {}
    for one in found:
        row = one.service
        same = sum(other.service.kind == SITE and other.service.user == row.user for other in oldest.values())
        if row.kind != SITE or same < _MOST:
            oldest.setdefault((row.service, row.instance), one)
    return [oldest[key] for key in sorted(oldest)]


def _running(process: Process, sources: Sources) -> Iterator[Running]:
    name, instance = NAMES.get(process.name), _instance(process)
    kind = _kind(process, sources)
    if name is None or instance is None or kind is None or process.nested:
        return
    user = None if process.effective is None else sources.accounts.get(process.effective, str(process.effective))
    state, reason = (DEGRADED, "stopped by a signal") if process.state in "Tt" else (UP, None)
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


def _kind(process: Process, sources: Sources) -> str | None:
    """Whose the process is; None where an ordinary user has called it so and it cannot be the daemon."""
    if process.kernel:
        return SYSTEM
    # The real user id: a set-uid program runs as root under any name that a link to it has.
    if process.real is None or process.name == "nfsd":
        return None
    if process.real < sources.minimum or process.real == NOBODY or sources.accounts.get(process.real) in ACCOUNTS:
        return SYSTEM
    if process.name in CONDOR:
        return SITE if process.arguments[0].startswith(_INSTALLED) and process.parent <= 1 else USER
    if process.name in SERVERS:
        return SITE if process.option("c").startswith(_INSTALLED) and process.parent <= 1 else USER
    return None
