"""Gaps: where a line has no row because nothing came, it gets one that says so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby, pairwise

from nicassh.query.table import Row


def with_gaps(rows: Sequence[Row], every: int, begin: datetime, end: datetime) -> Iterator[Row]:
    """The rows of one line from `begin` to `end`, in which each stretch of time without a value is one row.

    Rows have the values `at`, `seconds`, `gap`, `n`. `every` are the seconds from one value to the next that the probe
    asks for.
    """
    for gap, some in groupby(_filled(rows, every, begin, end), key=lambda row: row.values["gap"]):
        if gap:
            yield _joined(list(some))
        else:
            yield from some


def _filled(rows: Sequence[Row], every: int, begin: datetime, end: datetime) -> Iterator[Row]:
    """The rows with one more for each stretch of time from which there is none."""
    widths = {row.values["seconds"] for row in rows}
    patience = {width: timedelta(seconds=_patience(rows, width, every)) for width in widths}
    known = begin
    for row in rows:
        if row.values["at"] - known > patience[row.values["seconds"]]:
            yield _empty(row, known, row.values["at"])
        yield row
        known = _end(row)
    if rows and end - known > patience[rows[-1].values["seconds"]]:
        yield _empty(rows[-1], known, end)


def _patience(rows: Sequence[Row], width: float, every: int) -> float:
    """Seconds after a row of this width in which there may be none without a gap.

    Who collects every ten minutes has no gaps between; a few rows do not tell how often he does. Of values as they
    came, one may be missing.
    """
    times = [row.values["at"] for row in rows if row.values["seconds"] == width]
    apart = sorted((after - before).total_seconds() for before, after in pairwise(times))
    usual = apart[len(apart) // 4] if len(apart) > 2 else 0
    return 1.5 * max(width, usual) - width if width else 2.5 * max(every, usual)


def _empty(like: Row, begin: datetime, end: datetime) -> Row:
    """A row of the same line in which nothing came."""
    values = dict.fromkeys(("value", "least", "greatest")) | {"n": 0, "nodes": 0, "gap": True}
    values |= {"at": begin, "seconds": (end - begin).total_seconds()}
    return Row({**like.values, **values})


def _joined(gaps: Sequence[Row]) -> Row:
    """One row for gaps that follow each other."""
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
