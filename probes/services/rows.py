"""What the probe yields: a daemon, the clock, and how busy an xrootd is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nicassh.model.records import Keep, Record, column
from nicassh.model.units import Bytes, Count, Flag, Seconds, Text, Time

UP, DEGRADED, DOWN, FAILED, STARTING = "up", "degraded", "down", "failed", "starting"
SYSTEM, SITE, USER, UNIT = "system", "site", "user", "unit"


@dataclass(frozen=True)
class Service(Record):
    service: Text = column(
        "The daemon: qmaster, execd, slurmctld, slurmd, xrootd, sshd, …; or a unit's name.", key=True
    )
    instance: Text = column(
        "Which one, where there may be several: the name of an xrootd, and its owner where that is an ordinary "
        "account (`mpd of merz`); the repository of cvmfs; the mount of eos; what follows the @ in a unit's name.",
        key=True,
    )
    state: Text = column(
        "up; starting; degraded: it runs, but is stopped or does not answer; down: it does not run and should; "
        "failed: a unit of systemd that is none of the daemons and not configured.",
        levels={UP: 0, STARTING: 1, DEGRADED: 1, FAILED: 1, DOWN: 2},
    )
    reason: Text | None = column("Why it is not up.")
    version: Text | None = column("Version, where the daemon tells it.")
    user: Text | None = column("Owner: the name of the effective user id, or the number where it has no name.")
    pid: Count | None = column("Process id.", volatile=True)
    started: Time | None = column("When the process was started.", volatile=True)
    port: Count | None = column("TCP port that it listens on.")
    clients: Count | None = column("Connections of an xrootd, sessions of PROOF.", volatile=True)
    kind: Text = column(
        "Whose it is. system: of a system account; site: of an ordinary account, and init or a pid file knows it; "
        "user: a user's own, which is forgotten when it ends; unit: known to systemd alone.",
        shown=False,
    )
    ended: Time | None = column(
        "When it was first missed although it ran before, or when systemd saw it end.", shown=False
    )


@dataclass(frozen=True)
class Clock(Record):
    table: ClassVar[str] = "clock"
    source: Text | None = column("What sets the clock: chrony, ntp, timesyncd or none.")
    synchronised: Flag | None = column("Whether the source says that the clock is right.")
    offset: Seconds | None = column(
        "How far the clock is from the time of its source, ahead or behind.", high=(0.1, 1), volatile=True
    )
    stratum: Count | None = column("Steps from the clock of reference.", volatile=True)
    time: Time = column("The node's own time.", volatile=True)


@dataclass(frozen=True)
class Xrootd(Record):
    keep: ClassVar[Keep | None] = Keep.SERIES
    instance: Text = column("Its name; empty where it has none.", key=True)
    role: Text | None = column("server, manager, supervisor or meta manager.")
    manager: Text | None = column("What it is told of its cluster: managers with their ports and states, or none.")
    links: Count | None = column("Open connections.")
    threads: Count | None = column("Threads of its scheduler.")
    requests: Count | None = column("Requests since it was started.")
    errors: Count | None = column("Requests that ended in an error, since it was started.")
    size: Bytes | None = column("Size of its largest space, or of the largest path that it serves.")
    free: Bytes | None = column("Free space there.")
    quota: Bytes | None = column("How much of it may be used at most, where it has a quota.")
