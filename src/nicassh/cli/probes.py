"""`nicamon probes`: what is collected, how often, and what it becomes."""

from __future__ import annotations

from functools import partial

import click

from nicassh.cli.output import Output, output_options
from nicassh.cli.session import Session


@click.command()
@output_options
@click.pass_obj
def command(session: Session, output: Output) -> None:
    """List the probes and what they collect.

    \b
    nicamon probes
    nicamon probes --json

    Probes of your own: a folder named in the setting `probes`; see docs/write-a-probe.md.
    """
    output.show(partial(session.query, "probes"))
