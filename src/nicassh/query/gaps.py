"""Gaps: a line gets a row for each stretch of time in which nothing was collected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby, pairwise

from nicassh.query.table import Row


def with_gaps(rows: Sequence[Row], every: int, begin: datetime, end: datetime) -> Iterator[Row]:
    """Yield the rows of one line from `begin` to `end`, with one row for each stretch of time without a value.

    Rows have the values `at`, `seconds`, `gap`, `n`. `every` is the period of the probe in seconds.
    """
    for gap, some in groupby(_filled(rows, every, begin, end), key=lambda row: row.values["gap"]):
        if gap:
            yield _joined(list(some))
        else:
            yield from some


def _filled(rows: Sequence[Row], every: int, begin: datetime, end: datetime) -> Iterator[Row]:
    """Yield the rows, with one more for each stretch of time from which there is none."""
    widths = {row.values["seconds"] for row in rows}
    tolerance = {width: timedelta(seconds=_tolerance(rows, width, every)) for width in widths}
    known = begin
    for row in rows:
        if row.values["at"] - known > tolerance[row.values["seconds"]]:
            yield _empty(row, known, row.values["at"])
        yield row
        known = _end(row)
    if rows and end - known > tolerance[rows[-1].values["seconds"]]:
        yield _empty(rows[-1], known, end)


def _tolerance(rows: Sequence[Row], width: float, every: int) -> float:
    """Return the longest time in seconds after a row of this width that is not yet a gap.

    It follows from how often rows came: somebody who collects every ten minutes has no gaps between. With less than
    three rows nothing is known of that. Where `width` is 0, one value may be missing.
    """
    times = [row.values["at"] for row in rows if row.values["seconds"] == width]
    apart = sorted((after - before).total_seconds() for before, after in pairwise(times))
    usual = apart[len(apart) // 4] if len(apart) > 2 else 0
    return 1.5 * max(width, usual) - width if width else 2.5 * max(every, usual)


def _empty(like: Row, begin: datetime, end: datetime) -> Row:
    """Return a row of the same line that is a gap."""
    values = dict.fromkeys(("value", "min", "max")) | {"n": 0, "nodes": 0, "gap": True}
    values |= {"at": begin, "seconds": (end - begin).total_seconds()}
    return Row({**like.values, **values})


def _joined(gaps: Sequence[Row]) -> Row:
    """Return one row for gaps that follow each other."""
    begin = gaps[0].values["at"]
    joined = _empty(gaps[0], begin, max(_end(gap) for gap in gaps))
    joined.values |= {
        "n": sum(gap.values["n"] for gap in gaps),
        "nodes": max(gap.values.get("nodes", 0) for gap in gaps),
    }
    return joined


def _end(row: Row) -> datetime:
    end: datetime = row.values["at"] + timedelta(seconds=row.values["seconds"])
    return end
