"""`nicamon db`: the database. One module a command, loaded only when that command runs."""

from __future__ import annotations

import click

from nicassh.cli.lazy import Lazy

COMMANDS = {
    "status": "Show whether the tables are as this nicamon wants them.",
    "upgrade": "Bring the tables up to date.",
    "check": "Read everything: whether it is undamaged, and whose rows there are.",
    "grants": "Print the SQL for an account that collects and one that reads.",
    "backup": "Save the database in one file, while others write to it.",
    "restore": "Put back what was saved.",
    "copy": "Move everything to another database.",
    "prune": "Delete what is older than the settings keep, now.",
    "stats": "Show how much each table holds, and from when.",
}


@click.group(cls=Lazy, package="nicassh.cli.db", table=COMMANDS)
def command() -> None:
    """Show what the database holds, and look after it.

    \b
    nicamon db status
    nicamon db stats
    nicamon db prune
    """
