"""`nicamon db status`: whether the tables are as this nicamon wants them."""

from __future__ import annotations

from functools import partial

import click

from nicassh.cli.output import Output, output_options
from nicassh.cli.session import Session


@click.command()
@output_options
@click.pass_obj
def command(session: Session, output: Output) -> None:
    """Show whether the tables fit this version of nicamon and its probes.

    It shows the version of the fixed tables and of TimescaleDB, then each table, column or key that
    differs. In JSON these are under `different`. Nothing is changed.

    \b
    nicamon db status
    nicamon db status --json
    """
    output.show(partial(session.query, "db-status"))
