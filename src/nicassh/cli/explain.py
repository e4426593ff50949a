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
    """Say everything that is wrong with a node, or with several, in order of weight.

    How it was reached, what its batch system says of it, mounts that hang, full disks, services that
    are down, memory and swap, processes that are stuck, its clock, software that is not that of the
    others, when it was last seen. It asks no node: it judges what `nicamon collect` stored last.

    \b
    nicamon explain nc13
    nicamon explain @batch --filter "severity = critical"
    nicamon show bad                  the nodes to avoid
    """
    output.show(partial(session.query, "explain", nodes=nodes))
