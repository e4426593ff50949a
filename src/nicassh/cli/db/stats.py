"""`nicamon db stats`: how much each table holds, and from when."""

from __future__ import annotations

from functools import partial

import click

from nicassh.cli.output import Output, output_options
from nicassh.cli.session import Session


@click.command()
@output_options
@click.pass_obj
def command(session: Session, output: Output) -> None:
    """Show the size of each table, and its oldest row.

    Every row is counted, which takes some seconds on a farm of thousands of nodes. Bytes are those on the
    disk with indexes, and with free space for later rows.

    \b
    nicamon db stats
    nicamon db stats --sort -bytes --json
    """
    output.show(partial(session.query, "db-stats"))
