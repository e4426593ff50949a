"""`nicamon keys`: the nodes' host keys, shown and recorded."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from nicassh import query as views
from nicassh.cli.output import Output, output_options
from nicassh.cli.session import Session, node_expression
from nicassh.inventory import Node
from nicassh.model.errors import UsageError
from nicassh.model.outcome import State
from nicassh.transport.base import Limits
from nicassh.transport.host_keys import known_hosts
from nicassh.transport.libssh2.scan import Found, scan


@click.group()
def command() -> None:
    """Show and record the host keys of nodes.

    A node whose key is not in known_hosts is not asked (setting host_keys = "strict"). Compare the
    fingerprints that `scan` shows with those of the nodes' consoles (ssh-keygen -lf
    /etc/ssh/ssh_host_ed25519_key.pub) before you accept them.
    """


@command.command("scan")
@node_expression("expression", default="", required=False)
@output_options
@click.pass_obj
def show(session: Session, expression: str, output: Output) -> None:
    """Show the host keys of all nodes, or those of EXPRESSION, and what known_hosts says of them.

    \b
    nicamon keys scan
    nicamon keys scan 'nc[2-4]' --json
    """
    found = _scan(session, session.select(expression))
    output.show(lambda: views.hostkeys([_row(item) for item in found]))
    sys.exit(0 if all(item.key for item in found) else 1)


@command.command()
@node_expression("expression")
@click.option("--replace", is_flag=True, help="Also record the new key of a node whose key has changed.")
@click.pass_obj
def accept(session: Session, expression: str, replace: bool) -> None:
    """Record the host keys of the nodes of EXPRESSION in their known_hosts.

    A key that differs from the one on record is refused, and so is a revoked one: find out why before
    you use --replace. Each node keeps its other keys on record.

    \b
    nicamon keys accept 'nc[2-4]'
    nicamon keys accept @batch --replace
    """
    well = True
    for item in _scan(session, session.select(expression)):
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


def _scan(session: Session, nodes: Sequence[Node]) -> list[Found]:
    remote = [node for node in nodes if node.uses_ssh]
    if not remote:
        raise UsageError("these nodes are reached without SSH, and have no host keys")
    limits = Limits(session.config.fanout, session.config.connect_timeout, session.config.timeout)
    order = {node.name: index for index, node in enumerate(remote)}
    return sorted(scan(remote, limits), key=lambda item: (order[item.node.name], item.type))


def _row(item: Found) -> dict[str, str | None]:
    state = {State.OK: "known", State.HOST_KEY_UNKNOWN: "unknown", State.HOST_KEY_CHANGED: "changed"}
    return {
        "node": item.node.name,
        "type": item.type or None,
        "fingerprint": item.fingerprint or None,
        "state": state.get(item.state, item.state.removeprefix("host_key_")),
        "reason": item.reason or None,
    }
