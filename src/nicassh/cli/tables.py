"""Commands made from the registry: the arguments and options of a table follow from its declaration."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import click

from nicassh.cli.naming import node_options, user_options
from nicassh.cli.output import Output, output_options
from nicassh.cli.session import Session, session_of
from nicassh.query import Nodes, Parameter, TableSpec


def table_command(spec: TableSpec, examples: str = "") -> click.Command:
    """Return the command that shows a table."""
    columns = f"Columns: {', '.join(field.name for field in spec.fields)}." if spec.fields else _OF_SITE
    text = "\n\n".join(filter(None, (spec.help, spec.details, examples and f"\b\n{examples}", columns)))

    @output_options
    @click.pass_obj
    def show(session: Session, /, output: Output, nodes: str = "", **parameters: Any) -> None:
        output.show(partial(session.query, spec.name, nodes=nodes, **parameters))

    command = click.command(spec.words.rpartition(" ")[2], help=text, short_help=spec.help)
    for declare in reversed([_nodes(spec), *map(_parameter, sorted(spec.parameters, key=_place))]):
        show = declare(show)
    return command(show)


def _nodes(spec: TableSpec) -> Callable[[Any], Any]:
    """Return the decorator by which the nodes are named; by -n alone where an argument means something else."""
    if spec.nodes is Nodes.NONE:
        return lambda function: function
    taken = any(parameter.position is not None for parameter in spec.parameters)
    return node_options(required=spec.nodes is not Nodes.SOME, positional=not taken)


def _place(parameter: Parameter) -> int:
    return parameter.position or 0


def _parameter(parameter: Parameter) -> Callable[[Any], Any]:
    """Return the argument or option of one parameter."""
    if parameter.name == "user":
        return user_options
    settings: dict[str, Any] = {"type": _type(parameter), "default": None, "required": parameter.required}
    settings["shell_complete"] = _completer(parameter)
    metavar = parameter.metavar or ("TIME" if parameter.kind in _TIMES else None)
    if parameter.position is not None:
        name = metavar or parameter.name.upper()
        return click.argument(parameter.name, metavar=name if parameter.required else f"[{name}]", **settings)
    option = f"--{parameter.name.replace('_', '-')}"
    if parameter.kind is bool:
        return click.option(option, parameter.name, is_flag=True, help=parameter.help)
    return click.option(
        option, parameter.name, multiple=parameter.many, metavar=metavar, help=parameter.help, **settings
    )


def _type(parameter: Parameter) -> Any:
    if parameter.choices:
        return click.Choice([choice for choice in parameter.choices if choice])
    return parameter.kind if parameter.kind in (int, float) else str


def _completer(parameter: Parameter) -> Callable[..., list[str]]:
    def complete(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
        from nicassh.model.errors import NicamonError

        if parameter.complete is None:
            return [choice for choice in parameter.choices if choice and choice.startswith(incomplete)]
        try:
            return list(parameter.complete(session_of(ctx), incomplete))
        except NicamonError:
            return []

    return complete


_TIMES = (datetime, timedelta)
_OF_SITE = "Columns: see its record.py, or --json."
