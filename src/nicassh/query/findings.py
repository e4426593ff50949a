"""What is wrong with a node, in order of weight: the judgement behind `explain` and `show bad`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from nicassh.inventory import Node
from nicassh.model.outcome import LOGIN, State
from nicassh.model.units import counted, draw_bytes, draw_seconds
from nicassh.query.facts import Facts

AVOID = 60
"""From this weight on, a node should get no new work."""
WARN = 30
"""From this weight on, somebody should look."""
NOTE = 10
"""Worth knowing."""
_BEARABLE = ("cron", "chrony", "ntp", "timesyncd", "proof", "shadowd")
"""Services without which a node still does its work: the others run its jobs, or have its data."""
_APART = 90.0
"""Seconds between a node's clock and ours: more than a collection takes."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, how much it weighs (100: the node is lost; below WARN: worth knowing), since when."""

    weight: int
    area: str
    what: str
    since: datetime | None = None

    @property
    def level(self) -> str:
        """bad, warning or note."""
        return "bad" if self.weight >= AVOID else "warning" if self.weight >= WARN else "note"


def findings(facts: Facts, node: Node) -> list[Finding]:
    """All that is wrong with a node, the heaviest first. Of a node that did not answer, the rest is not known."""
    found = [*_ssh(facts, node), *_batch(facts, node)]
    if not any(finding.area in ("ssh", "collection") for finding in found):
        for judge in _JUDGES:
            found += judge(facts, node)
    return sorted(found, key=lambda finding: -finding.weight)


def _ssh(facts: Facts, node: Node) -> Iterator[Finding]:
    outcomes = facts.scene.outcomes.get(node.name, {})
    login = outcomes.get(LOGIN)
    if login is None:
        yield Finding(50, "ssh", "never asked")
        return
    if asleep := facts.batch.asleep(facts.hosts.get(node.name, []), login):
        yield Finding(NOTE, "ssh", f"asleep to save power, as slurm says ({asleep})", login["since"])
    elif login["state"] != State.OK:
        words = login["state"].replace("_", " ")
        yield Finding(100, "ssh", f"{words}: {login['reason']}".rstrip(": "), login["since"])
    elif (age := facts.scene.age(login)) is None:
        yield Finding(
            50, "collection", "asked while the clock of the monitoring host was ahead: how it is now is unknown"
        )
    elif age > facts.scene.stale:
        yield Finding(AVOID, "collection", f"not asked for {draw_seconds(age)}", login["at"])
    for name, outcome in outcomes.items():
        if name != LOGIN and not State(outcome["state"]).is_ok and login["state"] == State.OK:
            words = f"{outcome['state'].replace('_', ' ')}: {outcome['reason']}".rstrip(": ")
            yield Finding(40, "probes", f"{name} {words}", outcome["since"])
        elif outcome["notes"] and State(outcome["state"]).is_ok:
            yield Finding(20, "probes", f"{name}, a part could not be read: {outcome['notes']}", outcome["at"])


def _batch(facts: Facts, node: Node) -> Iterator[Finding]:
    weights = {"down": 90, "drained": 80, "unknown": 50}
    for (name, system), scheduler in facts.batch.schedulers.items():
        if name == node.name and scheduler["state"] != "up":
            yield Finding(50, "batch", f"{system} does not answer here: {scheduler['reason']}", scheduler["since"])
    for host in facts.hosts.get(node.name, []):
        who = f" ({host['by']})" if host["by"] else ""
        reason = f": {host['reason']}{who}" if host["reason"] else ""
        words = f" ({host['words']})" if host["words"] else ""
        what = f"{host['state']}{words}{reason}"
        if host["slots"] == 0:
            continue  # a submit node, that Grid Engine lists without a queue: no job is to come here
        if facts.batch.is_down(host):
            # The scheduler's own trouble: no reason to avoid the node, and what it said last may be so no more.
            yield Finding(WARN, "batch", f"{host['system']} does not answer; it said last: {what}", host["at"])
        elif host["state"] in weights:
            since = host["marked"] or host["since"]
            yield Finding(weights[host["state"]], "batch", f"{host['system']}: {what}", since)


def _mounts(facts: Facts, node: Node) -> Iterator[Finding]:
    weights = {"hung": 85, "stale": 85, "error": 70, "missing": 55, "slow": 40}
    for mount in facts.of(node, "mounts"):
        if mount["state"] in weights:
            reason = f": {mount['reason']}" if mount["reason"] else ""
            what = f"{mount['mount']} ({mount['source']}) is {mount['state']}{reason}"
            yield Finding(weights[mount["state"]], "mounts", what, mount["since"])


def _disks(facts: Facts, node: Node) -> Iterator[Finding]:
    for disk in facts.of(node, "disks"):
        trouble = facts.column("disks", "free_percent").trouble(disk["free_percent"])
        if trouble:
            what = f"{disk['mount']} has {draw_bytes(disk['free'])} free ({disk['free_percent']:.1f} %)"
            yield Finding(75 if trouble == 2 else 45, "disks", what)
        if disk["inodes"] and disk["inodes_free"] is not None and disk["inodes_free"] < disk["inodes"] * 0.05:
            yield Finding(AVOID, "disks", f"{disk['mount']} has {disk['inodes_free']} of {disk['inodes']} inodes free")
        if disk["read_only"] and disk["mount"] in ("/", "/var", "/home"):
            yield Finding(80, "disks", f"{disk['mount']} is mounted read-only")


def _services(facts: Facts, node: Node) -> Iterator[Finding]:
    for service in facts.of(node, "services"):
        trouble = facts.column("services", "state").trouble(service["state"])
        if trouble:
            name = f"{service['service']} {service['instance']}".strip()
            reason = f": {service['reason']}" if service["reason"] else ""
            weight = 45 if trouble == 1 or service["service"] in _BEARABLE else 70
            yield Finding(weight, "services", f"{name} is {service['state']}{reason}", service["since"])


def _memory(facts: Facts, node: Node) -> Iterator[Finding]:
    for memory in facts.of(node, "memory"):
        trouble = facts.column("memory", "available_percent").trouble(memory["available_percent"])
        if trouble:
            what = f"{draw_bytes(memory['available'])} of memory available ({memory['available_percent']:.1f} %)"
            yield Finding(AVOID if trouble == 2 else 35, "memory", what)
        total, used = memory["swap_total"], memory["swap_used"]
        if total and used is not None and used > total / 2:
            yield Finding(50 if trouble else 35, "swap", f"{draw_bytes(used)} of {draw_bytes(total)} of swap in use")


def _load(facts: Facts, node: Node) -> Iterator[Finding]:
    cpus = next((row["cpus"] for row in facts.of(node, "system")), None)
    for load in facts.of(node, "load"):
        if cpus and load["load1"] is not None and load["load1"] >= 1.5 * cpus:
            weight = 50 if load["load1"] >= 3 * cpus else WARN
            yield Finding(weight, "load", f"load {load['load1']:.2f} on {counted(cpus, 'processor')}")


def _processes(facts: Facts, node: Node) -> Iterator[Finding]:
    stuck = facts.stuck.get(node.name, [])
    for state, word, weight in (("D", "waiting for a device (state D)", 55), ("Z", "zombie", 15)):
        if some := [row for row in stuck if row["state"] == state]:
            who = ", ".join(dict.fromkeys(f"{row['name']} of {row['user']}" for row in some[:5]))
            noun = f"{counted(len(some), 'process')} {word}" if state == "D" else counted(len(some), word)
            yield Finding(weight if len(some) < 10 else max(weight, WARN), "processes", f"{noun}: {who}")
    for seen in facts.of(node, "processes_visibility"):
        if seen["hidden"]:
            what = f"{seen['visible']} of {seen['total']} threads visible (hidepid)"
            yield Finding(10, "processes", what)


def _clock(facts: Facts, node: Node) -> Iterator[Finding]:
    for clock in facts.of(node, "clock"):
        trouble = facts.column("clock", "offset").trouble(clock["offset"])
        # Its own time against ours. It was read before the moment at which we have it for taken, perhaps by as much as
        # the whole session took: only what is further behind is the clock's and not our own waiting.
        apart = (clock["time"] - clock["at"]).total_seconds()
        services = facts.scene.outcomes.get(node.name, {}).get("services")
        waited = (services["seconds"] or 0.0) if services else 0.0
        if apart > _APART or apart < -_APART - waited:
            side = "ahead of" if apart > 0 else "behind"
            yield Finding(AVOID, "clock", f"{draw_seconds(abs(apart))} {side} this machine's", clock["since"])
        elif trouble:
            yield Finding(
                50 if trouble == 2 else WARN, "clock", f"{clock['offset']:.2f} s off by its {clock['source']}"
            )
        elif clock["synchronised"] is False:
            yield Finding(WARN, "clock", f"not synchronised by its {clock['source'] or 'daemon'}", clock["since"])


def _gpus(facts: Facts, node: Node) -> Iterator[Finding]:
    for gpu in facts.of(node, "gpus"):
        if facts.column("gpus", "state").trouble(gpu["state"]):
            yield Finding(AVOID, "gpus", f"{gpu['name'] or 'GPU'} {gpu['uuid']}: {gpu['reason'] or gpu['state']}")


_JUDGES: tuple[Callable[[Facts, Node], Iterator[Finding]], ...] = (
    _mounts, _disks, _services, _memory, _load, _processes, _clock, _gpus,
)  # fmt: skip
