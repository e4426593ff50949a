"""`nicamon completion`: the script that makes a shell complete commands, nodes, columns and more."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

_BASH = r"""
%(complete_func)s() {
    local line=${COMP_LINE:0:COMP_POINT} current=$2 IFS=$'\n' word before kind value
    # Bash takes a word apart at the signs @ = : as well, and replaces only what stands behind the last of them.
    word=${line##*[[:space:]]}
    [[ $word == *"$current" ]] && before=${word%%"$current"} || before=
    [[ -z $word ]] && line+="''"
    COMPREPLY=()
    while IFS=, read -r kind value; do
        case $kind in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("${value#"$before"}") ;;
        esac
    done < <(env COMP_WORDS="$line" COMP_CWORD=-1 %(complete_var)s=bash_complete "$1")
    # The beginning of KEY=VALUE goes on without a space.
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace; fi
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class _Bash(BashComplete):
    """Bash, whose words end at signs that stand in ours: @batch, mount=/home."""

    source_template = _BASH


class _Fish(FishComplete):
    """Fish, with commas in what is offered: the items of a list."""

    source_template = FishComplete.source_template.replace('split "," $', 'split -m 1 "," $')


_SHELLS = {"bash": _Bash, "zsh": ZshComplete, "fish": _Fish}


@click.command()
@click.argument("shell", type=click.Choice(list(_SHELLS)))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script for a SHELL.

    \b
    nicamon completion bash > ~/.local/share/bash-completion/completions/nicamon
    nicamon completion zsh  > ~/.zfunc/_nicamon
    nicamon completion fish > ~/.config/fish/completions/nicamon.fish
    """
    script = _SHELLS[shell]
    click.echo(script(ctx.find_root().command, {}, "nicamon", "_NICAMON_COMPLETE").source())
