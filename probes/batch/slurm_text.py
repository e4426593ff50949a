"""Nodes, partitions and jobs in Slurm's text, which is the same from the versions of el6 on but for keys that came."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from . import slurm_states
from .rows import Host, Job
from .slurm_values import clock, count, given, load, mebibytes, number, span, tasks

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


def nodes(text: str) -> Iterator[Host]:
    """A Host for each line of `scontrol show node -o`. Raises ValueError for one without a whole State."""
    for line in _lines(text, "NodeName"):
        values = _values(line)
        if "ThreadsPerCore" not in values:  # it comes after State
            raise ValueError(f"a node without its state: {line[:80]!r}")
        words = {key: value.split()[0] if value else "" for key, value in values.items()}
        used, memory = count(words.get("CPUAlloc", "")), mebibytes(number(words.get("RealMemory", "")))
        hundredths = number(words.get("CPULoad", ""))
        reason, by, marked = _reason(values.get("Reason", ""))
        yield Host(
            system="slurm",
            host=words["NodeName"],
            state=slurm_states.node(words["State"]),
            words=words["State"],
            reason=reason,
            by=by,
            marked=clock(marked),
            queues=words.get("Partitions", ""),
            cpus=count(words.get("CPUTot", "")),
            slots=count(words.get("CPUEfctv") or words.get("CPUTot", "")),
            used=used,
            load=load(None if hundredths is None else hundredths * 100),
            memory=memory,
            memory_used=given(number(words.get("AllocMem", "")), used, memory),
        )


def partitions(text: str) -> Iterator[Partition]:
    """The partitions of `scontrol show partition -o`."""
    for line in _lines(text, "PartitionName"):
        values = {key: value for key, _, value in (word.partition("=") for word in line.split())}
        if "TotalNodes" not in values:  # it comes after State
            raise ValueError(f"a partition without its state: {line[:80]!r}")
        members = "" if values["Nodes"] in _NOTHING else values["Nodes"]
        yield Partition(values["PartitionName"], values["State"].lower(), span(values.get("MaxTime", "")), members)


def jobs(text: str, end: str) -> Iterator[Job]:
    """A Job for each record of squeue. A record ends with a mark that no user can know, as a name may hold newlines."""
    *records, rest = f"{text}\n".split(f"|{end}\n")
    if rest.strip():
        raise ValueError(f"a job that is cut: {rest[:80]!r}")
    for record in records:
        fields = record.split("|", _BEFORE)
        name, bar, reason = fields.pop().rpartition("|")
        if len(fields) != _BEFORE or not bar:
            raise ValueError(f"a job with fields missing: {record[:80]!r}")
        # An el6 version prints a letter that it does not know as it stands: %F, %K before 2.6, %V before 14.03.
        if job := _job(["" if field.startswith("%") or field in _NOTHING else field for field in fields], name, reason):
            yield job


def _job(fields: Sequence[str], name: str, listed: str) -> Job | None:
    shown, array, index, real, short, user, uid, partition, cpus, start, submit, limit, hosts = fields
    reason = listed[1:-1] if listed.startswith("(") and listed.endswith(")") else ""
    state = slurm_states.job(short, reason)
    if not state:
        return None
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
        slots=count(cpus) or 1,
        hosts=hosts or None,
        submitted=clock(submit),
        started=None if state in ("waiting", "held") else clock(start),
        limit=span(limit),
        reason=None if reason in _NOTHING else reason,
        tie=real or shown,
    )


def _lines(text: str, first: str) -> list[str]:
    """The records of scontrol, one a line; a line that does not begin as one is the rest of a comment's text.

    Raises ValueError where there is none: then it says `No nodes in the system`, and is not silent.
    """
    lines = [line for line in _BEGINS[first].split(text) if line.startswith(f"{first}=")]
    if not lines and not text.startswith("No "):
        raise ValueError(f"{text[:80]!r} where {first} was asked for")
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
