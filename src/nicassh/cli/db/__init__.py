"""`nicamon db`: the database. One module a command, loaded only when that command runs."""

from __future__ import annotations

import click

from nicassh.cli.lazy import Lazy

COMMANDS = {
    "status": "Show whether the tables fit this version of nicamon.",
    "upgrade": "Bring the tables up to date.",
    "check": "Read everything, and check that it is undamaged.",
    "grants": "Print the SQL for an account that collects and one that reads.",
    "backup": "Save the database in one file, while collections go on.",
    "restore": "Restore a backup.",
    "copy": "Move everything to another database.",
    "prune": "Roll up and delete old rows now.",
    "stats": "Show the size of each table, and its oldest row.",
}


@click.group(cls=Lazy, package="nicassh.cli.db", table=COMMANDS)
def command() -> None:
    """Show, check, save and move the database.

    \b
    nicamon db status
    nicamon db stats
    nicamon db prune
    """
