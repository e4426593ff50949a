"""The history of a number: a line for each node and key, or one over nodes, with the gaps in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil
from typing import Any

from nicassh.inventory import fold, natural
from nicassh.model.records import Column
from nicassh.model.units import Count, Flag, Seconds, Text, Time, counted
from nicassh.query.gaps import with_gaps
from nicassh.query.metric import Metric
from nicassh.query.table import Field, Row, View, declared
from nicassh.store import Point, Store

_DAY = 86400
_STEPS = (60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, _DAY, 2 * _DAY, 7 * _DAY)
"""Seconds that a row may stand for: what a person counts time in."""
_Line = tuple[str, tuple[Any, ...]]
"""A node, or the name of several, and the values of the keys."""


@dataclass(frozen=True)
class History(View):
    """The rows of some lines from `begin` to `end`; `title` says of what, `names` are the fields that tell lines apart.

    A row with a gap has no value; it stands for as long as nothing is known.
    """

    title: str = ""
    begin: datetime = datetime.min
    end: datetime = datetime.min
    names: tuple[str, ...] = ()

    def lines(self) -> dict[str, list[Row]]:
        """The rows of each line in the order of time, by the name of the line: `nc2`, `nc2 /home`."""
        lines: dict[str, list[Row]] = {}
        for row in sorted(self.rows, key=lambda row: row.values["at"]):
            lines.setdefault(" ".join(str(row.values[name]) for name in self.names), []).append(row)
        return lines

    @property
    def value(self) -> Column:
        """The column of the values, which draws least and greatest as well."""
        return next(field.column for field in self.fields if field.name == "value")


@dataclass(frozen=True)
class Stretch:
    """The time that is looked back at, and in steps of how many seconds: 0 for the values as they came."""

    begin: datetime
    end: datetime
    step: float


def stretch(begin: datetime, end: datetime, columns: int, metric: Metric, together: bool) -> Stretch:
    """Steps so that a line has at most `columns` points; values as they came where so many may be shown.

    The values of several nodes come at different times: to bring them `together` takes a step in which each has some.
    """
    wanted = (end - begin).total_seconds() / columns
    least = max(wanted, 2 * metric.every if together else 0)
    step = next((step for step in _STEPS if step >= least), ceil(least / _DAY) * _DAY)
    return Stretch(begin, end, 0 if not together and wanted < metric.every else step)


def history(
    store: Store,
    metric: Metric,
    nodes: Sequence[str],
    time: Stretch,
    where: Mapping[str, Sequence[Any]],
    over: str = "",
) -> History:
    """The lines of a metric on some nodes, or `over` these the `sum` or `mean`. Raises DatabaseError."""
    points = store.history(metric.record, metric.column.name, nodes, time.begin, time.end, time.step, **where)
    lines = _together(points, metric, over) if over else _apart(points, metric)
    order = sorted(lines, key=lambda line: (natural(line[0]), [natural(str(key)) for key in line[1]]))
    rows = [row for line in order for row in with_gaps(lines[line], metric.every, time.begin, time.end)]
    names = ("node", *(key.name for key in metric.keys))
    what = f"{over} of {metric.name}" if over else metric.name
    title = f"{what} on {fold(nodes)}: {metric.column.help}"
    return History(
        "history", _fields(metric, bool(over)), tuple(rows), _summary, (), False, title, time.begin, time.end, names
    )


def _apart(points: Sequence[Point], metric: Metric) -> dict[_Line, list[Row]]:
    """A line for each node and key."""
    lines: dict[_Line, list[Row]] = {}
    for point in points:
        known = (None, None, None) if point.gap else (point.mean, point.least, point.greatest)
        values = _values(point, point.node, metric, known) | {"n": point.n}
        row = Row(values, trouble={"value": metric.column.trouble(known[0])})
        lines.setdefault((point.node, point.key), []).append(row)
    return lines


def _together(points: Sequence[Point], metric: Metric, over: str) -> dict[_Line, list[Row]]:
    """One line over all nodes for each key; a moment at which fewer than half of them are known is a gap."""
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
    """Value, least and greatest of several nodes: their sums, or the mean with the least and greatest of all."""
    means, lows, highs = zip(*known, strict=True)
    if over == "sum":
        return sum(means), sum(lows), sum(highs)
    return sum(means) / len(means), min(lows), max(highs)


def _values(point: Point, node: str, metric: Metric, known: tuple[Any, Any, Any]) -> dict[str, Any]:
    value, least, greatest = known
    keys = {key.name: value for key, value in zip(metric.keys, point.key, strict=True)}
    when = {"at": point.at, "seconds": float(point.width), "gap": value is None}
    return {"node": node, **keys, **when, "value": value, "least": least, "greatest": greatest}


def _fields(metric: Metric, together: bool) -> tuple[Field, ...]:
    value = metric.mean
    title = metric.column.title
    return (
        Field(declared("node", str, Text, "The node, or those that the line is over."), 100, flexible=together),
        *(Field(replace(key, key=False), 98) for key in metric.keys),
        Field(declared("at", datetime, Time, "Where the time begins that the row stands for.", "from"), 99),
        Field(declared("seconds", float, Seconds, "How long it is; 0 for a value as it came.", "for"), 40, _draw_width),
        Field(replace(value, name="value", title=title), 95),
        Field(replace(value, name="least", title="least", help="The least in this time."), 60),
        Field(replace(value, name="greatest", title="greatest", help="The greatest in this time."), 60),
        Field(declared("n", int, Count, "How many values came in this time."), 30),
        *([Field(declared("nodes", int, Count, "On how many nodes it is known."), 35)] if together else []),
        Field(declared("gap", bool, Flag, "Whether too little is known of this time for a value."), 0),
    )  # fmt: skip


def _draw_width(row: Row) -> str:
    column = declared("seconds", float, Seconds, "")
    return column.draw(row.values["seconds"]) if row.values["seconds"] else ""


def _summary(rows: Sequence[Row]) -> str:
    """`192 values, 2 gaps`."""
    gaps = sum(row.values["gap"] for row in rows)
    told = counted(len(rows) - gaps, "value")
    return (f"{told}, {counted(gaps, 'gap')}" if gaps else told) if rows else "nothing is known of this time"
