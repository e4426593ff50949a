"""A metric over time, of one node or many."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from nicassh.model.errors import UsageError
from nicassh.model.units import Number, counted, draw_moment
from nicassh.query.history import Window, fields, history, window
from nicassh.query.metrics import Metric, find_metric, metric_names
from nicassh.query.registry import Parameter, Request, Sources, TableSpec
from nicassh.query.table import Table, computed
from nicassh.store import Store

MOST = 2_000_000
"""Values that one answer may have: they take about a gigabyte of memory."""
_LONGEST = timedelta(days=3650)
_VALUE = computed("value", float, Number, "The value, or the mean of this time, in the unit of the number.")


def summarize(table: Table) -> str:
    """Return `192 values, 2 gaps`."""
    rows = table.rows
    gaps = sum(row.values["gap"] for row in rows)
    told = counted(len(rows) - gaps, "value")
    return (f"{told}, {counted(gaps, 'gap')}" if gaps else told) if rows else "no data for this period"


def _build(request: Request) -> Table:
    store = request.sources.reader
    metric = find_metric(store, request["metric"])
    begin, end = request["since"], min(request["until"], request.now)
    if begin >= end:
        other = "now" if end == request.now else f"until {draw_moment(end)}"
        raise UsageError(f"since {draw_moment(begin)} is not before {other}")
    nodes = [node.name for node in request.nodes]
    over = request["over"]
    if request["points"] < 1:
        raise UsageError("points: it is 1 or more")
    time = window(begin, end, request["points"], metric, bool(over))
    if request["step"] is not None:
        time = replace(time, step=_step(request["step"]))
    _require_few(time, metric, len(nodes))
    where = metric.chosen(request["where"])
    table = history(store, metric, nodes, time, where, over)
    if not table.rows:
        _require_known(store, metric, nodes, where)
    return table


def _require_known(store: Store, metric: Metric, nodes: Sequence[str], where: Mapping[str, Sequence[Any]]) -> None:
    """Raise UsageError where the nodes have no such key: no such mount is not the same as no data."""
    rows = store.newest(metric.record, nodes) if where else []
    for name, values in where.items():
        known = sorted({row[name] for row in rows})
        if known and not set(known) & set(values):
            near = difflib.get_close_matches(str(values[0]), [str(one) for one in known], 1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(str(one) for one in known[:20])}"
            raise UsageError(f"these nodes have no {name} {values[0]!r}", hint)


def _step(given: timedelta) -> float:
    """Return the seconds of a step. Raises UsageError where it is too long."""
    if given > _LONGEST:
        raise UsageError(f"a step of {given.days} days is longer than any row stands for; at most {_LONGEST.days}d")
    return given.total_seconds()


def _require_few(time: Window, metric: Metric, nodes: int) -> None:
    """Raise UsageError where the history would have more values than fit into memory."""
    number = nodes * (time.end - time.begin).total_seconds() / max(time.step, metric.every)
    if number > MOST:
        hint = "name fewer nodes, a shorter time, or a longer step"
        raise UsageError(f"about {number:,.0f} values are too many; at most {MOST:,}", hint)


def _complete(sources: Sources, start: str) -> list[str]:
    return metric_names(sources.reader, start)


TABLE = TableSpec(
    "history",
    "A metric over time, of one node or many.",
    fields(_VALUE, (), False),
    _build,
    summarize,
    (
        Parameter(
            "metric",
            str,
            "The number: load1, memory_available, disks.used.",
            required=True,
            position=1,
            complete=_complete,
        ),
        Parameter("since", datetime, "From then on: 2d, 12h, 03:12, 2026-11-20.", "1d"),
        Parameter("until", datetime, "Until then.", "0s"),
        Parameter("step", timedelta, "A value for each 5m, 1h, …; 0: as they came. Else what fits."),
        Parameter("points", int, "Where no step is given: how many values a line has at most.", 90),
        Parameter("where", str, "Only this line of a node: mount=/home.", (), many=True),
        Parameter("over", str, "One line over all nodes instead of one for each.", "", choices=("", "sum", "mean")),
    ),
    command="history",
    is_open=True,
)
