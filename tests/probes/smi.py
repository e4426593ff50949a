"""Stands in for NVIDIA's nvidia-smi, as its manual and captures show it, because a machine that tests has no card.

    place(folder, driver) makes folder/nvidia-smi; asked(folder) are the arguments of each time that it was run.

What it says is in a file beside it: the fields that the driver knows with their units, the cards, the processes, the
list of -L; or one sentence and a status for everything.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

UNITS = {
    "utilization.gpu": "%", "utilization.memory": "%", "memory.total": "MiB", "memory.used": "MiB",
    "power.draw": "W", "power.limit": "W", "used_gpu_memory": "MiB",
}  # fmt: skip
CARD = {
    "index": "0", "uuid": "GPU-a", "pci.bus_id": "00000000:17:00.0", "name": "NVIDIA A100", "driver_version": "570.1",
    "utilization.gpu": "97 %", "utilization.memory": "41 %", "memory.total": "81920 MiB", "memory.used": "30513 MiB",
    "temperature.gpu": "63", "power.draw": "287.41 W", "power.limit": "300.00 W",
    "ecc.errors.uncorrected.volatile.total": "0", "ecc.errors.uncorrected.aggregate.total": "2",
    "mig.mode.current": "Disabled", "gpu_recovery_action": "None",
}  # fmt: skip
PROCESS = {"gpu_uuid": "GPU-a", "pid": "1", "used_gpu_memory": "268 MiB", "process_name": "./a"}


@dataclass
class Driver:
    """What a driver and its cards are like."""

    cards: list[dict[str, str]] = field(default_factory=lambda: [CARD])
    processes: list[dict[str, str]] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    refusal: str = 'Field "{}" is not a valid field to query.\n'
    says: str = ""
    status: int = 0
    units: dict[str, str] = field(default_factory=lambda: UNITS)


def place(folder: Path, driver: Driver) -> Path:
    """A folder for PATH with the program in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "driver.json").write_text(json.dumps(asdict(driver)))
    program = folder / "nvidia-smi"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS "{__file__}" "{folder}" "$@"\n')
    program.chmod(0o755)
    return folder


def asked(folder: Path) -> list[str]:
    """The questions so far."""
    return (folder / "asked").read_text().splitlines() if (folder / "asked").exists() else []


def main() -> int:
    """Answers one question."""
    folder, *words = sys.argv[1:]
    with Path(folder, "asked").open("a") as log:
        log.write(" ".join(words) + "\n")
    driver = Driver(**json.loads(Path(folder, "driver.json").read_text()))
    if driver.says:
        print(driver.says)
        return driver.status
    if words == ["-L"]:
        print(*driver.parts, sep="\n")
        return 0
    about, _, names = words[0].partition("=")
    fields = names.split(",")
    for name in fields:
        if name in driver.unknown:
            print(driver.refusal.format(name))
            return 2
    print(", ".join(f"{name} [{driver.units[name]}]" if name in driver.units else name for name in fields))
    for row in driver.cards if about == "--query-gpu" else driver.processes:
        print(", ".join(row[name] for name in fields))
    return 0


if __name__ == "__main__":
    sys.exit(main())
