"""The options that every table has, and what they do: --json, --csv, --sort, --filter, --columns, --gather, --watch."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from nicassh.query import Field, View


@dataclass(frozen=True)
class Output:
    """How the reader wants a table."""

    format: str
    sort: tuple[str, ...]
    filter: str
    columns: tuple[str, ...]
    watch: float | None
    gather: bool | None = None
    plot: bool = False
    """Draws a history as a plot instead of a table."""

    def show(self, build: Callable[[], View]) -> None:
        """Builds the view and prints it, once or every `watch` seconds until interrupted. Raises UsageError."""
        self._show(lambda: [build()])

    def show_page(self, name: str, build: Callable[[], Sequence[View]], beside: bool = False) -> None:
        """The same for several views under each other; sorting, filter and columns are for the first.

        In JSON the rows of each other stand under its name: in the one row of the first, or `beside` the rows.
        """
        self._show(build, name, beside)

    def check(self, name: str, fields: Sequence[Field]) -> None:
        """Refuses names of columns that the view does not have, before anything is read or asked. Raises UsageError."""
        from nicassh.query import View

        if not any(column.endswith("~") for column in self.columns):  # a trend becomes a column with its values
            self._arranged([View(name, tuple(fields), ())])

    def _show(self, build: Callable[[], Sequence[View]], page: str = "", beside: bool = False) -> None:
        if self.watch is None:
            self._print(self._arranged(build()), page, beside)
            return
        screen = self.format == "table" and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        with suppress(KeyboardInterrupt):  # the one way to end it, and so no failure
            while True:
                views = self._arranged(build())
                if screen:
                    self._repaint(views)
                else:
                    self._print(views, page, beside)
                sys.stdout.flush()
                time.sleep(self.watch)

    def _arranged(self, views: Sequence[View]) -> list[View]:
        from nicassh import query as view

        first = view.ordered(view.filtered(view.choose(views[0], self.columns), self.filter), self.sort)
        return [view.gathered(one) if self._gathers(one) else one for one in (first, *views[1:])]

    def _gathers(self, one: View) -> bool:
        """Programs get every row; a person gets a view gathered where that is how it is best read."""
        return self.gather if self.gather is not None else one.gathers and self.format == "table" and len(one.rows) > 1

    def _print(self, views: list[View], page: str, beside: bool) -> None:
        try:
            sys.stdout.writelines(f"{line}\n" for line in self._lines(views, page, beside))
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader has gone (| head): no error. What is left to flush goes nowhere.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)

    def _repaint(self, views: list[View]) -> None:
        """Draws over the last picture in one write, each line cleared to its end: no flicker. Cut to the screen."""
        lines = list(self._tables(views))
        height = shutil.get_terminal_size().lines - 1
        if len(lines) > height:
            lines = [*lines[: height - 1], f"… {len(lines) - height + 1} more lines"]
        picture = "".join(f"{line}\x1b[K\n" for line in lines)
        sys.stdout.write(f"\x1b[H{picture}\x1b[J")

    def _lines(self, views: list[View], page: str, beside: bool) -> Iterator[str]:
        """The views in the format that the reader wants."""
        from nicassh import render as terminal

        if self.format == "json":
            further = {view.name: list(terminal.records(view)) for view in views[1:]}
            rows = [{**row, **({} if beside else further)} for row in terminal.records(views[0])]
            yield terminal.json_text(page or views[0].name, rows, further if beside else {})
        elif self.format == "table":
            yield from self._tables([view for view in views if view.rows] or views[:1])
        else:
            write = terminal.ndjson_lines if self.format == "ndjson" else terminal.csv_lines
            yield from write(views[0])

    def _tables(self, views: list[View]) -> Iterator[str]:
        from nicassh import render as terminal
        from nicassh.query import History

        console = terminal_console()
        width = console.width if console.is_terminal or _fixed_width() else None
        colours = console.color_system is not None and not console.no_color
        for index, view in enumerate(views):
            if len(views) > 1:
                yield f"{chr(10) if index else ''}{view.name.upper()}"
            if self.plot and isinstance(view, History):
                yield from terminal.plot(view, width or _PLAIN, _height(), colours)
            else:
                yield from terminal.draw(view, width, colours)


def output_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Gives a command the options of a table and an `output` argument."""

    @wraps(function)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        names = ("json", "ndjson", "csv")
        chosen = [name for name in names if options.pop(name)]
        if len(chosen) > 1:
            raise click.UsageError(f"--{chosen[0]} and --{chosen[1]} exclude each other")
        output = Output(
            format=chosen[0] if chosen else "table",
            sort=_list(options.pop("sort")),
            filter=options.pop("row_filter"),
            columns=_list(options.pop("columns")),
            watch=options.pop("watch"),
            gather=options.pop("gather"),
        )
        return function(*arguments, output=output, **options)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def terminal_console(stderr: bool = False) -> Console:
    """A console that takes no markup, no emoji codes and no guesses at syntax from what it prints."""
    from rich.console import Console

    width = None if (sys.stderr if stderr else sys.stdout).isatty() or _fixed_width() else 100_000
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False, soft_wrap=False, width=width)


def _fixed_width() -> bool:
    """Whether COLUMNS tells a width where there is no terminal to ask."""
    return os.environ.get("COLUMNS", "").isdecimal() and shutil.get_terminal_size().columns > 0


def screen_width() -> int:
    """Characters in a line of the terminal, or of a plot where there is none."""
    return terminal_console().width if sys.stdout.isatty() or _fixed_width() else _PLAIN


def _height() -> int:
    """Lines of a plot: a screen that is not too high for its width, without title and summary."""
    return max(10, min(30, shutil.get_terminal_size().lines - 5))


_PLAIN = 100
"""The width of a plot that is not drawn on a terminal."""


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


_OPTIONS = (
    click.option("--json", is_flag=True, help="Print one JSON object with a schema name and all rows."),
    click.option("--ndjson", is_flag=True, help="Print one JSON object a line."),
    click.option("--csv", is_flag=True, help="Print CSV with a header."),
    click.option("--sort", default="", metavar="COL[,…]", help="Sort by columns; -COL puts the largest first."),
    click.option(
        "--filter", "row_filter", default="", metavar="EXPR",
        help='Keep some rows: "load1 > 4 and not role = batch"; = != < <= > >= ~ (regular expression) !~.',
    ),
    click.option(
        "--columns", default="", metavar="COL[,…]", help="Show these columns; +COL adds one, -COL takes one away."
    ),
    click.option(
        "--gather/--no-gather", default=None,
        help="Make one row of all nodes whose rows are alike, or a row of each. Else as suits the table.",
    ),
    click.option(
        "--watch", type=click.FloatRange(min=0.1), metavar="SECONDS", help="Show again and again, until interrupted."
    ),
)  # fmt: skip
