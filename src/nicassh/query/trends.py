"""Trends: the last hour of a number as a column of any table of nodes, `load1~`, drawn with blocks of eight heights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from math import ceil
from typing import Any

from nicassh.model.errors import UsageError
from nicassh.model.units import UNKNOWN, Text
from nicassh.query.metrics import Metric, find_metric
from nicassh.query.snapshot import Snapshot
from nicassh.query.table import Field, Row, Table, computed

MARK = "~"
"""The end of the name of such a column."""
_BLOCKS = "▁▂▃▄▅▆▇█"
_HOUR, _CELL = 3600, 300
"""Seconds that the column looks back, and at least for each of its cells."""


def with_trends(table: Table, snapshot: Snapshot, columns: Sequence[str]) -> Table:
    """Return the table with those of the columns that are trends. Others cost nothing. Raises UsageError."""
    wanted = dict.fromkeys(name.lstrip("+") for name in columns if name.endswith(MARK) and not name.startswith("-"))
    for name in wanted:
        table = _with(table, snapshot, name, find_metric(snapshot.store, name.removesuffix(MARK), table.name))
    return table


def _with(table: Table, snapshot: Snapshot, name: str, of: Metric) -> Table:
    keys = ("node", *(key.name for key in of.keys))
    if missing := [key for key in keys if key not in {field.name for field in table.fields}]:
        raise UsageError(
            f"{table.name} has no column {missing[0]!r}, and {of.name} has a value for each",
            f"try: nicamon show {of.record} --columns +{of.column.name}{MARK}",
        )
    lines = _lines(snapshot, of)
    rows = tuple(_row(row, name, lines.get(tuple(row.values[key] for key in keys))) for row in table.rows)
    about = f"The last hour, oldest first: {of.column.help}"
    column = computed(name, list, Text, about)
    field = Field(column, 0, lambda row: _draw(row.values[name]), sort_key=_last)
    return replace(table, fields=(*table.fields, field), rows=rows)


def _lines(snapshot: Snapshot, of: Metric) -> dict[tuple[Any, ...], list[float | None]]:
    """Return the means of each cell by node and keys; None for a gap."""
    # A cell is as long as two values: else a collection that is a second late leaves one empty.
    width = _CELL * max(1, ceil(2 * of.every / _CELL))
    number = max(1, _HOUR // width)
    # A cell is shown only when it must have a value. Before, it would look like a node that does not respond.
    first = int(snapshot.now.timestamp() - 1.5 * of.every) // width - number + 1
    begin = snapshot.now - timedelta(seconds=snapshot.now.timestamp() - first * width)
    lines: dict[tuple[Any, ...], list[float | None]] = {}
    for point in snapshot.store.history(of.record, of.column.name, snapshot.names, begin, snapshot.now, width):
        cells = lines.setdefault((point.node, *point.key), [None] * number)
        place = int(point.at.timestamp()) // width - first
        if not point.gap and point.mean is not None and 0 <= place < number:
            cells[place] = round(point.mean, 3)
    return lines


def _row(row: Row, name: str, cells: list[float | None] | None) -> Row:
    return replace(row, values={**row.values, name: cells if cells and any(one is not None for one in cells) else None})


def _draw(cells: Sequence[float | None] | None) -> str:
    """Return blocks whose height is from 0, or a least value below it, to the greatest of the row; blanks for gaps."""
    if not cells:
        return UNKNOWN
    known = [one for one in cells if one is not None]
    low = min(0.0, *known)
    scale = (len(_BLOCKS) - 1) / ((max(known) - low) or 1)
    return "".join(" " if one is None else _BLOCKS[round((one - low) * scale)] for one in cells)


def _last(cells: Sequence[float | None]) -> float:
    """Return the newest value, by which rows are sorted."""
    return next(one for one in reversed(cells) if one is not None)
