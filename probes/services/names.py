"""What the daemons are called: by the kernel, by init, and in the table."""

from __future__ import annotations

import re

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
Key = tuple[str, str]
"""Service and instance."""
_UNITS = {
    service: re.compile(pattern)
    for service, pattern in {
        "qmaster": r"sgemaster.*|gridengine-master|sge_qmaster",
        "execd": r"sgeexecd.*|gridengine-execd?|sge_execd",
        "slurmctld": "slurmctld",
        "slurmd": "slurmd",
        "slurmdbd": "slurmdbd",
        "slurmrestd": "slurmrestd",
        "munge": "munged?",
        "condor_master": "condor(?:_master)?",
        "xrootd": "xrootd(?:-privileged)?",
        "cmsd": "cmsd(?:-privileged)?",
        "proof": "xproofd",
        "sshd": "sshd?",
        "chrony": "chronyd?",
        "ntp": "ntp(?:d|sec)?",
        "timesyncd": "systemd-timesyncd",
        "autofs": "autofs|automount",
        "cron": "crond?",
        "nfsd": "nfs(?:-server|-kernel-server)?",
        "afs": "(?:openafs-client|afs)",
    }.items()
}
"""What init calls the services. Their pid files are named alike."""


def named(unit: str) -> tuple[str, str, bool]:
    """Service and instance of a unit, `xrootd@mpd.service` or `sgeexecd.p6444`, and whether the daemon is known."""
    base, _, instance = unit.removesuffix(".service").partition("@")
    for service, pattern in _UNITS.items():
        if pattern.fullmatch(base) and (not instance or service in ("xrootd", "cmsd", "proof")):
            return service, instance, True
    return base, instance, False
