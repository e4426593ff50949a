"""`nicamon db upgrade`: brings the tables up to date."""

from __future__ import annotations

import click

from nicassh.cli.session import Session
from nicassh.database import schema
from nicassh.model.units import counted


@click.command()
@click.pass_obj
def command(session: Session) -> None:
    """Bring the tables up to date: make missing tables, add new columns of probes, migrate.

    `collect` and `daemon` add tables and columns by themselves. For all other changes stop the daemon,
    save the database, and run this command. A column with another type or key, or without a probe, is
    not touched; the SQL that changes it is printed for review, and the exit code is 3. If TimescaleDB is
    new in the database, series with rows are moved into it.

    \b
    nicamon db backup before.db
    nicamon db upgrade
    """
    added = [*session.store.create(allow_changes=True), *session.task_list.create()]
    tables, columns = sum(not one.column for one in added), sum(bool(one.column) for one in added)
    click.echo(f"schema {schema.CURRENT}: {counted(tables, 'table')} made, {counted(columns, 'column')} added")
