"""`nicamon db check`: whether all rows can be read, and are of nodes that are known."""

from __future__ import annotations

import click

from nicassh.cli.output import Output, output_options
from nicassh.cli.session import Session
from nicassh.model.errors import DatabaseError


@click.command()
@output_options
@click.pass_obj
def command(session: Session, output: Output) -> None:
    """Read the whole database, and check that it is undamaged.

    SQLite checks its file (integrity_check), MariaDB each table (CHECK TABLE); of PostgreSQL every value
    is read. Each state may have one open interval. Nodes with rows that are not in the inventory are
    listed, which is no failure. If something is damaged the exit code is 3.

    \b
    nicamon db check
    nicamon db check --filter "state = damaged" --json
    """
    table = session.query("db-check")
    output.show(lambda **arrangement: session.arrange(table, **arrangement))
    if bad := [row.values["table"] for row in table.rows if row.values["fault"]]:
        raise DatabaseError(f"damaged: {', '.join(bad)}", "restore the last `nicamon db backup` into a new database")
