"""`nicamon init`: a commented configuration and inventory, never over an existing file."""

from __future__ import annotations

import getpass
import json
import os
from pathlib import Path
from typing import Any

import click

from nicassh.config.settings import FILE, SETTINGS
from nicassh.model.errors import UsageError

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
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=".")
def command(folder: Path) -> None:
    """Write nicamon.toml and inventory.toml into FOLDER (default: here).

    Every setting is a comment with its default and its explanation. An existing file is never touched.

    \b
    nicamon init
    nicamon init ~/.config/nicamon
    """
    # The configuration may get a password, and nobody thinks of its mode then.
    files = {folder / FILE: (configuration(), 0o600), folder / "inventory.toml": (_inventory(), 0o644)}
    for file in files:
        if file.exists():
            raise UsageError(f"{file} exists already", "move it away, or choose another folder: nicamon init FOLDER")
    try:
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        for file, (text, mode) in files.items():
            with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "w", encoding="utf-8") as stream:
                stream.write(text)
            click.echo(f"wrote {file}")
    except OSError as error:
        raise UsageError(f"{error.filename}: {error.strerror}") from error
    click.echo(
        "next: describe your nodes in the inventory, then\n"
        "  nicamon keys scan       show the nodes' host keys; compare them, then: nicamon keys accept '@*'\n"
        "  nicamon collect         ask the nodes\n"
        "  nicamon show farm"
    )


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
