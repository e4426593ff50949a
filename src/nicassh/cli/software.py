"""`nicamon show software` and `nicamon show diff`: what is installed where, and what differs."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from nicassh import query as views
from nicassh.cli.output import Output, output_options
from nicassh.cli.session import Session, node_expression, session_of

if TYPE_CHECKING:
    from nicassh.inventory import Node


@click.command()
@node_expression("-n", "--node", "expression", default="", metavar="EXPR", help="Compare only these nodes.")
@click.option("--all", "everything", is_flag=True, help="Compare and show the distribution's packages as well.")
@click.option("--list", "listed", is_flag=True, help="List each package with its folder instead.")
@output_options
@click.pass_obj
def software(session: Session, expression: str, everything: bool, listed: bool, output: Output) -> None:
    """Show the software of all nodes side by side: FairSoft, ROOT and the like, system, kernel, drivers.

    Nodes that are alike are one row. The largest such set is what the others are compared with. *: the
    version that a login gets; none: not installed. A package of the distribution is a column on request.

    \b
    nicamon show software -n @batch --columns +gcc,+xrootd-server
    nicamon show software --filter "reference = no" --columns node,differs,since
    nicamon show software --json | jq '.rows[] | {node, root: .packages.root}'
    """

    def build() -> views.View:
        scene = session.scene(nodes)
        if listed:
            return replace(views.listing(scene, "software"), name="packages")
        return views.software(scene, everything)

    nodes = session.select(expression)
    output.show(build)


def _complete(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of nodes and of packages, for the shell's completion."""
    from nicassh import inventory as nodes
    from nicassh.model.errors import NicamonError

    session = session_of(ctx)
    try:
        known = [*nodes.complete(session.inventory, incomplete), *views.packages(session.scene(session.select()))]
    except NicamonError:
        return []
    return [name for name in known if name.startswith(incomplete)]


@click.command()
@click.argument("first", metavar="NODES|PACKAGE", shell_complete=_complete)
@click.argument("second", metavar="[NODE]", required=False, default="", shell_complete=_complete)
@node_expression("-n", "--node", "expression", default="", metavar="EXPR", help="Of a package, only these nodes.")
@output_options
@click.pass_obj
def diff(session: Session, first: str, second: str, expression: str, output: Output) -> None:
    """Show what differs between nodes, or who has which version of a package.

    With two nodes, or some nodes and one: software and its folders, system, processors, memory, mounts.
    With a package, or os or kernel: which nodes have which version, where, and since when; with a node
    behind it, what is not the version of that node is marked.

    \b
    nicamon show diff nc2 nc10
    nicamon show diff @batch nc10
    nicamon show diff ROOT
    nicamon show diff kernel nc10
    """
    from nicassh.model.errors import UsageError

    beside = _one(session, second) if second else None
    some = _nodes(session, first)
    if some is None:
        package = _package(session, first)
        chosen = session.select(expression)
        if beside is not None and beside not in chosen:
            chosen = [*chosen, beside]
        output.show(lambda: views.spread(session.scene(chosen), package, beside.name if beside else ""))
        return
    if beside is None:
        raise UsageError(f"{first!r} is compared with which node?", f"for example: nicamon show diff {first} nc10")
    several = [*(one for one in some if one != beside), beside]
    if len(several) == 1:
        raise UsageError(f"{first!r} and {second!r} are the same node")
    output.show(lambda: views.diff(session.scene(several), beside.name))


def _one(session: Session, word: str) -> Node:
    """The only node that a word names. Raises UsageError."""
    from nicassh.model.errors import UsageError

    chosen = session.select(word)
    if len(chosen) != 1:
        raise UsageError(f"{word!r} names {len(chosen)} nodes", "the second is one node; write the several first")
    return chosen[0]


def _nodes(session: Session, word: str) -> Sequence[Node] | None:
    """The nodes that a word names; None where it names none."""
    from nicassh.model.errors import InventoryError

    _ = session.inventory  # a broken one is an error of its own
    try:
        return session.select(word)
    except InventoryError:
        if any(sign in word for sign in "@,*?&![]"):
            raise
        return None


def _package(session: Session, word: str) -> str:
    """The package that a word names, whatever its case. Raises UsageError with the nearest names."""
    from nicassh.model.errors import UsageError

    scene = session.scene(session.select())
    if name := views.meant(scene, word):
        return name
    known = [*views.packages(scene), *session.inventory.nodes, *session.inventory.short]
    names = {name.lower(): name for name in known}
    near = [names[name] for name in difflib.get_close_matches(word.lower(), names, 2)]
    hint = f"did you mean {' or '.join(repr(name) for name in near)}?" if near else "see: nicamon show software --all"
    raise UsageError(f"{word!r} is neither a node nor a package that some node has", hint)
