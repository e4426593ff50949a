"""`nicamon db backup`: saves the database in one file."""

from __future__ import annotations

from pathlib import Path

import click

from nicassh.cli.db.transfer import Progress, declared
from nicassh.cli.session import Session
from nicassh.database.backup import backup
from nicassh.model.units import draw_bytes


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def command(session: Session, file: Path) -> None:
    """Save the database in FILE, which must not exist, while collections and the daemon go on.

    The file is one of SQLite, whatever the database is, and readable for its owner alone. `nicamon db
    restore` restores it into any kind of database, and nicamon can also read it directly. It shows one
    moment, and gets its name once it is complete and verified.

    \b
    nicamon db backup /backup/nicamon-$(date +%F).db
    NICAMON_DATABASE=sqlite:////backup/nicamon-2026-11-22.db nicamon show farm
    """
    with Progress() as progress:
        backup(session.reader.engine, file.absolute(), declared(session.reader), progress)
    click.echo(f"{file}: {draw_bytes(file.stat().st_size)}, verified")
