"""Records and outcomes in few words, for the tests of the store and of what reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from nicassh.inventory import Node
from nicassh.model.outcome import LOGIN, Outcome, State
from nicassh.model.records import Record
from nicassh.probes import loader as probe
from nicassh.query import Row, Table, table_specs
from nicassh.query.records import record_specs
from nicassh.store import Store

PROBES = probe.load_all()
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@contextmanager
def stored(url: str) -> Iterator[Store]:
    """A store of all probes in a database, with its tables."""
    store = Store(url, PROBES)
    store.create()
    yield store
    store.engine.dispose()


def at(seconds: float) -> datetime:
    """So many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


def node(name: str, role: str = "batch", batch_cluster: str = "") -> Node:
    return Node(name, f"{name}.jinr.ru", role=role, batch_cluster=batch_cluster)


def made(name: str, /, **fields: Any) -> Record:
    """A record of a table: the fields given, and something usual for the others."""
    record = next(one.records[name] for one in PROBES if name in one.records)
    return record(**{**USUAL[name], **fields})


def outcome(name: str, probe_name: str, when: datetime, *records: Record, **fields: Any) -> Outcome:
    """What one probe gave on one node: records, or a state and a reason."""
    state = fields.pop("state", State.OK)
    return Outcome(name, probe_name, when, state, fields.pop("reason", ""), 0.5, records, **fields)


def login(name: str, when: datetime, state: State = State.OK, reason: str = "") -> Outcome:
    return outcome(name, LOGIN, when, state=state, reason=reason)


USUAL: dict[str, dict[str, Any]] = {
    "load": {"load1": 1.0, "load5": 2.0, "load15": 3.0, "processes": 200, "running": 1, "blocked": 0},
    "memory": {
        "total": 8 * 1024**3, "available": 4 * 1024**3, "available_percent": 50.0, "estimated": False,
        "swap_total": 0, "swap_used": 0,
    },
    "disks": {
        "mount": "/", "device": "/dev/sda1", "type": "xfs", "read_only": False, "size": 100 * 1024**3,
        "used": 60 * 1024**3, "free": 40 * 1024**3, "free_percent": 40.0, "inodes": 1000, "inodes_free": 900,
    },
    "system": {
        "hostname": "nc2", "os": "AlmaLinux 9.4", "kernel": "5.14.0", "cpu": "AMD EPYC", "cpus": 4,
        "boot_time": NOON - timedelta(days=3),
    },
    "software": {
        "package": "FairSoft", "path": "/opt/fairsoft/apr13", "version": "apr13", "method": "folder",
        "default": None, "root": "/opt",
    },
    "software_folder": {"path": "/opt", "state": "ok"},
    "batch": {"system": "sge", "state": "up", "reason": None, "version": "SGE 8.1.9"},
    "batch_host": {
        "system": "sge", "host": "nc10.jinr.ru", "state": "busy", "words": "", "reason": None, "by": None,
        "marked": None, "queues": "all.q", "cpus": 4, "slots": 4, "used": 2, "load": 1.0, "memory": 8 * 1024**3,
        "memory_used": 1024**3,
    },
    "batch_queue": {
        "system": "sge", "queue": "all.q", "state": None, "slots": 24, "used": 1, "free": 23, "broken": 0,
        "load": 0.1, "limit": None,
    },
    "batch_job": {
        "system": "sge", "job": "3791", "task": "", "tasks": 1, "user": "merz", "name": "reco", "state": "running",
        "words": "r", "queue": "all.q", "slots": 1, "hosts": "nc10.jinr.ru", "submitted": NOON - timedelta(hours=5),
        "started": NOON - timedelta(hours=3), "limit": None, "reason": None, "tie": "3791.1",
    },
    "processes_visibility": {"hidden": False, "visible": 300, "total": None},
    "processes_user": {
        "user": "merz", "kind": "interactive", "processes": 1, "cpu_percent": 10.0, "memory": 1024**3,
        "software": "ROOT",
    },
    "processes": {
        "pid": 10, "user": "merz", "command": "root.exe", "memory_percent": 1.0,
        "memory": 2**30, "cpu_percent": 10.0, "state": "R",
        "time": 100.0, "started": NOON - timedelta(hours=1), "kind": "interactive", "batch": None, "job": None,
        "login": "pts/3", "software": "ROOT", "ordinary": True, "parent": 1, "name": "root.exe",
    },
    "gpus": {
        "uuid": "GPU-1", "index": 0, "name": "NVIDIA H100", "state": "ok", "reason": None, "utilisation": 90.0,
        "memory_utilisation": 30.0, "memory": 80 * 1024**3, "memory_used": 2 * 1024**3, "temperature": 50.0,
        "power": 300.0, "power_limit": 700.0, "ecc_volatile": 0, "ecc_aggregate": 0, "mig": None, "address": None,
        "driver": "550.54",
    },
    "gpus_process": {"gpu": "GPU-1", "pid": 7, "user": "merz", "name": "python3", "memory_used": 1024**3},
    "gpus_mig": {"uuid": "MIG-1", "gpu": "GPU-1", "index": 0, "profile": "1g.10gb"},
    "clock": {
        "source": "chrony", "synchronised": True, "offset": 0.001, "stratum": 3, "time": NOON,
    },
    "mounts": {
        "mount": "/eos", "kind": "eos", "type": "fuse", "source": "eosxd", "state": "ok", "read_only": False,
        "reason": None, "seconds": 0.01,
    },
    "services_xrootd": {
        "instance": "mpd", "role": "server", "manager": "none", "links": 3, "threads": 8, "requests": 100, "errors": 0,
        "size": 100 * 1024**3, "free": 60 * 1024**3, "quota": None,
    },
    "services": {
        "service": "xrootd", "instance": "mpd", "state": "up", "reason": None, "version": "v5.5.3", "user": "xrootd",
        "pid": 30, "started": NOON - timedelta(days=3), "port": 1094, "clients": 2, "kind": "system", "ended": None,
    },
}  # fmt: skip


def summary(table: Table, rows: Iterable[Row] | None = None) -> str:
    """The line below a table, of all its rows or of some; as an answer of the query layer has it."""
    known = {**table_specs(), **record_specs(PROBES, table_specs())}
    shown = table if rows is None else replace(table, rows=tuple(rows))
    return replace(shown, summary=known[table.name].summarize(shown)).about


def with_users(*processes: Any) -> list[Record]:
    """Processes, and what their probe says of each person on a node with 100 GiB of memory."""
    groups: dict[tuple[str, str], list[Any]] = {}
    for one in processes:
        if one.ordinary:
            groups.setdefault((one.user, one.kind), []).append(one)
    users = [
        made(
            "processes_user", user=user, kind=kind, processes=len(some),
            cpu_percent=sum(one.cpu_percent for one in some),
            memory=int(sum(one.memory_percent for one in some) * 2**30),
            software=", ".join(sorted({one.software for one in some if one.software})) or None,
        )
        for (user, kind), some in groups.items()
    ]  # fmt: skip
    return [*processes, *users]
