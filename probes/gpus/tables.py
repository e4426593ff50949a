"""The tables of nvidia-smi: a head `index, uuid, memory.used [MiB]`, and rows `0, GPU-…, 214 MiB`.

What is no number is one of many words for unknown: `[N/A]`, `[Not Supported]`, `Not Active`, `[Unknown Error]`, …
"""

from __future__ import annotations

import re
from dataclasses import dataclass

UNITS = {"": 1, "%": 1, "W": 1, "C": 1, "mW": 0.001, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
NUMBER = re.compile(r"(-?\d+(?:\.\d+)?)(?: (\S+))?")
ADDRESS = r"(?:[0-9a-fA-F]{4})?([0-9a-fA-F]{4}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-9a-fA-F])"
TROUBLE = re.compile(rf".*GPU ?{ADDRESS}(?:: (.*))?", re.IGNORECASE)
FAULT = re.compile("requires reset|unknown error|is lost|err!", re.IGNORECASE)
PROCESS = re.compile(r"[^, ]+, \d+, ")


@dataclass
class Row:
    """The values of one line by the names in the head, and the units of the head."""

    values: dict[str, str]
    units: dict[str, str]

    def __getitem__(self, name: str) -> str:
        return self.values[name]

    def text(self, name: str) -> str | None:
        """The value, where it was asked for and is one."""
        value = self.values.get(name, "")
        return None if not value or value in ("N/A", "Not Active", "ERR!") or value.startswith("[") else value

    def number(self, name: str) -> float | None:
        """The value in the unit that stands with it or else in the head. Raises KeyError for a unit unheard of."""
        match = NUMBER.fullmatch(self.values.get(name, ""))
        return float(match[1]) * UNITS[match[2] or self.units.get(name, "")] if match else None

    def whole(self, name: str) -> int | None:
        """The same as a whole number."""
        number = self.number(name)
        return None if number is None else round(number)

    @property
    def address(self) -> str | None:
        """Where the card is on the bus, as the kernel writes it: `00000000:0C:00.0` is 0000:0c:00.0."""
        match = re.fullmatch(ADDRESS, self.values.get("pci.bus_id", ""))
        return match[1].lower() if match else None


def cards(lines: list[str]) -> tuple[list[Row], dict[str, str]]:
    """The rows of the cards, and by address what is said of a card in a sentence.

    `Unable to determine the device handle for GPU 0000:02:00.0: GPU is lost.  Reboot the system to recover this GPU`
    Raises ValueError for a line that is neither.
    """
    head = next((line for line in lines if line.startswith("index, ")), "")
    found: list[Row] = []
    troubles: dict[str, str] = {}
    for line in filter(None, lines):
        if match := TROUBLE.fullmatch(line):
            troubles[match[1].lower()] = match[2] or line
        elif line != head:
            found.append(_row(head, line.split(", ")))
    return found, troubles


def processes(lines: list[str]) -> list[Row] | None:
    """The rows of the processes; None where the program has no list of them.

    The name, which comes last, may hold anything, also newlines.
    """
    head, *rest = lines or [""]
    if not head.startswith("gpu_uuid, "):
        return None
    found: list[str] = []
    for line in rest:
        if PROCESS.match(line):
            found.append(line)
        elif found:
            found[-1] += f"\n{line}"
        else:
            return None  # [Not Supported]
    return [_row(head, line.split(", ", head.count(", "))) for line in found]


def _row(head: str, values: list[str]) -> Row:
    names = [name.partition(" [") for name in head.split(", ")]
    units = {name: unit.rstrip("]") for name, _, unit in names}
    return Row(dict(zip(units, values, strict=True)), units)


def fault(row: Row) -> str | None:
    """What the driver says in place of a value, or that the card needs: None of a card that is well."""
    said = [value.strip("[]") for value in row.values.values() if FAULT.search(value)]
    action = row.text("gpu_recovery_action")
    return said[0] if said else None if action in (None, "None") else f"needs: {action}"
