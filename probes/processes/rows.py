"""The records of this probe: a process, what a person uses of a node, and whether all processes can be seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nicassh.model.records import Keep, Record, column
from nicassh.model.units import Bytes, Count, Flag, Percent, Seconds, Text, Time


@dataclass(frozen=True)
class Process(Record):
    top: ClassVar[tuple[str, ...]] = ("cpu_percent", "memory_percent")

    pid: Count = column("Process id.", key=True)
    user: Text = column("Owner: the name of the effective user id, or the number where it has no name.")
    command: Text = column("Command line, or [name] where there is none.")
    memory_percent: Percent = column("Resident memory in percent of the node's.", high=(50, 80))
    memory: Bytes | None = column("Resident memory; shared pages count in each process.")
    cpu_percent: Percent = column(
        "CPU in percent of one processor, since the previous collection (or the start of the process, if later).",
    )
    state: Text = column(
        "D waits for a device, R runs, S sleeps, T is stopped, Z is a zombie, I idles.",
        choices=("D", "R", "S", "T", "Z", "I", "X"),
    )
    time: Seconds = column("CPU time used so far.")
    started: Time = column("When the process was started.")
    kind: Text = column(
        "batch, interactive, background (a person's, held by no login) or system.",
        choices=("batch", "interactive", "background", "system"),
    )
    batch: Text | None = column(
        "The batch system of its job: sge, slurm or condor.", choices=("sge", "slurm", "condor")
    )
    job: Text | None = column("The number by which the batch system knows its job: 3791.7, 15452007.")
    login: Text | None = column("What a person holds it by: pts/3, tmux pts/3, sshd.")
    software: Text | None = column("The experiment's package that it runs, and its version where the path tells it.")
    ordinary: Flag = column("Whether the owner is a person (uid from UID_MIN on) and not the system.", shown=False)
    parent: Count = column("Process id of the parent.", shown=False)
    name: Text = column("The name that the kernel keeps: at most 15 characters.", shown=False)


@dataclass(frozen=True)
class Visibility(Record):
    hidden: Flag = column("Whether /proc hides the processes of others (hidepid).")
    visible: Count = column("Threads that the account can see.")
    total: Count | None = column("Threads of the node, where some are hidden.")


@dataclass(frozen=True)
class User(Record):
    keep: ClassVar[Keep | None] = Keep.SERIES
    user: Text = column("A person: the name of the account, or its number where it has no name.", key=True)
    kind: Text = column(
        "batch, interactive or background (held by no login).",
        key=True,
        choices=("batch", "interactive", "background"),
    )
    processes: Count = column("Processes of this kind that the person has on the node.")
    cpu_percent: Percent = column("Their CPU, in percent of one processor.")
    memory: Bytes = column("Their resident memory; shared pages count in each.")
    software: Text | None = column("The experiment's packages that they run, those of most processes first.")
