"""`nicamon demo`: a farm of real nodes on this machine."""

from __future__ import annotations

import getpass
import json
import shlex
from dataclasses import asdict
from pathlib import Path

import click

from nicassh import demo
from nicassh.config.home import state_folder
from nicassh.demo import plan
from nicassh.demo.systems import KNOWN
from nicassh.model.errors import UsageError

SCHEMA = "nicamon.demo/1"


def _usual() -> Path:
    """Return the folder of a farm that nobody has named. Raises UsageError where this user has no home folder."""
    folder = state_folder("nicamon")
    if folder is None:
        raise UsageError("this user has no home folder", "say where the farm is to be: --folder")
    return folder / "demo"


where = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=_usual,
    show_default="nicamon/demo among the user's state files",
    help="Where the farm's keys, configuration and state are.",
)


def tell(line: str) -> None:
    """Say how far the work is, on stderr."""
    click.echo(line, err=True)


def words(_context: click.Context, _option: click.Parameter, text: str | None) -> list[str]:
    """Return the systems that a comma-separated list names, each once; raises BadParameter where one is unknown."""
    named = dict.fromkeys(word.strip() for word in (text or "").split(",") if word.strip())
    if unknown := [word for word in named if word not in KNOWN]:
        raise click.BadParameter(f"{', '.join(unknown)}: known are {', '.join(KNOWN)}")
    return list(named)


@click.group("demo")
def command() -> None:
    """Start a farm of real SSH servers on this machine, to try everything.

    As root, each node has its own address, host name, users, processes and software. As another user,
    each is an SSH server of that user on an address of the loopback.

    \b
        nicamon demo up
        nicamon demo status
        nicamon demo down
    """


@command.command()
@click.option(
    "--nodes",
    type=click.IntRange(1, plan.LIMIT),
    default=plan.USUAL,
    show_default=True,
    help="How many nodes: nc2 and up.",
)
@click.option(
    "--with",
    "systems",
    metavar="SYSTEM,...",
    callback=words,
    help=f"What else runs on it, as root: {', '.join(KNOWN)}.",
)
@where
def up(nodes: int, systems: list[str], folder: Path) -> None:
    """Start the farm; if it runs, restart its dead nodes.

    \b
        nicamon demo up
        nicamon demo up --nodes 100
        nicamon demo up --nodes 4 --folder /tmp/small
        nicamon demo up --with sge,slurm,xrootd
    """
    farm = demo.up(folder, nodes, tell, systems)
    person = "strmaxim" if farm.kind == "rooted" else getpass.getuser()
    default = folder.absolute() == (state_folder("nicamon") or Path()) / "demo"
    click.echo("\nNow try:\n")
    for line in (
        f"export NICAMON_CONFIG={shlex.quote(str(farm.config))}",
        "nicamon collect",
        "nicamon show farm",
        f"nicamon procs --user {person}",
        "nicamon demo down" + ("" if default else f" --folder {shlex.quote(str(farm.folder))}"),
    ):
        click.echo(f"    {line}")


@command.command()
@where
def down(folder: Path) -> None:
    """Remove the farm: its processes, its network and its folder.

    Also removes the rest of an interrupted `up`; without a farm it does nothing.

    \b
        nicamon demo down
        nicamon demo down --folder /tmp/small
    """
    demo.down(folder, tell)


@command.command("folder")
@where
def show_folder(folder: Path) -> None:
    """Print the farm's folder, for scripts.

    \b
        export NICAMON_CONFIG=$(nicamon demo folder)/nicamon.toml
    """
    click.echo(folder.absolute())


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
@where
def status(folder: Path, as_json: bool) -> None:
    """Show the farm's nodes, and whether each is alive.

    \b
        nicamon demo status
        nicamon demo status --json
    """
    rows = demo.status(folder)
    if as_json:
        click.echo(json.dumps({"schema": SCHEMA, "rows": [asdict(row) for row in rows]}))
        return
    if not rows:
        click.echo("no farm is up")
        return
    width = max(len(row.node) for row in rows)
    for row in rows:
        place = f"{row.address}:{row.port}"
        click.echo(f"{row.node:{width}}  {place:21}  {row.role:11}  {'alive' if row.alive else 'dead'}")
    click.echo(f"{sum(row.alive for row in rows)} of {len(rows)} alive")
