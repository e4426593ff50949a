"""Samples of probes: outputs of systems, and the rows that each must give.

probes/load/samples/el6.out   the bytes that probe.sh printed on that system
probes/load/samples/el6.json  the rows: all fields of each record, times as ISO-8601 in UTC
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from nicassh.model.records import Record, as_dict
from nicassh.probes import loader as probe
from nicassh.probes.loader import Probe


@cache
def probes() -> dict[str, Probe]:
    """The built-in probes by name, loaded once: loading twice makes record types that are strangers."""
    return {one.name: one for one in probe.load_all()}


def everywhere() -> dict[str, Probe]:
    """Those of the built-in probes that run on every node, and not on submit nodes only."""
    return {name: one for name, one in probes().items() if one.where == "nodes"}


def folder(name: str) -> Path:
    """Where the samples of a probe lie."""
    return probes()[name].folder / "samples"


def samples() -> list[tuple[str, str]]:
    """Probe and system of every sample, from either of its two files."""
    return sorted({(name, file.stem) for name in probes() for file in folder(name).iterdir()})


def rows(name: str, output: bytes) -> list[dict[str, Any]]:
    """What a probe reads in an output, as plain values."""
    one = probes()[name]
    tables = {record: table for table, record in one.records.items()}
    found = [record for record in probe.read(one, output) if isinstance(record, Record)]
    return [({"record": tables[type(record)]} if len(tables) > 1 else {}) | _values(record) for record in found]


def of(table: str, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those rows that belong to one table."""
    return [row for row in found if row.get("record", table) == table]


def text(found: list[dict[str, Any]]) -> str:
    """Rows as the text of a `.json` file, one row a line."""
    lines = ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in found)
    return f"[\n  {lines}\n]\n" if found else "[]\n"


def _values(record: Record) -> dict[str, Any]:
    return {
        name: value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value
        for name, value in as_dict(record).items()
    }
