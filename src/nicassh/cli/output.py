"""The options that every table has, and what they do: --json, --csv, --sort, --filter, --columns, --group, --limit."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from nicassh.cli.complete import complete_columns, complete_filter, complete_sort
from nicassh.cli.screen import alternate_screen, repaint
from nicassh.model.text import clean
from nicassh.model.units import draw_moment
from nicassh.model.zones import using_zone

if TYPE_CHECKING:
    from rich.console import Console

    from nicassh.query import Table


@dataclass(frozen=True)
class Output:
    """How the reader wants a table."""

    format: str
    sort: tuple[str, ...]
    filter: str
    columns: tuple[str, ...]
    watch: float | None
    group: bool | None = None
    limit: int | None = None
    plot: bool = False
    """Draws a history as a plot instead of a table."""
    worst_first: bool = True
    """Sorts by severity with `watch`, where the reader has not said by what."""

    def show(self, ask: Callable[..., Table]) -> Table:
        """Ask for the table and print it, once or every `watch` seconds until interrupted; return the last one.

        `ask` takes the arrangement that `App.query` takes: filter, sort, columns, group, limit. Raises NicamonError.
        """
        table = self._ask(ask)
        if self.watch is None:
            self._print(table)
            return table
        screen = self.format == "table" and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        with suppress(KeyboardInterrupt), alternate_screen() if screen else nullcontext():  # the one way to end it
            while True:
                if screen:
                    repaint(self._picture(table))
                else:
                    self._print(table)
                sys.stdout.flush()
                time.sleep(self.watch)
                table = self._ask(ask)
        return table

    def _ask(self, ask: Callable[..., Table]) -> Table:
        from nicassh.query.arrange import SEVERITY  # with the query layer, which `--help` does not need

        # Programs get every row; a person gets rows grouped where the table is best read so.
        group = self.group if self.group is not None or self.format == "table" else False
        trouble = (SEVERITY,) if self.watch is not None and self.worst_first else ()
        return ask(filter=self.filter, sort=self.sort or trouble, columns=self.columns, group=group, limit=self.limit)

    def _print(self, table: Table) -> None:
        print_lines(self._lines(table))

    def _picture(self, table: Table) -> list[str]:
        """Return a title that says what is repeated and when it was drawn, and the table below, as high as fits."""
        height = shutil.get_terminal_size().lines
        words = clean(shlex.join(["nicamon", *sys.argv[1:]]))
        title = f"{draw_moment(datetime.now(UTC))}, every {self.watch:g} s: {words}"
        lines = [title[: terminal_console().width], "", *self._text(table, height - 3)]
        return lines[: height - 1]

    def _lines(self, table: Table) -> Iterator[str]:
        """Yield the table in the format that the reader wants."""
        from nicassh import render

        if self.format == "table":
            return self._text(table)
        if self.format == "json":
            return iter([render.json_text(table)])
        return render.ndjson_lines(table) if self.format == "ndjson" else render.csv_lines(table)

    def _text(self, table: Table, height: int | None = None) -> Iterator[str]:
        from nicassh import render
        from nicassh.query import History

        console = terminal_console()
        width = console.width if sys.stdout.isatty() or _fixed_width() else PIPED
        colours = console.color_system is not None and not console.no_color
        if self.plot and isinstance(table, History):
            return render.draw_plot(table, screen_width(), _height(), colours)
        return render.page(table, render.Screen(width, height, colours, not _has_signs()))


def print_lines(lines: Iterable[str]) -> None:
    """Print lines at once; end the process without an error where their reader has gone (`| head`)."""
    try:
        sys.stdout.writelines(f"{line}\n" for line in lines)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is left to flush goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def output_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a table, and an argument `output`."""

    @wraps(function)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        names = ("json", "ndjson", "csv")
        chosen = [name for name in names if options.pop(name)]
        if len(chosen) > 1:
            raise click.UsageError(f"--{chosen[0]} and --{chosen[1]} cannot be used together")
        output = Output(
            format=chosen[0] if chosen else "table",
            sort=_list(options.pop("sort")),
            filter=options.pop("row_filter"),
            columns=_list(options.pop("columns")),
            watch=options.pop("watch"),
            group=options.pop("group"),
            limit=options.pop("limit"),
        )
        with using_zone(_zone(options.pop("utc"))):
            return function(*arguments, output=output, **options)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def _zone(utc: bool) -> tzinfo:
    """Return the zone in which times of this run are drawn and read: UTC, or that of the configuration."""
    from nicassh.cli.session import session_of
    from nicassh.model.errors import ConfigError

    try:
        config = session_of(click.get_current_context()).config
    except ConfigError:  # raised again by what needs the configuration; `doctor` has it in its table
        return UTC
    return UTC if utc else config.zone


def terminal_console(stderr: bool = False) -> Console:
    """Return a console that prints texts as they are: no markup, no emoji codes, no highlighting."""
    from rich.console import Console

    width = None if (sys.stderr if stderr else sys.stdout).isatty() or _fixed_width() else 100_000
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=False, width=width)


def _fixed_width() -> bool:
    """Say whether COLUMNS gives a width where there is no terminal."""
    return os.environ.get("COLUMNS", "").isdecimal() and shutil.get_terminal_size().columns > 0


def _has_signs() -> bool:
    """Say whether the encoding of the output has the signs of tables; that of the C locale has not."""
    try:
        "‼–".encode(sys.stdout.encoding or "ascii")
    except UnicodeError:
        return False
    return True


def screen_width() -> int:
    """Return the characters in a line of the terminal, or of a plot where there is no terminal."""
    return terminal_console().width if sys.stdout.isatty() or _fixed_width() else _PLAIN


def _height() -> int:
    """Return the lines of a plot: those of the screen without title and summary, and at most 30."""
    return max(10, min(30, shutil.get_terminal_size().lines - 5))


_PLAIN = 100
"""The width of a plot that is not drawn on a terminal."""
PIPED = 200
"""The width of a table that is not drawn on a terminal, where COLUMNS does not say another."""


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


_OPTIONS = (
    click.option("--json", is_flag=True, help="Print one JSON object with a schema name and all rows."),
    click.option("--ndjson", is_flag=True, help="Print one JSON object a line: the rows of the first table."),
    click.option("--csv", is_flag=True, help="Print CSV with a header: the first table."),
    click.option(
        "--sort", default="", metavar="COL[,…]",
        help="Sort by columns; -COL puts the largest first, `severity` the worst rows.",
        shell_complete=complete_sort,
    ),
    click.option(
        "--filter", "row_filter", default="", metavar="EXPR",
        help='Keep some rows: "load1 > ncpu and role in (batch, storage)". Every form: docs/filters.md.',
        shell_complete=complete_filter,
    ),
    click.option(
        "--columns", default="", metavar="COL[,…]", help="Show these columns; +COL adds one, -COL takes one away.",
        shell_complete=complete_columns,
    ),
    click.option(
        "--group/--no-group", default=None,
        help="Make one row of all nodes whose rows are alike, or a row of each. Else as suits the table.",
    ),
    click.option("--limit", type=click.IntRange(min=0), metavar="N", help="Show at most so many rows."),
    click.option(
        "--watch", type=click.FloatRange(min=0.1), metavar="SECONDS",
        help="Show again and again, the worst rows first, until interrupted.",
    ),
    click.option("--utc", is_flag=True, help="Draw and read times in UTC. Default: the setting `timezone`."),
)  # fmt: skip

exit_code_option = click.option("--exit-code", is_flag=True, help="End with exit code 1 where something is found.")
