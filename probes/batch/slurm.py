"""Slurm: the rows in what scontrol and squeue print, from 2.3 on.

Nodes are asked for in JSON, which scontrol has since 23.02, because their reasons and comments may hold anything; text
is the common ground before, and where JSON cannot be had. Jobs are asked for in text: in JSON one takes 3 KiB in 22.05
and 20 KiB in 24.05, and up to 22.05 squeue ends with 0 where no controller answers. A mark that no user knows ends each
job in text, so that names with `|` and newlines survive there too. JSON is what is left where the text fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet, NodeSetException

from nicassh.inventory import too_large
from nicassh.model.notes import Notes, Unreadable
from nicassh.model.records import Record

from . import slurm_json, slurm_text
from .rows import Host, Job, Queue, Scheduler
from .slurm_text import Partition
from .sources import Source, find_source

_PING = re.compile(r"Slurmctld\(([^\s()]++)\) at (\S++) (?:is|are) (\S++)")


class _Down(Exception):
    """Slurm's commands could not reach it; says why."""


def read(sources: Sequence[Source], notes: Notes) -> Iterator[Record]:
    """The Scheduler, and its hosts, queues and jobs where it is up. A cluster is read completely or not at all."""
    version = find_source(sources, "scontrol --version")
    named = version.text.strip() or None if version and version.well else None
    try:
        hosts, partitions, jobs = _nodes(sources, notes), _partitions(sources, notes), _jobs(sources, notes)
    except _Down as down:
        yield Scheduler("slurm", "down", str(down), named)
        return
    yield Scheduler("slurm", "up", _down(sources), named)
    farm = _placed(hosts, partitions, notes)
    yield from farm
    yield from _queues(farm, partitions)
    yield from jobs


def _answer(sources: Sequence[Source], program: str, words: str) -> str:
    """What a command printed. Raises _Down where it, or one before it, could not reach the controller."""
    source = find_source(sources, words)
    if source and source.well:
        return source.text
    if source:
        raise _Down(_named(source, program))
    if hung := next((source for source in sources if source.status is None), None):
        raise _Down(hung.trouble)
    asked = find_source(sources, "scontrol ping")
    if not asked:
        raise Unreadable(f"{words} was not asked, though nothing before it has failed")
    if down := _down(sources):
        raise _Down(" ".join([down, *asked.errors[-2:]]))  # such as a name that cannot be resolved, in ten lines
    raise _Down(asked.trouble)


def _named(source: Source, program: str) -> str:
    """The trouble of a program that a shell had to run."""
    trouble = source.trouble
    return f"{program} {trouble[len('sh ') :]}" if trouble.startswith("sh ") else trouble


def _down(sources: Sequence[Source]) -> str | None:
    """The controllers that do not answer, of `Slurmctld(backup) at nc3 is DOWN`.

    Until 18.03 it is `Slurmctld(primary/backup) at nc2/(NULL) are UP/DOWN`.
    """
    asked = find_source(sources, "scontrol ping")
    told = [match.groups() for match in _PING.finditer(asked.text)] if asked else []
    each = [one for words in told for one in zip(*(word.split("/") for word in words), strict=False)]
    down = [f"Slurmctld({role}) at {host} is {state}" for role, host, state in each if state == "DOWN"]
    return ". ".join(text for text in down if "(NULL)" not in text) or None


def _nodes(sources: Sequence[Source], notes: Notes) -> list[Host]:
    text = _answer(sources, "scontrol", "show node")
    return slurm_json.nodes(_document(text, "nodes"), notes) if _is_json(text) else slurm_text.nodes(text, notes)


def _partitions(sources: Sequence[Source], notes: Notes) -> list[Partition]:
    return slurm_text.partitions(_answer(sources, "scontrol", "show partition"), notes)


def _jobs(sources: Sequence[Source], notes: Notes) -> list[Job]:
    """The jobs. The mark that ends each of them is printed before and after all."""
    end, _, text = _answer(sources, "squeue", "squeue").partition("\n")
    listed, _, last = text.rpartition("\n")
    if end and last == end:
        return slurm_text.jobs(listed, end, notes)
    if not _is_json(text):
        raise Unreadable(f"jobs without their end: {last[:80]!r}")
    return slurm_json.jobs(_document(text, "jobs"), notes)


def _is_json(text: str) -> bool:
    return text.lstrip().startswith("{")


def _document(text: str, rows: str) -> dict[str, Any]:
    found = slurm_json.document(text, rows)
    if refusal := slurm_json.refusal(found):
        raise _Down(refusal)
    return found


def _placed(hosts: list[Host], partitions: list[Partition], notes: Notes) -> list[Host]:
    """The hosts with their partitions: before 16.05 only the partitions say which nodes they have."""
    if any(host.queues for host in hosts):
        return hosts
    queues: dict[str, list[str]] = {}
    for partition in partitions:
        if too_large(partition.nodes):
            continue
        with notes.reading(f"Nodes of partition {partition.name}", partition.nodes):
            for name in _expanded(partition.nodes):
                queues.setdefault(name, []).append(partition.name)
    return [replace(host, queues=",".join(queues.get(host.host, ()))) for host in hosts]


def _expanded(nodes: str) -> NodeSet:
    try:
        return NodeSet(nodes, resolver=RESOLVER_NOGROUP)
    except (NodeSetException, AssertionError) as error:
        raise Unreadable("no list of nodes") from error


def _queues(hosts: list[Host], partitions: list[Partition]) -> Iterator[Queue]:
    """The partitions. A node that is in several counts in each, with all jobs on it, whichever they came through."""
    members: dict[str, list[Host]] = {}
    for host in hosts:
        for name in host.queues.split(","):
            members.setdefault(name, []).append(host)
    for partition in partitions:
        own = members.get(partition.name, [])
        yield Queue(
            system="slurm",
            queue=partition.name,
            state=partition.state,
            slots=sum(host.slots or 0 for host in own),
            used=sum(host.used or 0 for host in own),
            free=sum(_free(host) for host in own) if partition.state == "up" else 0,
            broken=sum(host.slots or 0 for host in own if host.state in ("down", "drained")),
            load=_load(own),
            limit=partition.limit,
        )


def _free(host: Host) -> int:
    return max(0, (host.slots or 0) - (host.used or 0)) if host.state in ("free", "busy") else 0


def _load(hosts: Sequence[Host]) -> float | None:
    known = [(host.load, host.cpus) for host in hosts if host.load is not None and host.cpus]
    return round(sum(load for load, _ in known) / sum(cpus for _, cpus in known), 2) if known else None
