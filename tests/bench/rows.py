"""What the nodes of a large farm answer: outcomes with records such as the probes give, and what a minute changes.

Node 1 answers for a batch cluster that has all others; the nodes are alike but for names, load and processes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from nicassh.model.outcome import LOGIN, Outcome, State
from nicassh.model.records import Record
from nicassh.probes import loader as probe
from nicassh.probes.loader import Probe

G = 1024**3
MINUTE = 60


@dataclass(frozen=True)
class Farm:
    """So many nodes, processes of users on each, and batch jobs in all; `begin` is the moment of round 0."""

    probes: Sequence[Probe]
    begin: datetime
    nodes: int = 1000
    processes: int = 40
    jobs: int = 10_000

    def names(self) -> list[str]:
        """The nodes' names."""
        return [f"n{number}" for number in range(1, self.nodes + 1)]

    def outcomes(self, minute: int = 0, some: Sequence[str] = ()) -> list[Outcome]:
        """What all nodes answer so many minutes after the beginning, of some probes only where they are named.

        From one minute to the next change: load, memory, space on disks, clocks, how long mounts took, GPUs; of one
        process in two its CPU time, per cent and memory; one in twenty is gone and another there. One batch job in
        fifty ends and another begins. Services, software, systems and all else stay what they are.
        """
        asked = [one for one in self.probes if not some or one.name in some]
        return [outcome for number in range(1, self.nodes + 1) for outcome in self._node(number, minute, asked)]

    def _node(self, number: int, minute: int, probes: Sequence[Probe]) -> Iterator[Outcome]:
        at = self.begin + timedelta(seconds=MINUTE * minute)
        took = 0.3 + (number + minute) % 7 / 10
        yield Outcome(f"n{number}", LOGIN, at, State.OK, "", took)
        for one in probes:
            if one.where == "nodes" or number == 1:
                make = _MADE.get(one.name, _sampled)
                yield Outcome(f"n{number}", one.name, at, State.OK, "", took, tuple(make(self, one, number, minute)))


def _sampled(farm: Farm, one: Probe, _: int, minute: int) -> Iterator[Record]:
    """What the probe reads in its largest sample, every node alike, with the changes of the minute."""
    for table, record in _sample(one):
        change = _change(table, record, minute, farm.begin)
        yield replace(record, **change) if change else record


def _sample(one: Probe) -> list[tuple[str, Record]]:
    """The records of its largest sample, each with the name of its table."""
    if one.name not in _SAMPLES:
        largest = max(one.folder.glob("samples/*.out"), key=lambda file: file.stat().st_size)
        names = {record: name for name, record in one.records.items()}
        found = [record for record in probe.read(one, largest.read_bytes()) if isinstance(record, Record)]
        _SAMPLES[one.name] = [(names[type(record)], record) for record in found]
    return _SAMPLES[one.name]


_SAMPLES: dict[str, list[tuple[str, Record]]] = {}


def _change(table: str, record: Any, minute: int, begin: datetime) -> dict[str, Any]:
    """The fields that are others after so many minutes."""
    match table:
        case "memory":
            return {"available": record.available - minute * 4096}
        case "disks":
            return {"used": (record.used or 0) + minute * 4096, "free": (record.free or 0) - minute * 4096}
        case "mounts":
            return {"seconds": 0.01 + minute / 1000}
        case "mounts_space":
            return {"used": (record.used or 0) + minute * 4096}
        case "gpus":
            return {"temperature": 50.0 + minute % 20, "power": 300.0 + minute % 30}
        case "clock":
            return {"offset": minute / 1e6, "time": begin + timedelta(seconds=MINUTE * minute)}
    return {}


def _system(farm: Farm, one: Probe, number: int, _: int) -> Iterator[Record]:
    yield one.records["system"](
        hostname=f"n{number}", os="AlmaLinux 9.4", kernel="5.14.0", cpu="AMD EPYC", cpus=48, boot_time=farm.begin
    )


def _load(_: Farm, one: Probe, number: int, minute: int) -> Iterator[Record]:
    yield one.records["load"](
        load1=float((number + minute) % 60), load5=9.0, load15=9.0, processes=400, running=9, blocked=0
    )


def _processes(farm: Farm, one: Probe, number: int, minute: int) -> Iterator[Record]:
    process = one.records["processes"]
    users: Counter[tuple[str, str]] = Counter()
    names = ("root.exe", "mpdroot", "python3", "bash", "urqmd")
    for count in range(1, farm.processes + 1):
        # One in twenty has another number each minute: the one before it is gone.
        pid = count + (farm.processes * minute if count % 20 == 0 else 0)
        batch, works = count % 3 == 0, count % 2 == 0
        values: dict[str, Any] = {
            "pid": pid, "user": f"user{(count + number) % 60}",
            "command": f"{names[count % 5]} -l -b reco.C -q run{count}.root",
            "memory_percent": 0.4 + (minute % 5) / 10 * works, "cpu_percent": float((count + minute * works) % 100),
            "memory": G + (minute % 5) * works * 4096,
            "state": "Z" if count == 7 else "S", "time": 60.0 + MINUTE * minute * works,
            "started": farm.begin - timedelta(hours=3), "kind": "batch" if batch else "interactive",
            "batch": "sge" if batch else None, "job": f"{number * 10 + count % 10}.1" if batch else None,
            "login": None if batch else "pts/3", "software": "ROOT" if count % 5 == 0 else None,
            "ordinary": count > farm.processes // 2, "parent": 1, "name": names[count % 5],
        }  # fmt: skip
        if values["ordinary"]:
            users[values["user"], values["kind"]] += 1
        yield process(**values)
    for (user, kind), processes in users.items():
        cpu = float((processes + minute) % 100)
        yield one.records["processes_user"](user, kind, processes, cpu, processes * G + minute * 4096, "ROOT")
    yield one.records["processes_visibility"](hidden=False, visible=farm.processes, total=None)


def _batch(farm: Farm, one: Probe, _: int, minute: int) -> Iterator[Record]:
    yield one.records["batch"](system="sge", state="up", reason=None, version="SGE 8.1.9")
    for number in range(2, farm.nodes + 1):
        yield one.records["batch_host"](
            system="sge", host=f"n{number}", state="drained" if number % 50 == 0 else "busy", words="d", reason=None,
            by=None, marked=None, queues="all.q", cpus=48, slots=48, used=10, load=9.5 + minute % 10,
            memory=64 * G, memory_used=G + minute * 4096,
        )  # fmt: skip
    yield one.records["batch_queue"](
        system="sge", queue="all.q", state=None, slots=48 * farm.nodes, used=farm.jobs, free=0, broken=0,
        load=0.9, limit=None,
    )  # fmt: skip
    for count in range(farm.jobs):
        number = count + farm.jobs * minute if count % 50 == 0 else count
        yield one.records["batch_job"](
            system="sge", job=str(number), task="", tasks=1, user=f"user{count % 60}", name=f"reco_{number}",
            state="running", words="r", queue="all.q", slots=1, hosts=f"n{2 + count % (farm.nodes - 1)}",
            submitted=farm.begin - timedelta(hours=5), started=farm.begin - timedelta(hours=3), limit=None, reason=None,
            tie=f"{number}.1",
        )  # fmt: skip


_MADE: dict[str, Callable[[Farm, Probe, int, int], Iterator[Record]]] = {
    "system": _system, "load": _load, "processes": _processes, "batch": _batch,
}  # fmt: skip
