"""Slurm: slurm.conf and the files that it includes, or what `scontrol show node` and `show partition` print."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nicassh.inventory.importing.found import Found, Line, joined

_PAIR = re.compile(r'(\w+)\s*=\s*("[^"]*"|\S*)')
_SYSTEM = re.compile(r"(?<!\S)OS=.*?(?=\s\w+=|$)")
"""What scontrol prints of the operating system has a `#`, which begins a comment in slurm.conf."""
_BEGINS = ("nodename", "partitionname", "nodeset", "clustername", "slurmctldhost", "controlmachine", "backupcontroller")
_CONTROLLER = re.compile(r"([^()\s]+)(?:\(([^()]*)\))?")


@dataclass
class _Record:
    """The settings of one node line or block, by their names in lower case."""

    place: str
    kind: str
    settings: dict[str, str] = field(default_factory=dict)


def read(lines: Sequence[Line]) -> Found:
    """Return the compute nodes with their partitions as groups, and the controller, which answers for the cluster."""
    found = Found()
    records = list(_records(lines, found))
    for record in records:
        if record.kind == "nodename":
            _add_nodes(record, found)
    _add_partitions(records, found)
    _add_controllers(records, found)
    return found


def _records(lines: Sequence[Line], found: Found) -> Iterator[_Record]:
    """Yield the records of interest. scontrol writes one over several lines, all but the first of them indented."""
    record = _Record("", "")
    without_system = [line._replace(text=_SYSTEM.sub("", line.text)) for line in lines]
    for place, text in joined(without_system):
        pairs = _PAIR.findall(text)
        if text.strip().lower().startswith("include "):
            found.problem(place, f"{text.strip()}: give that file, too")
        elif text.strip() and not pairs:
            found.problem(place, f"not understood: {text.strip()[:80]}")
        if not pairs:
            continue
        kind = pairs[0][0].lower()
        if kind in _BEGINS or not text[0].isspace():
            yield record
            record = _Record(place, kind)
        for name, value in pairs:
            record.settings.setdefault(name.lower(), value.strip('"'))
    yield record


def _add_nodes(record: _Record, found: Found) -> None:
    given = record.settings
    if given["nodename"].upper() == "DEFAULT":
        return
    if given.get("state", "").upper().startswith("FUTURE"):
        found.problem(record.place, f"{given['nodename']} is left out: its state is FUTURE")
        return
    names = found.names(record.place, given["nodename"])
    written = given.get("nodeaddr") or given.get("nodehostname") or ""
    addresses = found.names(record.place, written) if written else names
    if len(names) != len(addresses):
        what = f"{len(names)} names and {len(addresses)} addresses; the addresses are left out"
        found.problem(record.place, what)
        addresses = names
    partitions = [one for one in given.get("partitions", "").split(",") if one]
    for name, address in zip(names, addresses, strict=True):
        found.add(record.place, name, address=address, role="batch", groups=partitions)


def _add_partitions(records: Sequence[_Record], found: Found) -> None:
    sets = {one.settings["nodeset"]: one.settings.get("nodes", "") for one in records if one.kind == "nodeset"}
    default = ""
    for record in records:
        if record.kind != "partitionname":
            continue
        name, nodes = record.settings["partitionname"], record.settings.get("nodes", default)
        if name.upper() == "DEFAULT":
            default = nodes
        elif nodes != "(null)":
            _add_partition(record.place, name, nodes, sets, found)


def _add_partition(place: str, name: str, nodes: str, sets: Mapping[str, str], found: Found) -> None:
    batch = [host.name for host in found.hosts.values() if host.role == "batch"]
    members = batch if nodes.upper() == "ALL" else found.names(place, nodes)
    for member in members:
        if member in found.hosts:
            found.add(place, member, groups=[name])
        elif sets.get(member):
            _add_partition(place, name, sets[member], {}, found)
        else:
            found.problem(place, f"partition {name}: {member} is not described by a NodeName line")


def _add_controllers(records: Sequence[_Record], found: Found) -> None:
    """Add the controllers. The first has the commands of Slurm, and answers for the cluster."""
    cluster = next((one.settings["clustername"] for one in records if one.kind == "clustername"), "slurm")
    for record in records:
        if record.kind not in ("slurmctldhost", "controlmachine", "backupcontroller"):
            continue
        match = _CONTROLLER.fullmatch(record.settings[record.kind])
        if match is None:
            found.problem(record.place, f"{record.kind}: {record.settings[record.kind]!r} is no host")
            continue
        first = not any(host.batch_cluster for host in found.hosts.values())
        found.add(record.place, match[1], address=match[2] or "", batch_cluster=cluster if first else "")
