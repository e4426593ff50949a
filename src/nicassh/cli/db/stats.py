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
    """Show how much each table holds, and from when.

    Every row is counted: on a farm of thousands of nodes it takes some seconds. Bytes are those on the
    disk, indexes included; what was deleted may still be among them, for rows to come.

    \b
    nicamon db stats
    nicamon db stats --sort -bytes --json
    """
    output.show(partial(session.query, "db-stats"))
