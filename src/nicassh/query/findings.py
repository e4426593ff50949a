"""Findings: what is wrong with a node, in order of weight. `explain` and `show bad` are made from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from nicassh.inventory import Node
from nicassh.model.outcome import LOGIN, State
from nicassh.model.severity import Severity
from nicassh.model.units import counted, draw_bytes, draw_seconds
from nicassh.query.batch import BatchSystems
from nicassh.query.snapshot import Snapshot, in_words
from nicassh.query.thresholds import LOAD_PER_CPU, PROCESS_STATES
from nicassh.store import Row as Stored

AVOID = 60
"""A node with a finding of this weight or more should get no new work."""
WARN = 30
"""Somebody should look at a finding of this weight or more."""
NOTE = 10
"""The weight of what is worth knowing."""
_TOLERABLE = ("cron", "chrony", "ntp", "timesyncd", "proof", "shadowd")
"""Services without which a node still does its work: the others run its jobs, or have its data."""
_CLOCK_TOLERANCE = 90.0
"""Seconds between the clock of a node and ours: more than a collection takes."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: how bad it is, how much it weighs, where, what, and since when.

    `severity` is that of the value in every other table. `weight` orders findings, and says whether the node is to be
    avoided: 100 is a lost node, AVOID and more a node that should get no new work.
    """

    severity: Severity
    weight: int
    area: str
    what: str
    since: datetime | None = None


class Evidence:
    """What findings are made from: a snapshot, the batch systems, and the processes that are stuck."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.batch = BatchSystems(snapshot)

    @cached_property
    def stuck(self) -> dict[str, list[Stored]]:
        """Return the processes in state D or Z by node, without stale ones."""
        found = self.snapshot.by_node("processes", state=("D", "Z"))
        fresh = {
            node: [row for row in rows if not self.snapshot.is_stale("processes", row)] for node, rows in found.items()
        }
        return {node: rows for node, rows in fresh.items() if rows}


def findings(evidence: Evidence, node: Node) -> list[Finding]:
    """Return all that is wrong with a node, the heaviest first. Of a node that did not answer, the rest is unknown."""
    found = [*_ssh(evidence, node), *_batch(evidence, node)]
    if not any(finding.area in ("ssh", "collection") for finding in found):
        for judge in _JUDGES:
            found += judge(evidence.snapshot, node)
        found += _processes(evidence, node)
    return sorted(found, key=lambda finding: -finding.weight)


def _ssh(evidence: Evidence, node: Node) -> Iterator[Finding]:
    snapshot = evidence.snapshot
    login = snapshot.login(node.name)
    if login is None:
        yield Finding(Severity.UNKNOWN, 50, "ssh", "never asked")
        return
    if asleep := evidence.batch.asleep(evidence.batch.hosts_by_node.get(node.name, []), login):
        yield Finding(Severity.OK, NOTE, "ssh", f"asleep to save power, as slurm says ({asleep})", login["since"])
    elif login["state"] != State.OK:
        yield Finding(Severity.CRITICAL, 100, "ssh", in_words(login), login["since"])
    elif (age := snapshot.age(login)) is None:
        what = "asked while the clock of the monitoring host was ahead: how it is now is unknown"
        yield Finding(Severity.UNKNOWN, 50, "collection", what)
    elif age > snapshot.stale_after:
        yield Finding(Severity.UNKNOWN, 50, "collection", f"not asked for {draw_seconds(age)}", login["at"])
    for name, outcome in snapshot.outcomes[node.name].items():
        is_ok = State(outcome["state"]).is_ok
        if name != LOGIN and not is_ok and login["state"] == State.OK:
            severity = snapshot.column("outcomes", "state").severity(outcome["state"])
            yield Finding(severity, 40, "probes", f"{name} {in_words(outcome)}", outcome["since"])
        elif outcome["notes"] and is_ok:
            what = f"{name}, a part could not be read: {outcome['notes']}"
            yield Finding(Severity.OK, 20, "probes", what, outcome["at"])


def _batch(evidence: Evidence, node: Node) -> Iterator[Finding]:
    state_of = evidence.snapshot.column
    for (asked, system), scheduler in evidence.batch.schedulers.items():
        if asked == node.name and scheduler["state"] != "up":
            what = f"{system} does not answer here: {scheduler['reason']}"
            yield Finding(
                state_of("batch", "state").severity(scheduler["state"]), 50, "batch", what, scheduler["since"]
            )
    for host in evidence.batch.hosts_by_node.get(node.name, []):
        if host["slots"] == 0:
            continue  # Grid Engine lists hosts without a queue, such as a host for submission: they get no jobs
        who = f" ({host['by']})" if host["by"] else ""
        reason = f": {host['reason']}{who}" if host["reason"] else ""
        words = f" ({host['words']})" if host["words"] else ""
        what = f"{host['state']}{words}{reason}"
        if evidence.batch.is_down(host):
            # The scheduler is in trouble, which is no reason to avoid the node; what it said last may be outdated.
            what = f"{host['system']} does not answer; it said last: {what}"
            yield Finding(Severity.UNKNOWN, WARN, "batch", what, host["at"])
        elif host["state"] in _BATCH_WEIGHTS:
            severity = state_of("batch_host", "state").severity(host["state"])
            since = host["marked"] or host["since"]
            yield Finding(severity, _BATCH_WEIGHTS[host["state"]], "batch", f"{host['system']}: {what}", since)


def _mounts(snapshot: Snapshot, node: Node) -> Iterator[Finding]:
    for mount in snapshot.fresh("mounts", node.name):
        if mount["state"] in _MOUNT_WEIGHTS:
            severity = snapshot.column("mounts", "state").severity(mount["state"])
            reason = f": {mount['reason']}" if mount["reason"] else ""
            what = f"{mount['mount']} ({mount['source']}) is {mount['state']}{reason}"
            yield Finding(severity, _MOUNT_WEIGHTS[mount["state"]], "mounts", what, mount["since"])


def _disks(snapshot: Snapshot, node: Node) -> Iterator[Finding]:
    for disk in snapshot.fresh("disks", node.name):
        share = snapshot.column("disks", "free_percent")
        if severity := share.severity(disk["free_percent"]):
            what = f"{disk['mount']} has {draw_bytes(disk['free'])} free ({disk['free_percent']:.1f} %)"
            yield Finding(severity, 75 if severity is Severity.CRITICAL else 45, "disks", what)
        inodes, free = disk["inodes"], disk["inodes_free"]
        if inodes and free is not None and (severity := share.severity(100 * free / inodes)):
            weight = AVOID if severity is Severity.CRITICAL else 45
            yield Finding(severity, weight, "disks", f"{disk['mount']} has {free} of {inodes} inodes free")
        if disk["read_only"] and disk["mount"] in ("/", "/var", "/home"):
            yield Finding(Severity.CRITICAL, 80, "disks", f"{disk['mount']} is mounted read-only")


def _services(snapshot: Snapshot, node: Node) -> Iterator[Finding]:
    for service in snapshot.fresh("services", node.name):
        if severity := snapshot.column("services", "state").severity(service["state"]):
            name = f"{service['service']} {service['instance']}".strip()
            reason = f": {service['reason']}" if service["reason"] else ""
            weight = 70 if severity is Severity.CRITICAL and service["service"] not in _TOLERABLE else 45
            yield Finding(severity, weight, "services", f"{name} is {service['state']}{reason}", service["since"])


def _memory(snapshot: Snapshot, node: Node) -> Iterator[Finding]:
    for memory in snapshot.fresh("memory", node.name):
        severity = snapshot.column("memory", "available_percent").severity(memory["available_percent"])
        if severity:
            what = f"{draw_bytes(memory['available'])} of memory available ({memory['available_percent']:.1f} %)"
            yield Finding(severity, AVOID if severity is Severity.CRITICAL else 35, "memory", what)
        total, used = memory["swap_total"], memory["swap_used"]
        if total and used is not None and used > total / 2:
            what = f"{draw_bytes(used)} of {draw_bytes(total)} of swap in use"
            yield Finding(Severity.WARNING, 50 if severity else 35, "swap", what)


def _load(snapshot: Snapshot, node: Node) -> Iterator[Finding]:
    cpus = next((row["cpus"] for row in snapshot.fresh("system", node.name)), None)
    for load in snapshot.fresh("load", node.name):
        if cpus and load["load1"] is not None and (severity := LOAD_PER_CPU.severity(load["load1"] / cpus)):
            what = f"load {load['load1']:.2f} on {counted(cpus, 'processor')}"
            yield Finding(severity, 50 if severity is Severity.CRITICAL else WARN, "load", what)


def _processes(evidence: Evidence, node: Node) -> Iterator[Finding]:
    stuck = evidence.stuck.get(node.name, [])
    for state, word, weight in (("D", "waiting for a device (state D)", 55), ("Z", "zombie", 15)):
        if some := [row for row in stuck if row["state"] == state]:
            who = ", ".join(dict.fromkeys(f"{row['name']} of {row['user']}" for row in some[:5]))
            noun = f"{counted(len(some), 'process')} {word}" if state == "D" else counted(len(some), word)
            weight = weight if len(some) < 10 else max(weight, WARN)  # noqa: PLW2901
            yield Finding(PROCESS_STATES[state], weight, "processes", f"{noun}: {who}")
    for visibility in evidence.snapshot.fresh("processes_visibility", node.name):
        if visibility["hidden"]:
            what = f"{visibility['visible']} of {visibility['total']} threads visible (hidepid)"
            yield Finding(Severity.OK, NOTE, "processes", what)


def _clock(snapshot: Snapshot, node: Node) -> Iterator[Finding]:
    for clock in snapshot.fresh("clock", node.name):
        severity = snapshot.column("clock", "offset").severity(clock["offset"])
        # The clock of the node against ours. The node read it before the moment `at`, perhaps by as much as the whole
        # session took: a node is behind only by what exceeds that.
        apart = (clock["time"] - clock["at"]).total_seconds()
        services = snapshot.outcomes[node.name].get("services")
        waited = (services["seconds"] or 0.0) if services else 0.0
        if apart > _CLOCK_TOLERANCE or apart < -_CLOCK_TOLERANCE - waited:
            side = "ahead of" if apart > 0 else "behind"
            what = f"{draw_seconds(abs(apart))} {side} this machine's"
            yield Finding(Severity.CRITICAL, AVOID, "clock", what, clock["since"])
        elif severity:
            what = f"{clock['offset']:.2f} s off by its {clock['source']}"
            yield Finding(severity, 50 if severity is Severity.CRITICAL else WARN, "clock", what)
        elif clock["synchronised"] is False:
            what = f"not synchronised by its {clock['source'] or 'daemon'}"
            yield Finding(Severity.WARNING, WARN, "clock", what, clock["since"])


def _gpus(snapshot: Snapshot, node: Node) -> Iterator[Finding]:
    for gpu in snapshot.fresh("gpus", node.name):
        if severity := snapshot.column("gpus", "state").severity(gpu["state"]):
            what = f"{gpu['name'] or 'GPU'} {gpu['uuid']}: {gpu['reason'] or gpu['state']}"
            yield Finding(severity, AVOID, "gpus", what)


_BATCH_WEIGHTS = {"down": 90, "drained": 80, "unknown": 50}
_MOUNT_WEIGHTS = {"hung": 85, "stale": 85, "error": 70, "missing": 55, "slow": 40}
_JUDGES: tuple[Callable[[Snapshot, Node], Iterator[Finding]], ...] = (
    _mounts, _disks, _services, _memory, _load, _clock, _gpus,
)  # fmt: skip
