"""`nicamon nodes`: the inventory, and what a node expression picks of it."""

from __future__ import annotations

from functools import partial

import click

from nicassh.cli.naming import node_options
from nicassh.cli.output import Output, output_options
from nicassh.cli.session import Session


@click.command()
@node_options()
@click.option("--fold", "folded", is_flag=True, help="Print one folded node set instead of a table.")
@output_options
@click.pass_obj
def command(session: Session, nodes: str, folded: bool, output: Output) -> None:
    """List the nodes of the inventory, or those of NODES.

    \b
    nicamon nodes                      all
    nicamon nodes 'nc[2-4]'            by name; the first label is enough where it is unique
    nicamon nodes @batch               a group or role; @role:batch only the role
    nicamon nodes '@batch!nc13'        without one; & intersects, ^ is either but not both
    nicamon nodes '@slurm:nica'        a group source of ClusterShell (groups.conf)
    nicamon nodes @batch --fold        as a node set for other tools
    """
    if folded:
        from nicassh.inventory import fold

        click.echo(fold(node.name for node in session.select(nodes)))
        return
    output.show(partial(session.query, "nodes", nodes=nodes))
