"""HTCondor: the rows in what condor_status and condor_q print in JSON, which they can since 8.6.

It has no queues, so there is no Queue and no job's queue: one made up would look like one that can be submitted to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet

from nicassh.model.notes import Notes, Unreadable
from nicassh.model.records import Record

from . import condor_ads
from .condor_ads import Ad
from .doubts import each
from .rows import Host, Job, Scheduler
from .sources import Source, find_source

_MIB = 1024 * 1024
_USED = ("Claimed", "Preempting", "Matched")
"""States of a slot that is a job's; one in Backfill would be left to a job."""
_IDLE = ("Unclaimed", "Owner", "Drained", "Backfill")
_VERSION = re.compile(r"\$CondorVersion: (\S+)")
_AT_SCHEDD = (7, 12)
"""The universes scheduler, in which DAGMan runs, and local: their jobs take no slot."""
_NAME = re.compile(r"[\w.-]+")
_STATUS = {
    1: ("waiting", "Idle"),
    2: ("running", "Running"),
    3: ("ending", "Removed"),
    4: ("ending", "Completed"),
    5: ("held", "Held"),
    6: ("ending", "TransferringOutput"),
    7: ("suspended", "Suspended"),
}


def read(sources: Sequence[Source], notes: Notes) -> Iterator[Record]:
    """The Scheduler, and its hosts and jobs where it is up. A pool is read completely or not at all."""
    pool, status, queue = (find_source(sources, name) for name in ("condor_config_val", "condor_status", "condor_q "))
    version = _version(find_source(sources, "condor_version"))
    failed = next((source for source in (pool, status, queue) if source and not source.well), None)
    # Of several schedds, condor_q ends as the last one did.
    missed = [line for line in queue.errors if "Failed to fetch ads" in line] if queue else []
    if failed or missed:
        yield Scheduler("condor", "down", failed.trouble if failed else " ".join(missed), version)
        return
    if not status or not queue:
        raise Unreadable("condor_status or condor_q is missing, though no command before it has failed")
    hosts, jobs = _hosts(condor_ads.read(status.text, notes), notes), _jobs(condor_ads.read(queue.text, notes), notes)
    yield Scheduler("condor", "up", None, version)
    yield from hosts
    yield from jobs


def _version(source: Source | None) -> str | None:
    """`HTCondor 23.0.12`, of `$CondorVersion: 23.0.12 2024-06-11 BuildID: 739441 $`."""
    match = _VERSION.search(source.text) if source and source.well else None
    return f"HTCondor {match[1]}" if match else None


def _hosts(ads: Sequence[Ad], notes: Notes) -> list[Host]:
    machines: dict[str, list[Ad]] = {}
    for name, ad in each(notes, "ad", ads, lambda ad: (ad.needed("Machine"), ad), lambda ad: ad.name):
        machines.setdefault(name, []).append(ad)
    return each(notes, "machine", machines.items(), lambda item: _host(*item), lambda item: item[0])


def _host(name: str, slots: Sequence[Ad]) -> Host:
    """One machine. A slot that can be divided counts with all that it has, its parts (Dynamic) as used."""
    parts = [slot for slot in slots if slot.text("SlotType") == "Dynamic"]
    wholes = [slot for slot in slots if slot.text("SlotType") != "Dynamic"]
    taken = [slot for slot in wholes if slot.text("State") in _USED and slot.text("SlotType") != "Partitionable"]
    total = _total([slot.count("TotalSlotCpus") or slot.count("Cpus") for slot in wholes or parts])
    strange = [slot for slot in wholes if slot.text("State") not in (*_USED, *_IDLE)]
    used = None if strange else _total([slot.count("Cpus") for slot in (*parts, *taken)])
    drained = _drained(wholes)
    memory = _first(slots, "DetectedMemory", "TotalMemory")
    return Host(
        system="condor",
        host=name,
        state="drained" if drained else _state(total, used),
        words=", ".join(sorted({_words(slot) for slot in slots})),
        reason=next(filter(None, (slot.text("DrainReason") for slot in slots)), None) if drained else None,
        by=None,
        marked=next(filter(None, (slot.time("LastDrainStartTime") for slot in slots)), None) if drained else None,
        queues="",
        cpus=_first(slots, "DetectedCpus", "TotalCpus"),
        slots=total,
        used=used,
        load=next((load for load in (slot.number("TotalLoadAvg") for slot in slots) if load is not None), None),
        memory=None if memory is None else memory * _MIB,
        memory_used=_total([slot.count("Memory") for slot in (*parts, *taken)], _MIB),
    )


def _words(slot: Ad) -> str:
    """`Claimed/Busy`."""
    return "/".join(slot.text(name) or "unknown" for name in ("State", "Activity"))


def _drained(slots: Sequence[Ad]) -> bool:
    """Whether a machine is being drained, or takes no jobs by its own rules (Owner)."""
    states = {slot.text("State") for slot in slots}
    return "Drained" in states or states == {"Owner"} or any(slot.flag("Draining") for slot in slots)


def _total(numbers: Sequence[int | None], unit: int = 1) -> int | None:
    """The sum of numbers; None where one of them is not known."""
    known = [number for number in numbers if number is not None]
    return sum(known) * unit if len(known) == len(numbers) else None


def _first(ads: Sequence[Ad], *names: str) -> int | None:
    return next((number for name in names for ad in ads if (number := ad.count(name)) is not None), None)


def _state(slots: int | None, used: int | None) -> str:
    if slots is None or used is None:
        return "unknown"
    return "free" if not used else "busy" if used < slots else "full"


def _jobs(ads: Sequence[Ad], notes: Notes) -> list[Job]:
    """A Job for each ad. Numbers are a schedd's own: where the pool has jobs of several, it is named with each."""
    several = len({_schedd(ad) for ad in ads}) > 1
    return each(notes, "ad", ads, lambda ad: _job(ad, several), lambda ad: ad.name)


def _job(ad: Ad, several: bool) -> Job:
    cluster, process = ad.needed("ClusterId"), ad.needed("ProcId")
    if not ad.has("JobStatus"):
        raise Unreadable("a job without JobStatus")
    status = ad.count("JobStatus")
    state, words = _STATUS.get(status or 0, ("other", f"JobStatus {'unknown' if status is None else status}"))
    began = state in ("running", "suspended")
    command = (ad.text("Cmd") or "").rpartition("/")[2]
    placed = ad.text("RemoteHost")
    return Job(
        system="condor",
        job=f"{cluster}@{_schedd(ad)}" if several else cluster,
        task="" if process == "0" and ad.count("TotalSubmitProcs") == 1 else process,
        tasks=1,
        user=ad.text("Owner") or (ad.text("User") or "").partition("@")[0],
        name=ad.text("JobBatchName") or command,
        state=state,
        words=words,
        queue=None,
        slots=_slots(ad),
        hosts=_folded(ad.text("RemoteHosts") or placed or "") if began else None,
        submitted=ad.time("QDate"),
        started=ad.time("JobCurrentStartDate") or ad.time("JobStartDate") if began else None,
        limit=ad.number("AllowedJobDuration"),
        reason=ad.text("HoldReason") if state == "held" else None,
        tie=placed or f"{cluster}.{process}",  # on its node a job is known by its slot
    )


def _slots(ad: Ad) -> int | None:
    """The processors of a job: none of the pool for one that runs beside the schedd itself, such as DAGMan."""
    if ad.count("JobUniverse") in _AT_SCHEDD:
        return 0
    asked, given = ad.count("RequestCpus"), ad.count("CpusProvisioned")
    return asked or given or (None if asked is None and ad.has("RequestCpus") else 1)


def _schedd(ad: Ad) -> str:
    """`submit1.jinr.ru`, of the GlobalJobId `submit1.jinr.ru#1234.7#1795270000`."""
    return (ad.text("GlobalJobId") or "").partition("#")[0]


def _folded(slots: str) -> str | None:
    """The machines of `slot1_1@ncx210.jinr.ru,slot1@ncx211.jinr.ru`."""
    names = [slot.strip().rpartition("@")[2] for slot in slots.split(",")]
    if len(names) > 1 and all(_NAME.fullmatch(name) for name in names):  # a user may have set the attribute
        return str(NodeSet.fromlist(names, resolver=RESOLVER_NOGROUP))
    return ",".join(names) or None
