"""`nicamon explain`: everything that is wrong with a node."""

from __future__ import annotations

import sys
from functools import partial

import click

from nicassh.cli.naming import node_options
from nicassh.cli.output import Output, exit_code_option, output_options
from nicassh.cli.session import Session
from nicassh.model.severity import Severity


@click.command()
@node_options(required=True)
@exit_code_option
@output_options
@click.pass_obj
def command(session: Session, nodes: str, exit_code: bool, output: Output) -> None:
    """List everything that is wrong with a node, or with several, the worst first.

    The login, the state in the batch system, mounts that hang, full disks, services that are down,
    memory and swap, processes that are stuck, the clock, software that differs from the other nodes.
    It does not contact the nodes: it judges the last collected values.

    \b
    nicamon explain nc13
    nicamon explain @batch --filter "severity = critical"
    nicamon show bad                  the nodes to avoid
    """
    table = output.show(partial(session.query, "explain", nodes=nodes))
    found = any(row.values["severity"] != Severity.OK.word for row in table.rows)
    sys.exit(1 if exit_code and found else 0)
