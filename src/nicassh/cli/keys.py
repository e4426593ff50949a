"""`nicamon keys`: the nodes' host keys, shown and recorded."""

from __future__ import annotations

import sys

import click

from nicassh.cli.naming import node_options
from nicassh.cli.output import Output, output_options
from nicassh.cli.session import Session
from nicassh.model.outcome import State
from nicassh.query.tables.keys import scan_nodes
from nicassh.transport.host_keys import known_hosts


@click.group()
def command() -> None:
    """Show and record the host keys of nodes.

    A node whose key is not in known_hosts is not contacted (setting host_keys = "strict"). Before you
    accept keys, compare the fingerprints of `scan` with those on the nodes' consoles (ssh-keygen -lf
    /etc/ssh/ssh_host_ed25519_key.pub).
    """


@command.command("scan")
@node_options()
@output_options
@click.pass_obj
def show(session: Session, nodes: str, output: Output) -> None:
    """Show the host keys of all nodes, or those of NODES, and whether known_hosts has them.

    \b
    nicamon keys scan
    nicamon keys scan 'nc[2-4]' --json
    """
    table = session.query("keys", nodes=nodes)
    output.show(lambda **arrangement: session.arrange(table, **arrangement))
    sys.exit(0 if all(row.values["fingerprint"] for row in table.rows) else 1)


@command.command()
@node_options(required=True)
@click.option("--replace", is_flag=True, help="Also record the new key of a node whose key has changed.")
@click.pass_obj
def accept(session: Session, nodes: str, replace: bool) -> None:
    """Record the host keys of the nodes of NODES in their known_hosts.

    A key that differs from the recorded one is refused, and so is a revoked one: find out why before
    you use --replace. Other recorded keys of a node stay.

    \b
    nicamon keys accept 'nc[2-4]'
    nicamon keys accept @batch --replace
    """
    well = True
    for item in scan_nodes(session.config, session.select(nodes)):
        hosts, state = known_hosts(item.node.known_hosts), item.state
        if item.key and state is not State.OK:
            state = hosts.accept(item.node, item.key, replace)  # judged anew: others may have recorded one meanwhile
            if state is State.OK:
                click.echo(f"{item.node.name}: recorded {item.type} {item.fingerprint} in {hosts.files[0]}")
        if state is not State.OK:
            well = False
            key = f" {item.type} {item.fingerprint}" if item.key else ""
            click.echo(f"{item.node.name}: {state.replace('_', ' ')}{key} {item.reason}".rstrip(), err=True)
    sys.exit(0 if well else 1)
