"""Nodes, partitions and jobs in Slurm's text, which is the same from the versions of el6 on but for keys that came."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from nicassh.model.notes import Notes, Unreadable

from . import slurm_states
from .doubts import Doubts, each
from .rows import Host, Job
from .slurm_values import clock, count, given, left, load, mebibytes, number, span, tasks

# All that `scontrol show node` has had since 2.1, in its order. OS, Reason, Comment and Extra may hold anything, also
# what looks like a key: no key is taken that stands before the one found last.
_BEFORE_REASON = (
    "NodeName|RackMidplane|Arch|CpuBind|CoresPerSocket|CPUAlloc|CPUErr|CPUEfctv|CPUTot|CPULoad|Features|"
    "AvailableFeatures|ActiveFeatures|Gres|GresDrain|GresUsed|NodeAddr|NodeHostName|BcastAddr|Port|Version|OS|"
    "RealMemory|AllocMem|FreeMem|Sockets|Boards|CoreSpecCount|CPUSpecList|MemSpecLimit|RestrictedCoresPerGPU|State|"
    "ThreadsPerCore|TmpDisk|Weight|Owner|MCS_label|NextState|Partitions|BootTime|SlurmdStartTime|LastBusyTime|"
    "ResumeAfterTime|SuspendTime|CfgTRES|AllocTRES|CapWatts|CurrentWatts|LowestJoules|ConsumedJoules|AveWatts|"
    "ExtSensorsJoules|ExtSensorsWatts|ExtSensorsTemp"
)
_AFTER_REASON = (
    "Comment|Extra|InstanceId|InstanceType|ReservationName|TLSCertTokenSet|TLSCertLastRenewal|Topology|Parameters"
)
_KEYS = f"{_BEFORE_REASON}|Reason|{_AFTER_REASON}"
_ORDER = {key: place for place, key in enumerate(_KEYS.split("|"))}
_KEY = re.compile(rf"(?:^|\s)({_KEYS})=")
_AFTER = re.compile(rf"\s(?:{_AFTER_REASON})=")
_SIGNED = re.compile(r"(.*?) \[([^\s\[\]@]+)@(\d{4}-\d\d-\d\dT[\d:]{8}|Unknown)\](.*)", re.DOTALL)
_BEHIND_STATE = re.compile(r"\s(?:ThreadsPerCore|TotalNodes)=")
_BEGINS = {first: re.compile(rf"\n(?={first}=)") for first in ("NodeName", "PartitionName")}
_NOTHING = ("", "(null)", "None", "n/a", "N/A")
_BEFORE = 13
"""Fields of a job that stand before its name: %i %F %K %A %t %u %U %P %C %S %V %l %N; then the name and %R."""


@dataclass(frozen=True)
class Partition:
    """One partition: `nodes` is a host list, empty where it has none."""

    name: str
    state: str
    limit: float | None
    nodes: str


def nodes(text: str, notes: Notes) -> list[Host]:
    """A Host for each line of `scontrol show node -o`. Raises Unreadable where the last has no whole State."""
    lines = _lines(text, "NodeName")
    return each(notes, "node", lines, lambda line: _node(line, notes))


def _node(line: str, notes: Notes) -> Host:
    values = _values(line)
    words = {key: value.split()[0] if value else "" for key, value in values.items()}
    doubts = Doubts(notes, f"node {words['NodeName']}")
    used = doubts.read("CPUAlloc", count, words.get("CPUAlloc"))
    memory = doubts.read("RealMemory", lambda value: mebibytes(number(value)), words.get("RealMemory"))
    hundredths = doubts.read("CPULoad", number, words.get("CPULoad"))
    reason, by, marked = _reason(values.get("Reason", ""))
    return Host(
        system="slurm",
        host=words["NodeName"],
        state=slurm_states.node(words["State"]),
        words=words["State"],
        reason=reason,
        by=by,
        marked=doubts.read("the time of its reason", clock, marked),
        queues=words.get("Partitions", ""),
        cpus=doubts.read("CPUTot", count, words.get("CPUTot")),
        slots=doubts.read("CPUEfctv", _slots, words),
        used=used,
        load=load(None if hundredths is None else hundredths * 100),
        memory=memory,
        memory_used=given(doubts.read("AllocMem", number, words.get("AllocMem")), used, memory),
    )


def _slots(words: Mapping[str, str]) -> int | None:
    """The processors that jobs can have. Before 21.08 a node tells all, and besides what it keeps for itself."""
    effective, cpus = count(words.get("CPUEfctv", "")), count(words.get("CPUTot", ""))
    if effective is not None or cpus is None:
        return effective
    return left(cpus, count(words.get("CoreSpecCount", "")), count(words.get("ThreadsPerCore", "")))


def partitions(text: str, notes: Notes) -> list[Partition]:
    """The partitions of `scontrol show partition -o`. Raises Unreadable where the last has no whole State."""
    return each(notes, "partition", _lines(text, "PartitionName"), lambda line: _partition(line, notes))


def _partition(line: str, notes: Notes) -> Partition:
    values = {key: value for key, _, value in (word.partition("=") for word in line.split())}
    name, doubts = values["PartitionName"], Doubts(notes, f"partition {values['PartitionName']}")
    members = "" if values.get("Nodes", "") in _NOTHING else values["Nodes"]
    return Partition(name, values["State"].lower(), doubts.read("MaxTime", span, values.get("MaxTime")), members)


def jobs(text: str, end: str, notes: Notes) -> list[Job]:
    """A Job for each record of squeue. A record ends with a mark that no user can know, as a name may hold newlines."""
    *records, rest = f"{text}\n".split(f"|{end}\n")
    if rest.strip():
        raise Unreadable(f"a job that is cut: {rest[:80]!r}")
    return [job for job in each(notes, "job", records, lambda record: _job(record, notes)) if job]


def _job(record: str, notes: Notes) -> Job | None:
    """A job; None for one that is over."""
    fields = record.split("|", _BEFORE)
    name, bar, listed = fields.pop().rpartition("|")
    if len(fields) != _BEFORE or not bar:
        raise Unreadable("some of its fields are missing")
    # An el6 version prints a letter that it does not know as it stands: %F, %K before 2.6, %V before 14.03.
    known = ["" if field.startswith("%") or field in _NOTHING else field for field in fields]
    shown, array, index, real, short, user, uid, partition, cpus, start, submit, limit, hosts = known
    reason = listed[1:-1] if listed.startswith("(") and listed.endswith(")") else ""
    state = slurm_states.job(short, reason)
    if not state:
        return None
    doubts = Doubts(notes, f"job {shown}")
    slots = doubts.read("%C", count, cpus)
    return Job(
        system="slurm",
        job=array if index and array else shown,
        task=index,
        tasks=tasks(index) if index else 1,
        user=uid if user in ("", "nobody") and uid else user,
        name=name,
        state=state,
        words=short,
        queue=partition or None,
        slots=slots if slots or cpus.strip("0") else 1,
        hosts=hosts or None,
        submitted=doubts.read("%V", clock, submit),
        started=None if state in ("waiting", "held") else doubts.read("%S", clock, start),
        limit=doubts.read("%l", span, limit),
        reason=None if reason in _NOTHING else reason,
        tie=real or shown,
    )


def _lines(text: str, first: str) -> list[str]:
    """The records of scontrol, one a line; a line that does not begin as one is the rest of a comment's text.

    Raises Unreadable where there is none, for then it says `No nodes in the system`; and where the last of them is cut.
    """
    lines = [line for line in _BEGINS[first].split(text) if line.startswith(f"{first}=")]
    if not lines and not text.startswith("No "):
        raise Unreadable(f"{text[:80]!r} where {first} was asked for")
    if lines and not _BEHIND_STATE.search(lines[-1]):
        raise Unreadable(f"a record that is cut before the end of its State: {lines[-1][:80]!r}")
    return lines


def _values(line: str) -> dict[str, str]:
    found: list[re.Match[str]] = []
    for match in _KEY.finditer(line):
        if not found or _ORDER[match[1]] > _ORDER[found[-1][1]]:
            found.append(match)
            if match[1] == "Reason":
                break
    ends = [*(match.start() for match in found[1:]), len(line)]
    return {match[1]: line[match.end() : end].strip() for match, end in zip(found, ends, strict=True)}


def _reason(text: str) -> tuple[str | None, str | None, str]:
    """Reason, author and time in `fan=bad? [root@2026-11-20T17:03:11] Comment=…`; its further lines follow the time."""
    if signed := _SIGNED.fullmatch(text):
        first, by, marked, more = signed.groups()
        return " ".join([first, *_AFTER.split(more)[0].split()]), by, marked
    reason = _AFTER.split(text)[0].strip()
    return (None if reason in _NOTHING else reason), None, ""
