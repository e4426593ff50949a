"""Trends: the last hour of a number as a column of any table of nodes, `load1~`, drawn with blocks of eight heights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from math import ceil
from typing import Any

from nicassh.model.errors import UsageError
from nicassh.model.units import UNKNOWN, Text
from nicassh.query.metric import Metric, metric
from nicassh.query.scene import Scene
from nicassh.query.table import Field, Row, View, declared

MARK = "~"
"""What the name of such a column ends with."""
_BLOCKS = "▁▂▃▄▅▆▇█"
_HOUR, _CELL = 3600, 300
"""Seconds that the column looks back, and at least for each of its cells."""


def with_trends(view: View, scene: Scene, columns: Sequence[str]) -> View:
    """The view with the columns among these that are trends; what is not asked for costs nothing. Raises UsageError."""
    wanted = dict.fromkeys(name.lstrip("+") for name in columns if name.endswith(MARK) and not name.startswith("-"))
    for name in wanted:
        view = _with(view, scene, name, metric(scene.store, name.removesuffix(MARK), view.name))
    return view


def _with(view: View, scene: Scene, name: str, of: Metric) -> View:
    keys = ("node", *(key.name for key in of.keys))
    if missing := [key for key in keys if key not in {field.name for field in view.fields}]:
        raise UsageError(
            f"{view.name} has no column {missing[0]!r}, and {of.name} has a value for each",
            f"try: nicamon show {of.record} --columns +{of.column.name}{MARK}",
        )
    lines = _lines(scene, of)
    rows = tuple(_row(row, name, lines.get(tuple(row.values[key] for key in keys))) for row in view.rows)
    about = f"The last hour, oldest first: {of.column.help}"
    column = declared(name, list, Text, about, f"{of.column.title} 1 h")
    field = Field(column, 0, lambda row: _draw(row.values[name]), sort=_last)
    return replace(view, fields=(*view.fields, field), rows=rows)


def _lines(scene: Scene, of: Metric) -> dict[tuple[Any, ...], list[float | None]]:
    """The means of each cell by node and keys; None for a gap."""
    # Two values should come for each cell, or a collection that is a second late leaves one empty.
    width = _CELL * max(1, ceil(2 * of.every / _CELL))
    number = max(1, _HOUR // width)
    # A cell is shown once it must have a value: just begun, it would look like a node that has fallen silent.
    first = int(scene.now.timestamp() - 1.5 * of.every) // width - number + 1
    begin = scene.now - timedelta(seconds=scene.now.timestamp() - first * width)
    lines: dict[tuple[Any, ...], list[float | None]] = {}
    for point in scene.store.history(of.record, of.column.name, scene.names, begin, scene.now, width):
        cells = lines.setdefault((point.node, *point.key), [None] * number)
        place = int(point.at.timestamp()) // width - first
        if not point.gap and point.mean is not None and 0 <= place < number:
            cells[place] = round(point.mean, 3)
    return lines


def _row(row: Row, name: str, cells: list[float | None] | None) -> Row:
    return replace(row, values={**row.values, name: cells if cells and any(one is not None for one in cells) else None})


def _draw(cells: Sequence[float | None] | None) -> str:
    """Heights from 0, or from the least where that is below, to the greatest of the row; blanks for gaps."""
    if not cells:
        return UNKNOWN
    known = [one for one in cells if one is not None]
    low = min(0.0, *known)
    scale = (len(_BLOCKS) - 1) / ((max(known) - low) or 1)
    return "".join(" " if one is None else _BLOCKS[round((one - low) * scale)] for one in cells)


def _last(cells: Sequence[float | None]) -> float:
    """What rows are sorted by: the newest value."""
    return next(one for one in reversed(cells) if one is not None)
