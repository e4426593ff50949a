"""`nicamon history`: a number over some time as plot or table, and who ran what at a moment."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import click

from nicassh import query as views
from nicassh.cli.output import Output, output_options, screen_width
from nicassh.cli.session import Session, node_expression, session_of
from nicassh.model.errors import UsageError
from nicassh.model.units import read_moment, read_seconds


def _complete(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    from nicassh.store import Store

    return views.metric_names(Store("sqlite://", session_of(ctx).builtin), incomplete)


def _when(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """A moment that stays a text: with --watch, `2d` is two days before each look."""
    try:
        if value is not None:
            read_moment(value, datetime.now(UTC))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return value


def _step(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> float | None:
    try:
        step = None if value is None else read_seconds(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if step and step > _LONGEST:
        raise click.BadParameter(f"{value!r} is longer than any row stands for; at most {_LONGEST // 86400}d")
    return step


@click.command()
@node_expression("expression", metavar="[NODE]", required=False, default="")
@click.argument("name", metavar="[METRIC]", required=False, default="", shell_complete=_complete)
@click.option("--since", callback=_when, metavar="TIME", help="From then on: 2d, 12h, 03:12, 2026-11-20. Default: 1d.")
@click.option("--until", callback=_when, metavar="TIME", help="Until then. Default: now.")
@click.option(
    "--step", callback=_step, metavar="TIME", help="A value for each 5m, 1h, …; 0: as they came. Else what fits."
)
@click.option(
    "--where", multiple=True, metavar="KEY=VALUE", help="Only this line of a node: mount=/home. May be repeated."
)
@click.option("--sum", "over", flag_value="sum", help="One line: the sum over the nodes.")
@click.option("--mean", "over", flag_value="mean", help="One line: the mean of the nodes.")
@click.option("--plot/--table", "plot", default=None, help="Else a plot on a terminal, and a table elsewhere.")
@click.option("--top", type=click.Choice(list(views.TOPS)), help="The processes that used the most, at one moment.")
@click.option("--at", callback=_when, metavar="TIME", help="That moment. Default: now.")
@output_options
@click.pass_obj
def command(
    session: Session, expression: str, name: str, since: str | None, until: str | None, step: float | None,
    where: tuple[str, ...], over: str | None, plot: bool | None, top: str | None, at: str | None, output: Output,
) -> None:  # fmt: skip
    """Show how a number was over some time, or who ran what then. Asks no node.

    NODE is a node or an expression; METRIC a column of a record that is kept as a series: load1,
    memory_available, disks.used. Times are in UTC. Where less than half came of what should have, there
    is a gap. A plot has at most eight lines.

    \b
    nicamon history nc13 load1
    nicamon history nc13 disks.used --where mount=/home --since 30d
    nicamon history @batch memory_available --mean --since 2026-11-01 --until 2026-11-08
    nicamon history nc[2-4] load1 --since 12h --step 5m --json
    nicamon history --top cpu --at 03:12
    nicamon history nc13 --top memory --at 2h
    """
    if top:
        _refuse("--top", METRIC=name, since=since, until=until, step=step, where=where, sum=over, plot=plot)
        nodes = session.select(expression)
        output.show(lambda: views.top(session.scene(nodes), top, _moment(at or "0s")))
        return
    _refuse("METRIC, but with --top", at=at)
    if not name:
        raise UsageError("NODE or METRIC is missing", "for example: nicamon history nc13 load1; see --help")
    if plot and output.format != "table":
        raise UsageError(f"--plot and --{output.format} exclude each other")
    metric = views.metric(session.reader, name)
    look = _Look(session, expression, metric, since or "1d", until or "0s", step, metric.chosen(where), over or "")
    if output.format == "table" and (sys.stdout.isatty() if plot is None else plot):
        replace(output, plot=True).show(lambda: _few(look()))
    else:
        output.show(look)


@dataclass(frozen=True)
class _Look:
    """What is asked for; each call looks it up anew."""

    session: Session
    expression: str
    metric: views.Metric
    since: str
    until: str
    step: float | None
    where: dict[str, list[Any]]
    over: str

    def __call__(self) -> views.History:
        now = datetime.now(UTC).replace(microsecond=0)
        begin, end = read_moment(self.since, now), min(read_moment(self.until, now), now)
        if begin >= end:
            raise UsageError(f"--since {self.since} is not before {'now' if end == now else f'--until {self.until}'}")
        nodes = [node.name for node in self.session.select(self.expression)]
        time = views.stretch(begin, end, max(_LEAST, screen_width() - _AXIS), self.metric, bool(self.over))
        if self.step is not None:
            time = replace(time, step=self.step)
        return views.history(self.session.reader, self.metric, nodes, time, self.where, self.over)


def _few(view: views.History) -> views.History:
    """The view, if a plot of it can be read."""
    from nicassh.render import MOST

    if (number := len(view.lines())) > MOST:
        hint = f"name up to {MOST} nodes, or use --mean, --sum or --table{_keys(view)}"
        raise UsageError(f"{number} lines are too many for one plot", hint)
    return view


def _keys(view: views.History) -> str:
    keys = [name for name in view.names if name != "node"]
    return f", or --where {keys[0]}=…" if keys else ""


def _moment(text: str) -> datetime:
    return read_moment(text, datetime.now(UTC))


def _refuse(other: str, **given: object) -> None:
    """Raises UsageError where one of these was given, which does not go with `other`."""
    for name, value in given.items():
        if value not in (None, "", ()):
            raise UsageError(f"{name if name.isupper() else f'--{name}'} does not go with {other}", "see --help")


_AXIS, _LEAST = 10, 5
"""Characters that the value axis of a plot takes, and that its values have on the narrowest terminal."""
_LONGEST = 3650 * 86400
"""Seconds of the longest step."""
