"""`nicamon show diff`: what differs between nodes, or who has which version of a package."""

from __future__ import annotations

import difflib
from functools import partial

import click

from nicassh.cli.naming import node_options
from nicassh.cli.output import Output, output_options
from nicassh.cli.session import Session, session_of
from nicassh.model.errors import InventoryError, NicamonError, UsageError


def _complete(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return names of nodes and of packages, for the completion of the shell."""
    from nicassh import inventory

    session = session_of(ctx)
    try:
        package = next(one for one in session.table("versions").parameters if one.complete)
        assert package.complete is not None  # noqa: S101 it was looked for
        return [*inventory.complete(session.inventory, incomplete), *package.complete(session, incomplete)]
    except NicamonError:
        return []


@click.command()
@click.argument("first", metavar="NODES|PACKAGE", shell_complete=_complete)
@click.argument("second", metavar="[NODE]", required=False, default="", shell_complete=_complete)
@node_options(positional=False)
@output_options
@click.pass_obj
def diff(session: Session, first: str, second: str, nodes: str, output: Output) -> None:
    """Show what differs between nodes, or who has which version of a package.

    With two nodes, or some nodes and one: software and its folders, system, processors, memory, mounts.
    With a package, or os or kernel: which nodes, all or those of -n, have which version, where, and since
    when; with a node behind it, what is not the version of that node is marked.

    \b
    nicamon show diff nc2 nc10
    nicamon show diff @batch nc10
    nicamon show diff ROOT
    nicamon show diff kernel nc10
    """
    if _names_nodes(session, first):
        if not second:
            raise UsageError(f"{first!r} is compared with which node?", f"for example: nicamon show diff {first} nc10")
        output.show(partial(session.query, "diff", nodes=first, beside=second))
        return
    try:
        output.show(partial(session.query, "versions", nodes=nodes, package=first, beside=second))
    except UsageError as error:
        if not error.what.startswith("no node has the package"):
            raise
        raise _unknown(session, first, error.hint) from None


def _names_nodes(session: Session, word: str) -> bool:
    """Say whether a word names nodes. Raises InventoryError for a broken inventory, group or expression."""
    _ = session.inventory  # a broken one is an error of its own
    try:
        return bool(session.select(word))
    except InventoryError:
        if any(sign in word for sign in "@,*?&![]"):
            raise
        return False


def _unknown(session: Session, word: str, hint: str) -> UsageError:
    """Return the error for a word that is neither a node nor a package, with the nearest names."""
    names = {name.lower(): name for name in [*session.inventory.nodes, *session.inventory.short]}
    near = [names[name] for name in difflib.get_close_matches(word.lower(), names, 2)]
    if near and not hint.startswith("did"):
        hint = f"did you mean {' or '.join(repr(name) for name in near)}?"
    return UsageError(f"{word!r} is neither a node nor a package that some node has", hint)
