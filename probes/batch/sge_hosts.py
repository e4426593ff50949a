"""Batch nodes, and the jobs on them, in the XML of `qhost -q -j`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from xml.etree.ElementTree import Element

from nicassh.model.notes import Notes

from .doubts import Doubts, each
from .rows import Host, Queue
from .sge_values import UNKNOWN, count, elements, epoch, named, number, size

# Letters of queue_conf(5). u: execd cannot be reached; E: error; d, D: disabled by hand or calendar; s, C: suspended
# by hand or calendar; c: its configuration is ambiguous; a, A: load or suspend alarm; S, P: gives way to another queue.
_DOWN, _DRAINED, _BUSY = frozenset("uE"), frozenset("dDsCc"), frozenset("aASP")


@dataclass(frozen=True)
class Instance:
    """A queue on one host. One of state `o` is configured no more, and lives as long as its jobs do."""

    queue: str
    letters: str
    slots: int | None
    used: int | None
    reserved: int

    @property
    def state(self) -> str:
        """What its letters mean for new jobs."""
        states = (("down", _DOWN), ("drained", _DRAINED), ("busy", _BUSY))
        return next((state for state, letters in states if letters & set(self.letters)), "free")

    @property
    def free(self) -> int:
        """Slots that a job could have, were it not for the state; none where that is not known."""
        return max(0, (self.slots or 0) - (self.used or 0) - self.reserved)


@dataclass
class Task:
    """A running job, or one task of an array: its queue, its start and the hosts that it has slots on."""

    queue: str
    started: datetime | None
    hosts: set[str] = field(default_factory=set)


@dataclass
class Farm:
    """All that qhost tells. Tasks are known by job and number of the task, which is "" without an array."""

    hosts: list[Host] = field(default_factory=list)
    instances: list[Instance] = field(default_factory=list)
    tasks: dict[tuple[str, str], Task] = field(default_factory=dict)


def read(text: str, notes: Notes) -> Farm:
    """The farm in a document. `global` is no host: it carries the cluster's own consumables."""
    farm = Farm()
    each(notes, "host", elements(text, "qhost", "host"), lambda host: _add(farm, host, notes), _name)
    return farm


def _name(host: Element) -> str:
    return host.attrib.get("name", "")


def _add(farm: Farm, host: Element, notes: Notes) -> None:
    name = host.attrib["name"]
    if name == "global":
        return
    instances = [_instance(queue, Doubts(notes, f"queue on {name}")) for queue in host.findall("queue")]
    farm.hosts.append(_host(name, instances, named(host), Doubts(notes, f"host {name}")))
    farm.instances += instances
    for job in host.findall("job"):  # there is one for each slot
        about = named(job)
        key = job.attrib["name"], about.get("taskid", "")
        if key not in farm.tasks:
            queue = about.get("qinstance_name", "").partition("@")[0]
            doubts = Doubts(notes, f"job {job.attrib['name']}")
            farm.tasks[key] = Task(queue, doubts.read("start_time", epoch, about.get("start_time")))
        farm.tasks[key].hosts.add(name)


def queues(instances: Iterable[Instance]) -> Iterator[Queue]:
    """The cluster queues as sums of their instances."""
    found: dict[str, list[Instance]] = {}
    for instance in instances:
        found.setdefault(instance.queue, []).append(instance)
    for queue, parts in sorted(found.items()):
        yield Queue(
            system="sge",
            queue=queue,
            state=None,
            slots=sum(part.slots or 0 for part in parts),
            used=sum(part.used or 0 for part in parts),
            free=sum(part.free for part in parts if part.state == "free"),
            broken=sum(part.slots or 0 for part in parts if part.state in ("down", "drained")),
            load=None,
            limit=None,
        )


def _host(name: str, instances: list[Instance], about: dict[str, str], doubts: Doubts) -> Host:
    serving = [instance for instance in instances if "o" not in instance.letters]
    cpus = doubts.read("num_proc", count, about.get("num_proc"))
    load = doubts.read("load_avg", number, about.get("load_avg"))
    # What Univa prints instead.
    per_processor = doubts.read("np_load_avg", number, about.get("np_load_avg"))
    if load is None and per_processor is not None and cpus is not None:
        load = round(per_processor * cpus, 2)
    return Host(
        system="sge",
        host=name,
        state=_state(serving, load is not None),
        words=_words(instances),
        reason=None,
        by=None,
        marked=None,
        queues=",".join(sorted(instance.queue for instance in serving)),
        cpus=cpus,
        slots=_total([instance.slots for instance in serving]),
        used=_total([instance.used for instance in serving]),
        load=load,
        memory=doubts.read("mem_total", size, about.get("mem_total")),
        memory_used=doubts.read("mem_used", size, about.get("mem_used")),
    )


def _total(numbers: list[int | None]) -> int | None:
    """The sum; None where one of them is not known."""
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


def _state(serving: list[Instance], reports: bool) -> str:
    """A host is as good as the best of its queues; without a queue no job can come, which is drained.

    It is free without any job, and busy with some or where every queue with room left is in alarm.
    """
    states = {instance.state for instance in serving}
    if "down" in states and states <= {"down", "drained"}:
        return "down"
    if not reports:
        return "unknown"
    if states <= {"drained"}:
        return "drained"
    usable = [instance for instance in serving if instance.state in ("free", "busy")]
    if not any(instance.free for instance in usable):
        return "full"
    quiet = any(instance.free for instance in usable if instance.state == "free")
    return "free" if quiet and not any(instance.used for instance in serving) else "busy"


def _words(instances: list[Instance]) -> str:
    """The letters: `au` where all queues have the same, else `interactive.q:d` for those that have any."""
    if not instances:
        return "no queue"
    if len({instance.letters for instance in instances}) == 1:
        return instances[0].letters
    return " ".join(sorted(f"{instance.queue}:{instance.letters}" for instance in instances if instance.letters))


def _instance(queue: Element, doubts: Doubts) -> Instance:
    about = named(queue)
    used = about.get("slots_used")
    return Instance(
        queue=queue.attrib["name"],
        letters=about.get("state_string", ""),
        slots=doubts.read("slots", count, about.get("slots")),
        # `-` stands for a host that is down, where nothing runs.
        used=0 if used is None or used in UNKNOWN else doubts.read("slots_used", count, used),
        reserved=doubts.read("slots_resv", count, about.get("slots_resv")) or 0,
    )
