"""`nicamon history`: a number over some time as plot or table, and who ran what at a moment."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import click

from nicassh.cli.complete import complete_keys, complete_metrics
from nicassh.cli.naming import node_options, user_options
from nicassh.cli.output import Output, output_options, screen_width
from nicassh.cli.session import Session
from nicassh.model.errors import UsageError
from nicassh.model.units import read_moment, read_seconds
from nicassh.query import History, Table
from nicassh.query.tables.top import ORDERS


def _when(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Check a moment and leave it a text: with --watch, `2d` is two days before each look."""
    try:
        if value is not None:
            read_moment(value, datetime.now(UTC))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return value


def _step(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> timedelta | None:
    try:
        return None if value is None else timedelta(seconds=read_seconds(value))
    except OverflowError:
        raise click.BadParameter(f"{value!r} is longer than any row stands for; at most 3650d") from None
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@node_options(then="name")
@click.argument("name", metavar="[METRIC]", required=False, default="", shell_complete=complete_metrics)
@click.option("--since", callback=_when, metavar="TIME", help="From then on: 2d, 12h, 03:12, yesterday. Default: 1d.")
@click.option("--until", callback=_when, metavar="TIME", help="Until then. Default: now.")
@click.option(
    "--step", callback=_step, metavar="TIME", help="A value for each 5m, 1h, …; 0: as they came. Else what fits."
)
@click.option(
    "--where",
    multiple=True,
    metavar="KEY=VALUE",
    help="Only this line of a node: mount=/home. May be repeated.",
    shell_complete=complete_keys,
)
@click.option("--sum", "over", flag_value="sum", help="One line: the sum over the nodes.")
@click.option("--mean", "over", flag_value="mean", help="One line: the mean of the nodes.")
@click.option("--plot/--table", "plot", default=None, help="Else a plot on a terminal, and a table elsewhere.")
@click.option("--top", type=click.Choice(list(ORDERS)), help="The processes that used the most, at one moment.")
@click.option("--at", callback=_when, metavar="TIME", help="That moment. Default: now.")
@user_options
@output_options
@click.pass_obj
def command(
    session: Session, nodes: str, name: str, since: str | None, until: str | None, step: timedelta | None,
    where: tuple[str, ...], over: str | None, plot: bool | None, top: str | None, at: str | None,
    user: tuple[str, ...], output: Output,
) -> None:  # fmt: skip
    """Plot a metric over time, or list the top processes of a past moment. Reads the database only.

    METRIC is a column of a record that is kept as a series: load1, memory_available, disks.used. Times are
    local, unless they name a zone. There is a gap where less than half of the expected values arrived. A plot
    has at most eight lines.

    \b
    nicamon history nc13 load1
    nicamon history nc13 disks.used --where mount=/home --since 30d
    nicamon history @batch memory_available --mean --since 2026-11-01 --until 2026-11-08
    nicamon history nc[2-4] load1 --since 12h --step 5m --json
    nicamon history --top cpu --at 03:12
    nicamon history nc13 --top memory --at 2h --user merz
    """
    in_order = replace(output, worst_first=False)
    if top:
        _refuse("--top", METRIC=name, since=since, until=until, step=step, where=where, sum=over, plot=plot)
        in_order.show(partial(session.query, "top", nodes=nodes, by=top, at=at, user=user))
        return
    _refuse("METRIC, but with --top", at=at, user=user)
    if not name:
        raise UsageError("METRIC is missing", "for example: nicamon history nc13 load1; see --help")
    if plot and output.format != "table":
        raise UsageError(f"--plot and --{output.format} cannot be used together")
    points = max(_LEAST, screen_width() - _AXIS)
    ask = partial(
        session.query, "history", nodes=nodes, metric=name, since=since, until=until, step=step, points=points,
        where=where, over=over,
    )  # fmt: skip
    if output.format == "table" and (sys.stdout.isatty() if plot is None else plot):
        replace(in_order, plot=True).show(lambda **arrangement: _few(ask(**arrangement)))
    else:
        in_order.show(ask)


def _few(table: Table) -> Table:
    """Return the table, if a plot of it can be read. Raises UsageError."""
    from nicassh.render import MOST_LINES

    assert isinstance(table, History)  # noqa: S101 it was asked for
    if (number := len(table.lines())) > MOST_LINES:
        keys = [name for name in table.line_keys if name != "node"]
        where = f", or --where {keys[0]}=…" if keys else ""
        hint = f"name up to {MOST_LINES} nodes, or use --mean, --sum or --table{where}"
        raise UsageError(f"{number} lines are too many for one plot", hint)
    return table


def _refuse(other: str, **given: object) -> None:
    """Raise UsageError where something was given that does not go with `other`."""
    for name, value in given.items():
        if value not in (None, "", ()):
            raise UsageError(
                f"{name if name.isupper() else f'--{name}'} cannot be used together with {other}", "see --help"
            )


_AXIS, _LEAST = 10, 5
"""Characters that the value axis of a plot takes, and that its values have on the narrowest terminal."""
