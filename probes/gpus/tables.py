"""The tables of nvidia-smi: a head `index, uuid, memory.used [MiB]`, and rows `0, GPU-…, 214 MiB`.

What is no number is one of many words for unknown: `[N/A]`, `[Not Supported]`, `Not Active`, `[Unknown Error]`, …
Above and below a table there may be sentences about a card that is lost or damaged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from nicassh.model.notes import Notes, Unreadable

# KB, MB and GB of old drivers are powers of 1024 too.
_POWERS = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
UNITS = {"": 1, "%": 1, "W": 1, "C": 1, "mW": 0.001, "kW": 1000, "B": 1, "bytes": 1}
_ENDS = ("B", "iB")
UNITS |= {
    f"{one}{end}": power for letter, power in _POWERS.items() for one in (letter, letter.upper()) for end in _ENDS
}
NUMBER = re.compile(r"(-?\d{1,30}(?:\.\d{1,30})?)(?: ?([A-Za-z%]{1,8}))?")
ADDRESS = re.compile(r"(?:[0-9a-fA-F]{4})?([0-9a-fA-F]{4}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-9a-fA-F])(?: ?: ?)?")
INDEX = re.compile(r"\bGPU ?#?(\d{1,3})(?!\d)(?: ?: ?)?", re.IGNORECASE)
SENTENCE = re.compile(r"(?:WARNING|ERROR|Warning|Error|NOTE|Note):|Unable to|Failed to|NVIDIA-SMI |\[?GPU ?\d+\b")
FAULT = re.compile("requires reset|unknown error|is lost|err!", re.IGNORECASE)
LISTED = re.compile(r"gpu_uuid, pid, [^,]{1,60}, process_name")
PROCESS = re.compile(r"[^, ]+, \d+, ")


@dataclass
class Row:
    """The values of one line by the names in the head, and the units of the head."""

    values: dict[str, str]
    units: dict[str, str]
    notes: Notes = field(default_factory=Notes)

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    def text(self, name: str) -> str | None:
        """The value, where it was asked for and is one."""
        value = self.values.get(name, "")
        return None if not value or value in ("N/A", "Not Active", "ERR!") or value.startswith("[") else value

    def number(self, name: str) -> float | None:
        """The value in the unit that stands with it or else in the head; unknown, with a note, in one unheard of."""
        match = NUMBER.fullmatch(self.values.get(name, ""))
        if not match:
            return None
        unit = match[2] or self.units.get(name, "")
        if unit not in UNITS:
            self.notes.add(f"{name}: {unit} is a unit unheard of")
            return None
        return float(match[1]) * UNITS[unit]

    def whole(self, name: str) -> int | None:
        """The same as a whole number."""
        number = self.number(name)
        return None if number is None else round(number)

    @property
    def address(self) -> str | None:
        """Where the card is on the bus, as the kernel writes it: `00000000:0C:00.0` is 0000:0c:00.0."""
        match = ADDRESS.fullmatch(self.values.get("pci.bus_id", ""))
        return match[1].lower() if match else None


@dataclass
class Said:
    """What sentences say of cards: by address, or by index where they name no address."""

    by_address: dict[str, str] = field(default_factory=dict)
    by_index: dict[str, str] = field(default_factory=dict)
    indexes: dict[str, str] = field(default_factory=dict)
    """Index by address, where a sentence names both."""

    def hear(self, line: str) -> bool:
        """Takes what a line says; whether it says something of a card.

        `Unable to determine the device handle for GPU 0000:02:00.0: GPU is lost.  Reboot the system …`
        `Unable to determine the device handle for GPU1: 0000:02:00.0: Unknown Error`
        `WARNING: infoROM is corrupted at gpu 0000:02:00.0`
        """
        place, number = ADDRESS.search(line), INDEX.search(line)
        if place:
            self.by_address[place[1].lower()] = _reason(line, place)
            if number and number.end() <= place.start():
                self.indexes[place[1].lower()] = number[1]
        elif number:
            self.by_index[str(int(number[1]))] = _reason(line, number)
        return bool(place or number)


def _reason(line: str, card: re.Match[str]) -> str:
    """What stands behind the card and a colon; else the whole sentence."""
    return line[card.end() :].strip() or line if ":" in card[0][-2:] else line


def cards(lines: Iterable[str], notes: Notes) -> tuple[list[Row], Said]:
    """The rows of the cards, and what is said of cards in sentences; another sentence is a note.

    Raises Unreadable where no line is the head.
    """
    lines = [line for line in lines if line]
    head = next((line for line in lines if line.startswith("index, ")), None)
    if head is None:
        raise Unreadable("nvidia-smi gave no table of cards")
    found: list[Row] = []
    said = Said()
    for line in lines:
        if line == head:
            continue
        values = line.split(", ")
        if len(values) == head.count(", ") + 1:
            found.append(_row(head, values, notes))
        elif values[0].isdecimal() or not said.hear(line):
            notes.add(f"line `{line[:80]}` of nvidia-smi is no card")
    return found, said


def processes(lines: list[str], notes: Notes) -> list[Row] | None:
    """The rows of the processes; None where the program has no list of them.

    The name, which comes last, may hold anything, also newlines; but no sentence of nvidia-smi, which may stand above
    the list and below it.
    """
    start = next((index for index, line in enumerate(lines) if LISTED.fullmatch(line)), None)
    if start is None:
        return None
    head = lines[start]
    found: list[str] = []
    for line in lines[start + 1 :]:
        if PROCESS.match(line) and line.count(", ") >= head.count(", "):
            found.append(line)
        elif (not line and not found) or ADDRESS.search(line) or SENTENCE.match(line):
            continue
        elif found:
            found[-1] += f"\n{line}"
        elif line.startswith(("[", "N/A")):
            return None  # [Not Supported]
        else:
            notes.add(f"line `{line[:80]}` of nvidia-smi is no process")
    return [_row(head, line.split(", ", head.count(", ")), notes) for line in found]


def _row(head: str, values: list[str], notes: Notes) -> Row:
    names = [name.partition(" [") for name in head.split(", ")]
    units = {name: unit.rstrip("]") for name, _, unit in names}
    return Row(dict(zip(units, values, strict=True)), units, notes)


def fault(row: Row) -> str | None:
    """What the driver says in place of a value, or that the card needs: None of a card that is well."""
    said = [value.strip("[]") for value in row.values.values() if FAULT.search(value)]
    action = row.text("gpu_recovery_action")
    return said[0] if said else None if action in (None, "None") else f"needs: {action}"
