"""`nicamon explain`: everything that is wrong with a node."""

from __future__ import annotations

from functools import partial

import click

from nicassh.cli.output import Output, output_options
from nicassh.cli.session import Session, node_expression


@click.command()
@node_expression("nodes", metavar="NODE")
@output_options
@click.pass_obj
def command(session: Session, nodes: str, output: Output) -> None:
    """List everything that is wrong with a node, or with several, the worst first.

    The login, the state in the batch system, mounts that hang, full disks, services that are down,
    memory and swap, processes that are stuck, the clock, software that differs from the other nodes.
    It does not contact the nodes: it judges the last collected values.

    \b
    nicamon explain nc13
    nicamon explain @batch --filter "severity = critical"
    nicamon show bad                  the nodes to avoid
    """
    output.show(partial(session.query, "explain", nodes=nodes))
