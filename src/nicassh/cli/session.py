"""What the commands of one run share, and the options by which they name nodes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from nicassh.app import App
from nicassh.model.text import clean


class Session(App):
    """The application of one run of the command line: it prints warnings on stderr."""

    def __init__(self, file: Path | None, completing: bool = False) -> None:
        super().__init__(file, completing, warn)


def session_of(ctx: click.Context) -> Session:
    """Return the session of a run; a new one while a shell asks for completions, which runs no command."""
    found = ctx.find_object(Session)
    return found or Session((ctx.find_root().params or {}).get("config"), completing=True)


def node_expression(*declaration: str, **settings: Any) -> Callable[[Any], Any]:
    """Return the decorator of an option or argument that takes a node expression, with completion."""
    decorate = click.option if declaration[0].startswith("-") else click.argument
    return decorate(*declaration, shell_complete=_complete_nodes, callback=_given, **settings)


def _given(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    """Refuse an empty expression: with an unset variable, a script would otherwise name all nodes instead of some."""
    source = ctx.get_parameter_source(parameter.name or "")
    if not value.strip() and source is click.core.ParameterSource.COMMANDLINE:
        raise click.BadParameter("it is empty; leave it out, or write @* for all nodes", ctx, parameter)
    return value


def _complete_nodes(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    from nicassh import inventory
    from nicassh.model.errors import NicamonError

    try:
        return inventory.complete(session_of(ctx).inventory, incomplete)
    except NicamonError:
        return []


def complete_probes(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the names of probes, for the completion of the shell."""
    from nicassh.model.errors import NicamonError
    from nicassh.probes import loader

    try:
        session = session_of(ctx)
        names = [*loader.folders([loader.builtin()]), *session.listed]
    except NicamonError:
        return []
    return [name for name in names if name.startswith(incomplete)]


def warn(text: str) -> None:
    """Tell the operator, once a run, of something to repair."""
    if text not in _WARNED:
        _WARNED.add(text)
        click.echo(f"nicamon: warning: {clean(text)}", err=True)


_WARNED: set[str] = set()
