"""One set of records for all batch systems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from nicassh.model.records import Keep, Record, column
from nicassh.model.units import Bytes, Count, Number, Seconds, Text, Time

SYSTEMS = ("sge", "slurm", "condor")


@dataclass(frozen=True)
class Scheduler(Record):
    system: Text = column("sge, slurm or condor.", key=True, choices=SYSTEMS)
    state: Text = column("up, or down where its own commands could not reach it.", levels={"up": 0, "down": 2})
    reason: Text | None = column("What the commands said.", volatile=True)
    version: Text | None = column("The variant and release that it names itself.", volatile=True)


@dataclass(frozen=True)
class Host(Record):
    system: Text = column("sge, slurm or condor.", key=True, choices=SYSTEMS)
    host: Text = column("The batch node, by the name that the batch system has for it.", key=True)
    state: Text = column(
        "free: no jobs; busy: with jobs or in alarm, and room for more; full; drained; down; unknown.",
        levels={"free": 0, "busy": 0, "full": 0, "drained": 1, "unknown": 1, "down": 2},
    )
    words: Text = column("The batch system's own state: au, MIXED+DRAIN, Claimed/Busy.")
    reason: Text | None = column("Why it is drained or down, as written down by the administrator or the scheduler.")
    by: Text | None = column("Who wrote the reason.")
    marked: Time | None = column("When the reason was written.")
    queues: Text = column("The queues or partitions that it serves, separated by commas.")
    cpus: Count | None = column("Processors.")
    slots: Count | None = column("Slots for jobs.")
    used: Count | None = column("Slots taken by jobs.", volatile=True)
    load: Number | None = column("Load average as the scheduler knows it.", volatile=True)
    memory: Bytes | None = column("Memory.", volatile=True)
    memory_used: Bytes | None = column("Memory in use.", volatile=True)


@dataclass(frozen=True)
class Queue(Record):
    keep: ClassVar[Keep | None] = Keep.LATEST
    system: Text = column("sge, slurm or condor.", key=True, choices=SYSTEMS)
    queue: Text = column("The queue or partition.", key=True)
    state: Text | None = column(
        "up, drain, down or inactive; None where the system has no such notion.",
        choices=("up", "drain", "down", "inactive"),
    )
    slots: Count = column("Slots of all its nodes.")
    used: Count = column("Slots taken by jobs.")
    free: Count = column("Slots that a job could have now.")
    broken: Count = column("Slots on nodes that are down, drained or in error.")
    load: Number | None = column("Load of its nodes per processor, as the scheduler knows it.")
    limit: Seconds | None = column("Longest run time of a job; None where there is no limit.")


@dataclass(frozen=True)
class Job(Record):
    keep: ClassVar[Keep | None] = Keep.LATEST
    system: Text = column("sge, slurm or condor.", key=True, choices=SYSTEMS)
    job: Text = column("Number of the job; of the whole array where it is one.", key=True)
    task: Text = column(
        "Which tasks of an array this row stands for (7, or 8-20000:1); empty without an array.", key=True
    )
    tasks: Count = column("How many tasks this row stands for.")
    user: Text = column("Owner.")
    name: Text = column("Name of the job.")
    state: Text = column(
        "running, waiting, held, suspended, error, ending or other.",
        choices=("running", "waiting", "held", "suspended", "error", "ending", "other"),
    )
    words: Text = column("The batch system's own state: hqw, PD, Idle.")
    queue: Text | None = column("Queue or partition; None while Grid Engine has not chosen one.")
    slots: Count | None = column("Slots (processors) of one task; 0 for one that runs beside the scheduler itself.")
    hosts: Text | None = column("The nodes that it runs on, folded: nc[10-12].jinr.ru.")
    submitted: Time | None = column("When it was submitted.")
    started: Time | None = column("When it was started.")
    limit: Seconds | None = column("How long it may run.")
    reason: Text | None = column("Why it waits, as far as the batch system says so.")
    tie: Text = column(
        "By what its processes are known on their nodes: 3791.7, 15452007; slot1_2@nc10 of HTCondor.", shown=False
    )
