"""Importing: hosts that another program knows, as nodes of an inventory.

Each source is one file with `read(lines)`, a pure function of text. It leaves nothing out without a word: what it
cannot read becomes a problem with its place. To add a source, write its file and name it in SOURCES.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nicassh.inventory.importing import genders, hosts, sge, slurm, ssh_config
from nicassh.inventory.importing.found import Found, Host, Line, lines_of
from nicassh.inventory.importing.writing import inventory_text

SOURCES: dict[str, Callable[[Sequence[Line]], Found]] = {
    "slurm": slurm.read,
    "sge": sge.read,
    "hosts": hosts.read,
    "ssh-config": ssh_config.read,
    "genders": genders.read,
}
"""The name of each source, and what reads it."""

__all__ = ["SOURCES", "Found", "Host", "Line", "inventory_text", "lines_of"]
