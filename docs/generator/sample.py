"""A farm as it might be: the nodes of the demo with rows for every table of the quick starts, filled in process.

Nothing is contacted and nothing is random: the rows follow from the numbers of the nodes, so that a picture of them
changes only when the program does.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from nicassh.demo import plan
from nicassh.inventory import Node
from nicassh.model.outcome import LOGIN, Outcome, State
from nicassh.model.records import Record
from nicassh.probes import loader
from nicassh.store import Store

GIB = 1024**3
DOWN, DRAINED, FULL, OLD = 13, 8, 5, 3
"""Numbers of the nodes that are out of reach, drained, short of disk space, and without the newest ROOT."""
PROBES = loader.load_all()
_TYPES = {name: type_ for probe in PROBES for name, type_ in probe.records.items()}
_PEOPLE = ("strmaxim", "zinchenk", "boliana", "rogachev", "merz", "kolesnik")
_LOADS = (2.04, 1.12, 0.31, 0.74, 0.22, 3.9, 2.08, 3.97, 6.85, 4.02, 2.95, 0.0, 3.1, 1.88)


def nodes() -> list[Node]:
    """Return the nodes of the farm; nc2 answers for the batch cluster."""
    return [
        Node(one.name, one.address, role=one.role, batch_cluster="nica" if one.number == plan.FIRST else "")
        for one in plan.nodes(plan.USUAL, "10.63.3", 22)
    ]


def fill(store: Store, now: datetime) -> None:
    """Write what two hours of collections would have written by `now` into an empty store."""
    for minutes in range(120, 0, -10):
        at = now - timedelta(minutes=minutes)
        series = [one for node in nodes() for one in (_login(node, at, up=True), *_series(node, at))]
        store.write(series)
    at = now - timedelta(seconds=12)
    for node in nodes():
        up = _number(node) != DOWN
        store.write([_login(node, at, up), *_outcomes(node, at, up)])


def _outcomes(node: Node, at: datetime, up: bool) -> Iterator[Outcome]:
    """Yield what each probe gave; a node that went down has old rows of what is collected seldom."""
    if not up:
        yield from _inventory(node, at - timedelta(minutes=25))
        return
    yield from _series(node, at)
    yield from _inventory(node, at)
    yield _outcome(node, "processes", at, *_processes(node, at))
    yield _outcome(node, "mounts", at, _made(
        "mounts", mount="/eos/nica", kind="eos", type="fuse", source="eosxd", state="ok", read_only=False, reason=None,
        seconds=0.02,
    ))  # fmt: skip
    if node.batch_cluster:
        yield _outcome(node, "batch", at, *_batch(at))


def _login(node: Node, at: datetime, up: bool) -> Outcome:
    state = State.OK if up else State.UNREACHABLE
    return Outcome(node.name, LOGIN, at, state, "" if up else "no route to the host", 0.4, ())


def _series(node: Node, at: datetime) -> Iterator[Outcome]:
    number = _number(node)
    load = round(_LOADS[number - plan.FIRST] + (at.minute % 7) / 20, 2)
    yield _outcome(node, "load", at, _made(
        "load", load1=load, load5=round(load * 0.97, 2), load15=round(load * 0.9, 2), processes=140 + 11 * number,
        running=1, blocked=0,
    ))  # fmt: skip
    share = 9.0 if number == 10 else 38.0 + 4 * (number % 9)
    yield _outcome(node, "memory", at, _made(
        "memory", total=32 * GIB, available=int(32 * GIB * share / 100), available_percent=share, estimated=False,
        swap_total=0, swap_used=0,
    ))  # fmt: skip
    free = 4 if number == FULL else 40 + 3 * number
    yield _outcome(node, "disks", at, _made(
        "disks", mount="/", device="/dev/sda1", type="xfs", read_only=False, size=120 * GIB, used=(120 - free) * GIB,
        free=free * GIB, free_percent=round(free / 1.2, 1), inodes=None, inodes_free=None,
    ))  # fmt: skip


def _inventory(node: Node, at: datetime) -> Iterator[Outcome]:
    old = _number(node) == OLD
    yield _outcome(node, "system", at, _made(
        "system", hostname=node.name, os="AlmaLinux 9.4", kernel="5.14.0-427", cpu="AMD EPYC 7313", cpus=4,
        boot_time=at - timedelta(days=31),
    ))  # fmt: skip
    versions = {"FairSoft": "apr22" if old else "nov22p4", "ROOT": "6.26.10" if old else "6.30.06", "MpdRoot": "24.06"}
    yield _outcome(node, "software", at, *(
        _made("software", package=package, path=f"/opt/{package.lower()}/{version}", version=version, method="folder",
              default=package == "ROOT", root="/opt")
        for package, version in versions.items()
    ))  # fmt: skip


def _processes(node: Node, at: datetime) -> Iterator[Record]:
    number = _number(node)
    yield _made("processes_visibility", hidden=False, visible=300, total=None)
    kind = "batch" if node.role == "batch" else "interactive"
    for index, user in enumerate(_PEOPLE):
        count = (number * (index + 2) + index) % 5 - 1
        if count <= 0:
            continue
        yield _made("processes_user", user=user, kind=kind, processes=count, cpu_percent=47.0 * count,
                    memory=count * GIB // 2, software="ROOT")  # fmt: skip
        for pid in range(1000 * (index + 1), 1000 * (index + 1) + count):
            yield _made(
                "processes", pid=pid, user=user, command="root.exe -l -b reco.C -q", memory_percent=1.6,
                memory=GIB // 4,
                cpu_percent=47.0, state="R", time=3600.0, started=at - timedelta(hours=3), kind=kind, batch=None,
                job=None, login=None if kind == "batch" else "pts/3", software="ROOT", ordinary=True, parent=1,
                name="root.exe",
            )  # fmt: skip


def _batch(at: datetime) -> Iterator[Record]:
    """Yield a Slurm of six nodes with four slots each, one of them drained and one down."""
    hosts = [node for node in nodes() if node.role == "batch" or _number(node) == DRAINED]
    yield _made("batch", system="slurm", state="up", reason=None, version="slurm 22.05.8")
    for node in hosts:
        state = {DRAINED: "drained", DOWN: "down"}.get(_number(node), "full")
        yield _made(
            "batch_host", system="slurm", host=node.name, state=state, words=state.upper(),
            reason="bad DIMM, ticket 4711" if state == "drained" else None, by="root" if state == "drained" else None,
            marked=at - timedelta(days=2) if state == "drained" else None, queues="nica", cpus=4, slots=4,
            used=4 if state == "full" else 0, load=None, memory=32 * GIB, memory_used=None,
        )  # fmt: skip
    yield _made("batch_queue", system="slurm", queue="nica", state="up", slots=28, used=20, free=0, broken=8, load=None,
                limit=7 * 86400.0)  # fmt: skip
    running = [node for node in hosts if _number(node) not in (DRAINED, DOWN)]
    for index, node in enumerate(running):
        yield _job(at, str(5020 + index), _PEOPLE[index % 6], "running", node.name, None)
    for index, reason in enumerate(("Resources", "Priority", "AssocMaxJobsLimit")):
        yield _job(at, str(5040 + index), ("merz", "boliana", "merz")[index], "waiting", None, reason)


def _job(at: datetime, number: str, user: str, state: str, host: str | None, reason: str | None) -> Record:
    return _made(
        "batch_job", system="slurm", job=number, task="", tasks=1, user=user, name="reco_BiBi_9.2gev", state=state,
        words=state[:2].upper(), queue="nica", slots=4, hosts=host, submitted=at - timedelta(hours=5),
        started=at - timedelta(hours=3) if host else None, limit=7 * 86400.0, reason=reason, tie=number,
    )  # fmt: skip


def _number(node: Node) -> int:
    return int(node.name.partition(".")[0].removeprefix("nc"))


def _made(name: str, /, **fields: Any) -> Record:
    return _TYPES[name](**fields)


def _outcome(node: Node, probe: str, at: datetime, *records: Record) -> Outcome:
    return Outcome(node.name, probe, at, State.OK, "", 0.4, records)
