"""`nicamon db upgrade`: brings the tables up to date."""

from __future__ import annotations

import click

from nicassh.cli.session import Session
from nicassh.database import schema
from nicassh.model.units import counted


@click.command()
@click.pass_obj
def command(session: Session) -> None:
    """Bring the tables up to date: make an empty database's, add columns that probes have gained, migrate.

    `collect` and `daemon` do so by themselves as long as it only adds. What does more waits for this
    command: end the daemon before, and save the database. A column whose type or key has changed, or
    that no probe has any more, is left alone; the SQL that mends it is printed for review, and the exit
    code is 3. Where TimescaleDB is new in the database it takes over series that have rows.

    \b
    nicamon db backup before.db
    nicamon db upgrade
    """
    added = [*session.store.create(allow_changes=True), *session.task_list.create()]
    tables, columns = sum(not one.column for one in added), sum(bool(one.column) for one in added)
    click.echo(f"schema {schema.CURRENT}: {counted(tables, 'table')} made, {counted(columns, 'column')} added")
