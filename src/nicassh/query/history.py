"""The history of a number: a line for each node and key, or one over nodes, with its gaps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil
from typing import Any

from nicassh.inventory import fold, natural
from nicassh.model.records import Column
from nicassh.model.units import Count, Flag, Seconds, Text, Time
from nicassh.query.gaps import with_gaps
from nicassh.query.metrics import Metric
from nicassh.query.table import Field, Row, Table, computed
from nicassh.store import Point, Store

_DAY = 86400
_STEPS = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, _DAY, 2 * _DAY, 7 * _DAY)
"""Seconds that a row may stand for: units in which people count time."""
_Line = tuple[str, tuple[Any, ...]]
"""A node, or the name of several, and the values of the keys."""


@dataclass(frozen=True)
class History(Table):
    """A table of lines from `begin` to `end`. `title` says of what; a line has its own values of the `line_keys`.

    A row with a gap has no value; it stands for as long as nothing is known.
    """

    title: str = ""
    begin: datetime = datetime.min
    end: datetime = datetime.min
    line_keys: tuple[str, ...] = ()

    def lines(self) -> dict[str, list[Row]]:
        """Return the rows of each line in the order of time, by the name of the line: `nc2`, `nc2 /home`."""
        lines: dict[str, list[Row]] = {}
        for row in sorted(self.rows, key=lambda row: row.values["at"]):
            lines.setdefault(" ".join(str(row.values[name]) for name in self.line_keys), []).append(row)
        return lines

    @property
    def value(self) -> Column:
        """Return the column of the values, which draws least and greatest as well."""
        return next(field.column for field in self.fields if field.name == "value")


@dataclass(frozen=True)
class Window:
    """The time that a history covers, and its step in seconds: 0 for the values as they came."""

    begin: datetime
    end: datetime
    step: float


def window(begin: datetime, end: datetime, points: int, metric: Metric, together: bool) -> Window:
    """Return a window whose step gives a line at most `points` points; the values as they came where they are so few.

    Values of several nodes come at different times. To bring them `together`, each node must have one in each step.
    """
    wanted = (end - begin).total_seconds() / points
    least = max(wanted, 2 * metric.every if together else 0)
    step = next((step for step in _STEPS if step >= least), ceil(least / _DAY) * _DAY)
    return Window(begin, end, 0 if not together and wanted < metric.every else step)


def history(
    store: Store,
    metric: Metric,
    nodes: Sequence[str],
    time: Window,
    where: Mapping[str, Sequence[Any]],
    over: str = "",
) -> History:
    """Return the lines of a metric on some nodes, or one `over` them: `sum` or `mean`. Raises DatabaseError."""
    points = store.history(metric.record, metric.column.name, nodes, time.begin, time.end, time.step, **where)
    lines = _together(points, metric, over) if over else _apart(points, metric)
    order = sorted(lines, key=lambda line: (natural(line[0]), [natural(str(key)) for key in line[1]]))
    rows = [row for line in order for row in with_gaps(lines[line], metric.every, time.begin, time.end)]
    names = ("node", *(key.name for key in metric.keys))
    what = f"{over} of {metric.name}" if over else metric.name
    title = f"{what} on {fold(nodes)}: {metric.column.help}"
    return History(
        "history", fields(metric.mean, metric.keys, bool(over)), tuple(rows),
        title=title, begin=time.begin, end=time.end, line_keys=names,
    )  # fmt: skip


def _apart(points: Sequence[Point], metric: Metric) -> dict[_Line, list[Row]]:
    """Return a line for each node and key."""
    lines: dict[_Line, list[Row]] = {}
    for point in points:
        known = (None, None, None) if point.gap else (point.mean, point.least, point.greatest)
        values = _values(point, point.node, metric, known) | {"n": point.n}
        row = Row(values, severities={"value": metric.column.severity(known[0])})
        lines.setdefault((point.node, point.key), []).append(row)
    return lines


def _together(points: Sequence[Point], metric: Metric, over: str) -> dict[_Line, list[Row]]:
    """Return one line over all nodes for each key; a moment at which fewer than half of them are known is a gap."""
    buckets: dict[tuple[tuple[Any, ...], datetime, int], list[Point]] = {}
    for point in points:
        buckets.setdefault((point.key, point.at, point.width), []).append(point)
    expected = Counter(key for _, key in {(point.node, point.key) for point in points})
    name = fold({point.node for point in points})
    lines: dict[_Line, list[Row]] = {}
    for (key, _, _), some in buckets.items():
        known = [(one.mean, one.least, one.greatest) for one in some if not one.gap and one.mean is not None]
        enough = known and 2 * len(known) >= expected[key]
        values = _values(some[0], name, metric, _merged(known, over) if enough else (None, None, None))
        row = Row(values | {"n": sum(one.n for one in some), "nodes": len(known)})
        lines.setdefault((name, key), []).append(row)
    return lines


def _merged(known: Sequence[tuple[Any, Any, Any]], over: str) -> tuple[float, float, float]:
    """Return value, least and greatest of several nodes: the sums, or the mean with the least and greatest of all."""
    means, lows, highs = zip(*known, strict=True)
    if over == "sum":
        return sum(means), sum(lows), sum(highs)
    return sum(means) / len(means), min(lows), max(highs)


def _values(point: Point, node: str, metric: Metric, known: tuple[Any, Any, Any]) -> dict[str, Any]:
    value, least, greatest = known
    keys = {key.name: value for key, value in zip(metric.keys, point.key, strict=True)}
    when = {"at": point.at, "seconds": float(point.width), "gap": value is None}
    return {"node": node, **keys, **when, "value": value, "min": least, "max": greatest}


def fields(value: Column, keys: Sequence[Column], together: bool) -> tuple[Field, ...]:
    """Return the fields of the history of a number with some keys; `together`: of one line over several nodes."""
    return (
        Field(computed("node", str, Text, "The node, or those that the line is over."), 100, wraps=together),
        *(Field(replace(key, key=False), 98) for key in keys),
        Field(computed("at", datetime, Time, "Where the time begins that the row stands for."), 99),
        Field(computed("seconds", float, Seconds, "How long it is; 0 for a value as it came."), 40, _draw_width),
        Field(replace(value, name="value"), 97),
        Field(replace(value, name="min", help="The smallest in this time."), 60),
        Field(replace(value, name="max", help="The largest in this time."), 60),
        Field(computed("n", int, Count, "How many values came in this time."), 30),
        *([Field(computed("nodes", int, Count, "On how many nodes it is known."), 35)] if together else []),
        Field(computed("gap", bool, Flag, "Whether too little is known of this time for a value."), 0),
    )  # fmt: skip


def _draw_width(row: Row) -> str:
    column = computed("seconds", float, Seconds, "")
    return column.draw(row.values["seconds"]) if row.values["seconds"] else ""
