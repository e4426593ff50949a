"""The program as it is described: its commands and its settings, whoever runs the generator."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import click

from nicassh.cli import command
from nicassh.cli.init import configuration
from nicassh.cli.session import Session
from nicassh.config.settings import SETTINGS, Config

KINDS = {
    "str": "text",
    "int": "whole number",
    "float": "number",
    "Path | None": "path",
    "tuple[Path, ...]": "list of paths",
    "tuple[str, ...]": "list of texts",
}
PLACES = (
    "the file given by `nicamon --config FILE`,",
    "the file that the environment variable `NICAMON_CONFIG` names,",
    "`nicamon.toml` in the current folder,",
    "`nicamon/nicamon.toml` in the user's configuration folder: `$XDG_CONFIG_HOME`, else `~/.config`,",
    "`/etc/nicamon/nicamon.toml`.",
)
"""Where a configuration is looked for, in this order."""


class Plain(Session):
    """A session with the defaults alone: what is written does not depend on who writes it."""

    config = Config()

    def __init__(self) -> None:
        super().__init__(None)


@cache
def table_options() -> tuple[str, ...]:
    """Return the options that every table has: those of a command that has no others."""
    one = command.get_command(top(), "probes")
    return tuple(option.opts[0] for option in one.params) if one else ()


def top(**settings: int) -> click.Context:
    """Return the context of the program itself."""
    return click.Context(command, info_name="nicamon", obj=Plain(), **{**command.context_settings, **settings})


def below(one: click.Command, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    """Yield a command and all commands below it, each with its context."""
    yield one, context
    if isinstance(one, click.Group):
        for name in one.list_commands(context):
            child = one.get_command(context, name)
            if child is not None:
                yield from below(child, click.Context(child, info_name=name, parent=context))


def default_of(name: str) -> str:
    """Return the default of a setting as TOML writes it."""
    start = f"# {name} = "
    return next(line for line in configuration().splitlines() if line.startswith(start)).removeprefix(start)


def kind_of(name: str) -> str:
    """Return what kind of value a setting has."""
    return KINDS[str(SETTINGS[name].type)]
