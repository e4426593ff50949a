"""`nicamon init`: a commented configuration and inventory, or an inventory of what another program knows."""

from __future__ import annotations

import getpass
import json
import os
from pathlib import Path
from typing import Any

import click

from nicassh.config.settings import FILE, SETTINGS
from nicassh.inventory.importing import SOURCES
from nicassh.model.errors import UsageError

_FILE = "inventory.toml"
_INVENTORY = """\
# The nodes of your farm. `names` is a node set as ClusterShell writes it: nc[2-9], rack[1-4]-n[01-24].
# Ways to pick some of them: nicamon nodes --help

[defaults]
user = "{user}"                        # account to log in as
# port = 22
# identity = "~/.ssh/id_ed25519"          # one file or a list; else ssh_config, the default files, the agent
# known_hosts = "~/.ssh/known_hosts"      # one file or a list
# ssh_config = "~/.ssh/config"            # "none": do not read it

[[nodes]]
names = "nc[2-9].example.org"
role = "interactive"                      # interactive, batch, storage, …
groups = ["login"]                        # then @login picks them, and so does @interactive

# [[nodes]]
# names = "nc1.example.org"
# batch_cluster = "nica"                  # has the commands of the batch cluster of that name, and is asked for it

[[nodes]]
names = "nc[10-15].example.org"
# address = "10.0.0.[10-15]"              # where the names do not resolve: a node set of the same length
role = "batch"

# [[nodes]]
# names = "{host}"
# transport = "local"                     # this very machine, without SSH
"""


@click.command()
@click.argument("places", nargs=-1, metavar="[FOLDER | FILE...]", type=click.Path())
@click.option("--from", "source", type=click.Choice(list(SOURCES)),
              help="Make the inventory from FILEs of this kind; - is the standard input.")  # fmt: skip
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
              help="With --from: write into this folder. Default: here.")  # fmt: skip
@click.option("--force", is_flag=True, help="With --from: replace an inventory.toml that exists.")
def command(places: tuple[str, ...], source: str | None, into: Path | None, force: bool) -> None:
    """Write nicamon.toml and inventory.toml into FOLDER (default: here).

    Every setting is a comment with its default and its explanation. An existing file is never touched.

    With --from the inventory is made from what is there: slurm.conf with the files that it includes, or what
    `scontrol show node` prints; what `qconf -sel`, `qhost -q` or `qconf -shgrp` print; /etc/hosts; the Host lines of
    an ssh_config; a genders file. Partitions, queues, host groups and attributes become groups. What could
    not be read is said on stderr. A nicamon.toml that exists stays.

    \b
    nicamon init
    nicamon init ~/.config/nicamon
    nicamon init --from slurm /etc/slurm/slurm.conf --into ~/.config/nicamon
    scontrol show node | nicamon init --from slurm -
    qhost -q | nicamon init --from sge -
    nicamon init --from hosts /etc/hosts --force
    """
    if source is None:
        if into or force:
            raise click.UsageError("--into and --force belong to --from; a FOLDER is named without an option")
        if len(places) > 1:
            raise click.UsageError("name one FOLDER, or say with --from of which kind these files are")
        folder = Path(places[0]) if places else Path()
        _write(folder, _inventory())
    else:
        from nicassh.cli.importing import imported

        folder = into or Path()
        if not force:
            _refuse(folder / _FILE)
        _write(folder, imported(source, places, folder / _FILE), keep=True, force=force)
    click.echo(
        ("next: describe your nodes in the inventory, then\n" if source is None else "next:\n")
        + "  nicamon keys scan       show the nodes' host keys; compare them, then: nicamon keys accept '@*'\n"
        "  nicamon collect         ask the nodes\n"
        "  nicamon show farm"
    )


def _write(folder: Path, inventory: str, keep: bool = False, force: bool = False) -> None:
    """Write both files. A configuration that exists may be kept, and an inventory replaced. Raises UsageError."""
    # The configuration may get a password, and nobody thinks of its mode then.
    files = {folder / FILE: (configuration(), 0o600), folder / _FILE: (inventory, 0o644)}
    if keep and (folder / FILE).exists():
        del files[folder / FILE]
    if not force:
        _refuse(*files)
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        for file, (text, mode) in files.items():
            fresh = file.with_name(f"{file.name}.new") if file.exists() else file
            with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "w", encoding="utf-8") as stream:
                stream.write(text)
            fresh.replace(file)
            click.echo(f"wrote {file}")
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}") from error


def _refuse(*files: Path) -> None:
    """Raise UsageError where one of the files exists."""
    for file in files:
        if file.exists():
            hint = "move it away, or choose another folder: nicamon init FOLDER; with --from: --into FOLDER, or --force"
            raise UsageError(f"{file} exists already", hint)


def configuration() -> str:
    """Return the text of a nicamon.toml in which every setting is a comment with its default."""
    parts = ["# The configuration of nicamon. Each setting may also come from the environment: NICAMON_FANOUT=64 …\n"]
    for name, field in SETTINGS.items():
        parts.append(f"# {field.metadata['help']}\n# {name} = {_toml(field.default)}\n")
    return "\n".join(parts)


def _toml(value: Any) -> str:
    return json.dumps("" if value is None else list(value) if isinstance(value, tuple) else value)


def _inventory() -> str:
    import socket

    return _INVENTORY.format(user=_account(), host=socket.gethostname())


def _account() -> str:
    """Return the name of this user; `nicamon` for one who has no name on this machine."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "nicamon"
