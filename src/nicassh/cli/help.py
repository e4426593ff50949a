"""`nicamon help`: the help of a command."""

from __future__ import annotations

import click


@click.command()
@click.argument("words", metavar="[COMMAND]...", nargs=-1)
@click.pass_context
def command(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Show the help of a COMMAND, as its own --help does.

    \b
    nicamon help
    nicamon help show farm
    """
    found = ctx.find_root()
    for word in words:
        group = found.command
        if not isinstance(group, click.Group):
            raise click.UsageError(f"{found.command_path!r} has no commands below it")
        _, child, _ = group.resolve_command(found, [word])
        assert child is not None  # noqa: S101 what cannot be resolved is an error
        found = child.context_class(child, info_name=word, parent=found)
    click.echo(found.get_help())
