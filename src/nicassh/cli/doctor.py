"""`nicamon doctor`: the set-up from end to end."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import click

from nicassh.cli.naming import node_options
from nicassh.cli.output import Output, output_options, terminal_console
from nicassh.cli.session import Session
from nicassh.query import Table


@click.command()
@node_options()
@output_options
@click.pass_obj
def command(session: Session, nodes: str, output: Output) -> None:
    """Check the set-up from end to end, and say what to do about each trouble.

    It looks at the configuration, the inventory, name lookups, host keys, logins, probes, the database,
    clocks, and whether somebody collects. It logs in to each node, or those of NODES, for a few
    seconds, and changes nothing. A check that needs an earlier one is not made where that one failed.

    \b
    nicamon doctor
    nicamon doctor @batch
    nicamon doctor --filter 'not state = ok'
    nicamon doctor --json | jq '.rows[] | select(.state == "critical")'

    Exit code 1: something is critical.
    """
    serious = False

    def ask(**arrangement: Any) -> Table:
        nonlocal serious
        with _waiting(output):
            table = session.query("doctor", only=nodes, **arrangement)
        serious = table.facts["critical"]
        return table

    output.show(ask)
    sys.exit(int(serious))


def _waiting(output: Output) -> AbstractContextManager[object]:
    """Return what tells a person at a terminal that the nodes are being asked."""
    if output.format == "table" and output.watch is None and sys.stderr.isatty():
        return terminal_console(stderr=True).status("checking the set-up and asking the nodes")
    return nullcontext()
