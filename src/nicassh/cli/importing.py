"""`nicamon init --from`: an inventory of what another program knows."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from nicassh.cli.session import warn
from nicassh.inventory import fold
from nicassh.inventory.importing import SOURCES, Found, inventory_text, lines_of
from nicassh.inventory.reading import parse
from nicassh.model.errors import UsageError
from nicassh.model.units import counted

_EXAMPLES = {
    "slurm": "nicamon init --from slurm /etc/slurm/slurm.conf",
    "sge": "qhost -q | nicamon init --from sge -",
    "hosts": "nicamon init --from hosts /etc/hosts",
    "ssh-config": "nicamon init --from ssh-config ~/.ssh/config",
    "genders": "nicamon init --from genders /etc/genders",
}
_MOST_PROBLEMS = 50
"""Problems that are printed; of further ones only the number."""


def imported(source: str, files: Sequence[str], target: Path) -> str:
    """Return the text of an inventory at `target`, made from files of a source; `-` is the standard input.

    What of them could not be read is printed on stderr. Raises UsageError, and InventoryError where the inventory
    reader does not take the text.
    """
    if not files:
        raise UsageError(f"--from {source} needs a file, or - for the standard input", f"try: {_EXAMPLES[source]}")
    lines = [line for file in files for line in lines_of(_label(file), _text(file))]
    found = SOURCES[source](lines)
    _tell(found)
    if not found.hosts:
        raise UsageError(f"no host is in {', '.join(map(_label, files))}", f"try: {_EXAMPLES[source]}")
    origin = shlex.join(["nicamon", "init", "--from", source, *files])
    text = inventory_text(list(found.hosts.values()), _defaults(source, files), origin)
    inventory = parse(text, target)
    assert set(inventory.nodes) == set(found.hosts)  # noqa: S101 what was written is what is read
    groups = inventory.groups()
    click.echo(f"{counted(len(found.hosts), 'node')}: {fold(found.hosts)}")
    if groups:
        click.echo(f"groups: {', '.join(f'@{name} ({len(members)})' for name, members in sorted(groups.items()))}")
    return text


def _label(file: str) -> str:
    return "standard input" if file == "-" else file


def _text(file: str) -> str:
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from error
    return data.decode("utf-8-sig", "replace")


def _defaults(source: str, files: Sequence[str]) -> dict[str, str]:
    """Return the keys for [defaults]: an ssh_config that is not the user's own is named, so that its options hold."""
    if source != "ssh-config":
        return {}
    own = Path("~/.ssh/config").expanduser()
    named = [file for file in files if file != "-" and Path(file).absolute() != own]
    if len(named) > 1 or "-" in files:
        warn("addresses, users and ports come from ~/.ssh/config: set ssh_config under [defaults] for another file")
        return {}
    return {"ssh_config": os.path.abspath(named[0])} if named else {}  # noqa: PTH100 links stay as they are


def _tell(found: Found) -> None:
    for problem in found.problems[:_MOST_PROBLEMS]:
        warn(problem)
    if len(found.problems) > _MOST_PROBLEMS:
        warn(f"{len(found.problems) - _MOST_PROBLEMS} further lines could not be read")
