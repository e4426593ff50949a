"""A history as a plot of characters: lines with gaps, and a band from minimum to maximum."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count, groupby
from math import ceil, floor
from types import ModuleType

from rich.cells import set_cell_size

from nicassh.model.records import Column
from nicassh.model.text import clean
from nicassh.model.units import draw_bytes, draw_moment, draw_time
from nicassh.model.zones import zone
from nicassh.query import Row
from nicassh.query.history import History
from nicassh.render.lines import wrapped

MOST_LINES = 8
"""Lines that can be told apart in one plot."""
_COLOURS = ("cyan", "yellow", "magenta", "green", "red", "blue", "orange", "white")
_LETTERS = "abcdefgh"
_BAND = "░"
_MONTH = 30 * 86400
_TICKS = (
    60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200,
    *(86400 * days for days in (1, 2, 7, 14, 30, 90, 365, 1000)),
)  # fmt: skip
"""Seconds from one mark of the time axis to the next."""
_SENTENCE = 60
"""Characters of a line of the summary at least: a terminal that is narrower breaks it itself."""
_EPOCH = datetime(1970, 1, 1)


def draw_plot(table: History, width: int, height: int, colours: bool = False) -> Iterator[str]:
    """Yield lines of text: a title, the plot in that many columns and rows, what each line is, and the summary."""
    yield set_cell_size(clean(table.title), width).rstrip()
    if any(not row.values["gap"] for row in table.rows):
        yield from _drawn(table, width, height, colours)
    told = f"{draw_time(table.begin)} to {draw_moment(table.end)}: {clean(table.about)}"
    yield from wrapped(told, max(width, _SENTENCE))


def _drawn(table: History, width: int, height: int, colours: bool) -> Iterator[str]:
    """Yield the plot; where it has several lines, also which is which."""
    import plotext  # nothing else needs it, and it takes as long to load as the database

    lines = table.lines()
    _prepare(plotext, table, width, height)
    for place, rows in enumerate(lines.values()):
        if len(lines) == 1:
            for time, *ends in _band(rows, (table.end - table.begin).total_seconds() / width):
                plotext.plot([time, time], ends, marker=_BAND, color="gray" if colours else None)
        for piece in _pieces(rows):
            times = [row.values["at"].timestamp() + row.values["seconds"] / 2 for row in piece]
            marker = "braille" if colours or len(lines) == 1 else _LETTERS[place]
            values = [row.values["value"] for row in piece]
            plotext.plot(times, values, marker=marker, color=_COLOURS[place] if colours else None)
    built = plotext.build()
    yield from (line.rstrip() for line in (built if colours else plotext.uncolorize(built)).rstrip("\n").split("\n"))
    if len(lines) > 1:
        names = (f"{'━━' if colours else _LETTERS[place]} {clean(name)}" for place, name in enumerate(lines))
        yield "   ".join(
            plotext.colorize(name, _COLOURS[place]) if colours else name for place, name in enumerate(names)
        )


def _prepare(plotext: ModuleType, table: History, width: int, height: int) -> None:
    """Make an empty picture with both axes. plotext has only one picture, and keeps it."""
    marks, times = _levels(table, max(3, height // 3)), _times(table.begin, table.end, width)
    plotext.clear_figure()
    plotext.limit_size(False, False)
    plotext.plot_size(width, height)
    plotext.theme("clear")
    plotext.xlim(table.begin.timestamp(), table.end.timestamp())
    plotext.ylim(marks[0], marks[-1])
    plotext.xticks([at for at, _ in times], [text for _, text in times])
    plotext.yticks(marks, [table.value.draw(mark) for mark in marks])


def _band(table: Sequence[Row], column: float) -> Iterator[tuple[float, float, float]]:
    """Yield the band from minimum to maximum: a time for each column that a row stands for, and both ends."""
    for row in table:
        begin, seconds = row.values["at"].timestamp(), row.values["seconds"]
        if not row.values["gap"] and seconds:
            times = (begin + column * (place + 0.5) for place in range(ceil(seconds / column)))
            yield from ((min(time, begin + seconds), row.values["min"], row.values["max"]) for time in times)


def _pieces(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Yield the parts of a line between its gaps."""
    return (list(piece) for gap, piece in groupby(rows, lambda row: row.values["gap"]) if not gap)


def _levels(table: History, number: int) -> list[float]:
    """Return the marks of the value axis: at most `number`, with distinct texts, and around all values."""
    parts = ("min", "max") if len(table.lines()) == 1 else ("value",)
    known = [row.values[part] for row in table.rows for part in parts if not row.values["gap"]]
    low, high = min(known), max(known)
    if 0 < low <= high / 2:
        low = 0
    for step in _steps(table.value):
        first, last = floor(low / step), max(ceil(high / step), floor(low / step) + 1)
        if last - first < number:
            marks = [step * place for place in range(first, last + 1)]
            if len({table.value.draw(mark) for mark in marks}) == len(marks):
                return marks
    return [low, high or 1]


def _steps(column: Column) -> Iterator[float]:
    """Yield distances from one mark of the value axis to the next that suit its unit."""
    if column.unit.draw is draw_bytes:
        return (factor * 1024**power for power in range(7) for factor in (1, 2, 5, 10, 20, 50, 100, 200, 500))
    return (factor * 10.0**power for power in range(-2, 20) for factor in (1, 2, 5))


def _times(begin: datetime, end: datetime, width: int) -> list[tuple[float, str]]:
    """Return the marks of the time axis with their texts: clock times, and the date at midnight."""
    span = (end - begin).total_seconds()
    step = next((step for step in _TICKS if span / step <= width / 14), _TICKS[-1])
    moments = [at for at in _marks(begin, end, step) if begin <= at <= end]
    day = "%Y-%m-%d" if step >= _MONTH else "%m-%d"
    return [(at.timestamp(), at.strftime("%H:%M" if at.hour or at.minute else day)) for at in moments]


def _marks(begin: datetime, end: datetime, step: int) -> Iterator[datetime]:
    """Yield moments around a stretch of time at which a clock of the zone in force shows a whole multiple of a step."""
    first = begin.astimezone(zone()).replace(tzinfo=None) - _EPOCH
    for place in count(int(first.total_seconds()) // step):
        at = (_EPOCH + timedelta(seconds=place * step)).replace(tzinfo=zone())
        if at > end:
            return
        yield at
