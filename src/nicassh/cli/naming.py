"""The options by which all commands name nodes and users: NODES or -n, -u and --me."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import click
from click.shell_completion import CompletionItem

from nicassh.cli.complete import complete_nodes, complete_users


def node_options(required: bool = False, then: str = "", positional: bool = True) -> Callable[[Any], Any]:
    """Return the decorator that gives a command its nodes as NODES or by -n, in the parameter `nodes`.

    `then` is the parameter of a further argument: behind -n it is the first. Without `positional` there is -n alone.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def wrapped(*arguments: Any, by_option: str, nodes: Any = (), **others: Any) -> Any:
            first = nodes if isinstance(nodes, str) else ",".join(nodes)
            if by_option and first and then and not others[then]:
                first, others[then] = "", first
            if by_option and first:
                raise click.UsageError("name the nodes once: as NODES, or by -n")
            if required and not (by_option or first):
                raise click.UsageError("Missing argument 'NODES'.")
            return function(*arguments, nodes=by_option or first, **others)

        if positional:
            several: dict[str, Any] = {"default": ""} if then else {"nargs": -1}
            metavar = "NODES" if required else "[NODES]"
            argument = click.argument(
                "nodes", metavar=metavar, required=False, shell_complete=complete_nodes, callback=_given, **several
            )
            wrapped = argument(wrapped)
        return _OPTION(wrapped)

    return decorate


def user_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options -u and --me, and the parameter `user`: the names of these users."""

    @wraps(function)
    def wrapped(*arguments: Any, user: tuple[str, ...], me: bool, **others: Any) -> Any:
        names = [name.strip() for text in user for name in text.split(",") if name.strip()]
        chosen = dict.fromkeys([*names, *([_own_name()] if me else [])])
        return function(*arguments, user=tuple(chosen), **others)

    option = click.option(
        "-u", "--user", multiple=True, metavar="USER[,…]", help="Only of these users; may be repeated.",
        shell_complete=complete_users,
    )  # fmt: skip
    return option(click.option("--me", is_flag=True, help="Only of the user who runs this command.")(wrapped))


class Listed(click.ParamType):  # type: ignore[type-arg]  # older versions of click have it without
    """Words of a closed set, separated by commas: `R,D`. Large and small letters are the same."""

    name = "list"

    def __init__(self, choices: Sequence[str]) -> None:
        self._choices = tuple(choices)
        self._choice = click.Choice(choices, case_sensitive=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        words = value.split(",") if isinstance(value, str) else value
        return tuple(self._choice.convert(word.strip(), param, ctx) for word in words)

    def shell_complete(self, _ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Offer the words that may follow the last comma."""
        before, comma, last = incomplete.rpartition(",")
        offered = [word for word in self._choices if word.lower().startswith(last.lower())]
        return [CompletionItem(f"{before}{comma}{word}") for word in offered]


def _own_name() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        raise click.UsageError("--me: this user id has no name") from None


def _given(ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Refuse an empty expression: with an unset variable, a script would otherwise name all nodes instead of some."""
    words = [value] if isinstance(value, str) else value
    source = ctx.get_parameter_source(parameter.name or "")
    if source is click.core.ParameterSource.COMMANDLINE and not all(word.strip() for word in words):
        raise click.BadParameter("it is empty; leave it out, or write @* for all nodes", ctx, parameter)
    return value


_OPTION = click.option(
    "-n", "--node", "by_option", default="", metavar="NODES", shell_complete=complete_nodes, callback=_given,
    help="These nodes: nc2, nc[2-4], @batch, …; the same as NODES.",
)  # fmt: skip
