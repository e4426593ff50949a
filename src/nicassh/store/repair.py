"""Repair: rows of a time that is still to come, stored while a clock was ahead."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from nicassh.database import dialect_of
from nicassh.model.records import Keep
from nicassh.store.layout import Layout
from nicassh.store.tiers import RAW, TIERS, seconds

_LAG = 120
"""Seconds in which a clock that was set may have gone unnoticed."""


def repair(connection: sa.Connection, layout: Layout, now: int, by: int, *, whole: bool) -> int:
    """Move rows of a time after `now` by so many seconds, which is below 0; how many of the newest rows.

    With the `whole` history: all that lies ahead was stored since the clock was set forward. Otherwise a clock that is
    wrong only now would move a history that is right.
    """
    shapes = layout.shapes()
    number = 0
    for shape in shapes:
        at = seconds(shape.newest.c.at)
        number += connection.execute(sa.update(shape.newest).where(at > now).values(at=_plain(at + by))).rowcount
    if not whole:
        return number
    for shape in shapes:
        if shape.keep is Keep.INTERVALS and shape.history is not None:
            since, until = seconds(shape.newest.c.since), seconds(shape.history.c.until)
            connection.execute(sa.update(shape.newest).where(since > now).values(since=_plain(since + by)))
            connection.execute(sa.update(shape.history).where(until > now).values(until=_plain(until + by)))
            _move(connection, shape.history, "since", now, by)
    for table in (*(one.tables[RAW] for one in layout.series.values()), *layout.first_rows.values()):
        _move(connection, table, "at", now, by)
    _roll_anew(connection, layout, now, by)
    return number


def clip_future_times(connection: sa.Connection, layout: Layout, after: int) -> int:
    """Give the newest rows of a time after this one the last time before; how many there were.

    They are at least as old as that says, so no value looks newer than it is.
    """
    told = seconds(layout.outcomes.newest.c.at)
    last = connection.scalar(sa.select(sa.func.max(told)).where(told <= after))
    number = 0
    for shape in layout.shapes() if last is not None else ():
        change = sa.update(shape.newest).where(seconds(shape.newest.c.at) > after).values(at=_plain(sa.literal(last)))
        number += connection.execute(change).rowcount
    return number


def _plain(value: sa.ColumnElement[Any]) -> Any:
    """Return a number of seconds for a column of moments."""
    return sa.type_coerce(value, sa.BigInteger)


def _move(connection: sa.Connection, table: sa.Table, name: str, now: int, by: int) -> None:
    """Move rows whose key has their time: they are added as they should be, and those that were are deleted."""
    ahead = seconds(table.c[name]) > now
    values = [_plain(seconds(column) + by) if column.name == name else column for column in table.c]
    added = dialect_of(connection).insert_ignore(table)
    # A select of its own, that a literal is no column of the table's type.
    chosen = sa.select(*(one.label(c.name) for one, c in zip(values, table.c, strict=True))).where(ahead)
    connection.execute(added.from_select([column.name for column in table.c], chosen))
    connection.execute(sa.delete(table).where(ahead))


def _roll_anew(connection: sa.Connection, layout: Layout, now: int, by: int) -> None:
    """Delete buckets that lie ahead, and has rolled up again what the rows have moved into."""
    for series in layout.series.values():
        for tier in TIERS:
            if tier in series.tables:
                connection.execute(sa.delete(series.tables[tier]).where(seconds(series.tables[tier].c.at) > now))
    for tier in TIERS:
        upto, start = layout.upto(tier), tier.start(now + by - _LAG)
        connection.execute(sa.update(layout.rollup_progress).where(upto > start).values({upto.name: start}))
