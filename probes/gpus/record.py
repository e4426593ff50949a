"""NVIDIA cards of a node: load, memory, temperature, health, and the processes on them.

It asks nvidia-smi; a driver that fails, or a program that hangs, is a failure, and a node without a card is not. The
program is told nothing that changes a card. Cards of AMD are not asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from nicassh.model.notes import Note, Notes
from nicassh.model.outcome import Unknown
from nicassh.model.records import Keep, Record, column
from nicassh.model.units import Bytes, Celsius, Count, Percent, Text, Watts

from .sources import Section, parts, sections
from .tables import Row, Said, cards, fault, processes

every = 60
priority = "medium"
timeout = 40
requires = ("nvidia-smi",)
keep = "series"

ANSWERED = ("0", "14", "15")
"""How nvidia-smi ends when it has answered: well, with a damaged infoROM, with a card that is lost."""


@dataclass(frozen=True)
class Gpu(Record):
    uuid: Text = column("The card's own number; where the driver cannot tell it, its address.", key=True, shown=False)
    index: Count | None = column("The number by which the driver counts it; it may change with a reboot.")
    name: Text | None = column("Model.")
    state: Text = column("ok, or fault.", levels={"ok": 0, "fault": 2})
    reason: Text | None = column("What the driver says of a fault.")
    utilisation: Percent | None = column("Time in percent in which something ran on it; unknown of a card in MIG mode.")
    memory_utilisation: Percent | None = column("Time in percent in which its memory was read or written.", shown=False)
    memory: Bytes | None = column("Memory.")
    memory_used: Bytes | None = column("Memory in use.")
    temperature: Celsius | None = column("Temperature.", high=(85, 95))
    power: Watts | None = column("Power that it draws.")
    power_limit: Watts | None = column("Power that it may draw.", shown=False)
    ecc_volatile: Count | None = column(
        "Memory errors since the driver was loaded that could not be corrected.", high=(1, 10)
    )
    ecc_aggregate: Count | None = column("Memory errors in its life that could not be corrected.", shown=False)
    mig: Text | None = column("Whether it is split into parts: Enabled or Disabled.", shown=False)
    address: Text | None = column("Its address on the bus.", shown=False)
    driver: Text | None = column("Version of the driver.", shown=False)


@dataclass(frozen=True)
class Mig(Record):
    keep: ClassVar[Keep | None] = Keep.INTERVALS
    uuid: Text = column("The part's own number, by which programs ask for it.", key=True)
    gpu: Text = column("The number of the card that it is a part of.")
    index: Count = column("Its number on that card.")
    profile: Text = column("Its share: 1g.10gb is one slice with 10 GB.")


@dataclass(frozen=True)
class Process(Record):
    keep: ClassVar[Keep | None] = Keep.LATEST
    gpu: Text = column("The number of the card, or of the part of it.", key=True, shown=False)
    pid: Count = column("Process id.", key=True)
    user: Text | None = column("Owner: the name of the effective user id, or the number where it has no name.")
    name: Text = column("The program.")
    memory_used: Bytes | None = column("Memory of the card that it holds.")


def parse(output: str) -> Iterable[Record | Unknown | Note]:
    """A Gpu for each card, a Mig for each part, a Process for each process; Unknown what the program did not say."""
    found, notes = sections(output), Notes()
    listed, said = cards(found.cards.lines, notes)
    gpus: list[Gpu] = []
    for row in listed:
        with notes.reading("card", row.text("uuid") or row["index"]):
            gpus.append(_gpu(row, said.by_address.get(row.address or "") or said.by_index.get(row["index"])))
    yield from gpus
    yield from _lost(said, gpus, notes)
    if any(gpu.mig == "Enabled" for gpu in gpus):
        yield from _parts(found.parts)
    running = processes(found.processes.lines, notes) if found.processes.status in ANSWERED else None
    if running is None:
        yield Unknown(Process)
    for row in running or ():
        with notes.reading("process", row["pid"]):
            yield _process(found.owners, row)
    yield from notes


def _lost(said: Said, gpus: Sequence[Gpu], notes: Notes) -> Iterator[Gpu]:
    """The cards that only a sentence tells of: they are lost."""
    there = {(gpu.address, None if gpu.index is None else str(gpu.index)) for gpu in gpus}
    addresses, indexes = {address for address, _ in there}, {index for _, index in there}
    for address, trouble in said.by_address.items():
        if address not in addresses:
            row = Row({"pci.bus_id": address, "index": said.indexes.get(address, "")}, {}, notes)
            yield _gpu(row, trouble)
    for index, trouble in said.by_index.items():
        if index not in indexes:
            yield _gpu(Row({"index": index}, {}, notes), trouble)


def _gpu(row: Row, trouble: str | None) -> Gpu:
    reason = trouble or fault(row)
    return Gpu(
        uuid=row.text("uuid") or row.address or f"index {row['index']}",
        index=row.whole("index"),
        name=row.text("name"),
        state="fault" if reason else "ok",
        reason=reason,
        utilisation=row.number("utilization.gpu"),
        memory_utilisation=row.number("utilization.memory"),
        memory=row.whole("memory.total"),
        memory_used=row.whole("memory.used"),
        temperature=row.number("temperature.gpu"),
        power=row.number("power.draw"),
        power_limit=row.number("power.limit"),
        ecc_volatile=row.whole("ecc.errors.uncorrected.volatile.total"),
        ecc_aggregate=row.whole("ecc.errors.uncorrected.aggregate.total"),
        mig=row.text("mig.mode.current"),
        address=row.address,
        driver=row.text("driver_version"),
    )


def _parts(section: Section) -> Iterator[Mig | Unknown]:
    if section.status not in ANSWERED:
        yield Unknown(Mig)
        return
    for gpu, index, profile, uuid in parts(section):
        yield Mig(uuid, gpu, index, profile)


def _process(owners: Mapping[int, str], row: Row) -> Process:
    pid = int(row["pid"])
    memory = list(row.values)[2]  # used_gpu_memory, which has a second name
    return Process(row["gpu_uuid"], pid, owners.get(pid), row["process_name"], row.whole(memory))
