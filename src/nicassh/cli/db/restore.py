"""`nicamon db restore`: puts back what was saved."""

from __future__ import annotations

from pathlib import Path

import click

from nicassh.cli.db.transfer import declared, move
from nicassh.cli.session import Session
from nicassh.database.backup import opened


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Remove the rows that are there.")
@click.pass_obj
def command(session: Session, file: Path, force: bool) -> None:
    """Restore FILE, made by `nicamon db backup`, into the configured database.

    The database should be empty, and no daemon may run. Each table is restored completely or not
    at all; then its rows are counted and compared with the file.

    \b
    nicamon db restore /backup/nicamon-2026-11-22.db
    """
    tables = declared(session.store)
    with opened(file.absolute(), tables) as source:
        move(source, session.store.engine, tables, force)
