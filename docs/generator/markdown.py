"""What the generated pages share: tables in Markdown, and columns, each described in one place."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nicassh.model.records import Column, columns
from nicassh.probes import loader as probe

WIDTH = 120
_ENOUGH = 3
"""Columns of one place that are named together, and not described again."""


def markdown_table(rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """A Markdown table; the first row is its head."""
    for index, row in enumerate(rows):
        cells = [cell.replace("|", "\\|") for cell in row]
        yield f"| {' | '.join(cells)} |"
        if index == 0:
            yield f"|{'---|' * len(cells)}"


def column_row(column: Column, mark: str = "") -> tuple[str, ...]:
    """Return the row of a column: its name, its unit with a `?` where it may be unknown, and what it is."""
    unit = f"{column.unit.name}{'?' if column.optional else ''}{f', {mark}' if mark else ''}"
    return f"`{column.name}`", unit, f"{column.help}{thresholds(column)}"


def meaning(column: Column) -> tuple[str, ...]:
    return column.unit.name, thresholds(column), column.help


def thresholds(column: Column) -> str:
    """Return from which value on a column is marked."""
    if column.levels:
        words = {level: [word for word, own in column.levels.items() if own == level] for level in (1, 2)}
        return "".join(f" {_MARKS[level]}: {', '.join(some)}." for level, some in words.items() if some)
    if column.high:
        return f" Warning from {column.high[0]:g} on, critical from {column.high[1]:g}."
    return f" Warning at {column.low[0]:g} or less, critical at {column.low[1]:g}." if column.low else ""


_MARKS = {1: "Warning", 2: "Critical"}


def records() -> dict[str, dict[str, Column]]:
    """Return the columns of each record, by a link to where they are described."""
    return {
        f"[{name}](probes.md#{one.name})": {column.name: column for column in columns(record)}
        for one in probe.load_all()
        for name, record in one.records.items()
    }


def named(left: dict[str, Any], elsewhere: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Name the columns that are described elsewhere, at least three of a place, and take them out of `left`."""
    while True:
        shared = {where: [one for one in left if left[one] == found.get(one)] for where, found in elsewhere.items()}
        where = max(shared, key=lambda one: len(shared[one]), default="")
        if len(shared.get(where, ())) < _ENOUGH:
            return
        names = ", ".join(f"`{name}`" for name in shared[where])
        yield from (
            *textwrap.wrap(f"As in {where}: {names}.", WIDTH, break_on_hyphens=False, break_long_words=False),
            "",
        )
        for name in shared[where]:
            del left[name]
