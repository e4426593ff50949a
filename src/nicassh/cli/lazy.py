"""Groups of commands, each in a module of its own that is loaded when the command is called."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any

import click

from nicassh.model.errors import NicamonError


class Suggesting(click.Group):
    """A group that names the nearest of its commands where there is no such one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not (name.startswith("-") or ctx.resilient_parsing) and self.get_command(ctx, name) is None:
            near = [*self._below(ctx, name), *difflib.get_close_matches(name, self.list_commands(ctx), 1)]
            hint = f"Did you mean {near[0]!r}?" if near else f"See: {ctx.command_path} --help"
            raise click.UsageError(f"No such command {name!r}. {hint}", ctx)
        return super().resolve_command(ctx, args)

    def _below(self, ctx: click.Context, name: str) -> Iterator[str]:
        """Yield `show farm` for `farm`: the commands of that name in the groups below."""
        with suppress(NicamonError):  # a broken configuration is not what is wrong here
            for group in self.list_commands(ctx):
                command = self.get_command(ctx, group)
                if isinstance(command, click.Group) and name in command.list_commands(ctx):
                    yield f"{group} {name}"


class Lazy(Suggesting):
    """A group that knows the names of its commands and what they do; each is `command` in the module of its name."""

    def __init__(self, *arguments: Any, package: str, table: Mapping[str, str], **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._package, self._table = package, table

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self._table)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in self._table:
            return None
        command: click.Command = import_module(f"{self._package}.{name.replace('-', '_')}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(self._table.items()))
