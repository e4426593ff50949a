"""`nicamon completion`: the script that makes a shell complete commands, nodes and probes."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_WHERE = {
    "bash": "~/.local/share/bash-completion/completions/nicamon",
    "zsh": "a file _nicamon in a folder of $fpath",
    "fish": "~/.config/fish/completions/nicamon.fish",
}


@click.command()
@click.argument("shell", type=click.Choice(list(_WHERE)))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script for a SHELL.

    \b
    nicamon completion bash > ~/.local/share/bash-completion/completions/nicamon
    nicamon completion zsh  > ~/.zfunc/_nicamon
    nicamon completion fish > ~/.config/fish/completions/nicamon.fish
    """
    script = get_completion_class(shell)
    assert script is not None  # noqa: S101 click knows the three
    click.echo(script(ctx.find_root().command, {}, "nicamon", "_NICAMON_COMPLETE").source())
