"""Ages in SQL: which rows are old, judged in a view as the tables on the terminal judge it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from nicassh.database import Tables, retried
from nicassh.database.views import Now
from nicassh.model.outcome import State
from nicassh.store.clocks import MARGIN

STALE = 900.0
"""Seconds after which a value is old where the configuration says nothing else."""
_NAME = "stale"
_WELL = [state.value for state in State if state.is_ok]


def settings(metadata: sa.MetaData) -> sa.Table:
    """The table of what the views must know of the configuration: those who read them have none."""
    return sa.Table(
        "settings",
        metadata,
        sa.Column("name", sa.String(64), primary_key=True, comment="The setting."),
        sa.Column("value", sa.Double, nullable=False, comment="Its value, as the last collection had it."),
    )


def tell_stale(engine: sa.Engine, metadata: sa.MetaData, seconds: float) -> None:
    """Writes down from which age on a value is old, where that has changed. Raises DatabaseError."""
    table = metadata.tables["settings"]
    row = table.c.name == _NAME
    with engine.connect() as connection:
        found = connection.scalar(sa.select(table.c.value).where(row))
    if found == seconds:
        return

    def work(connection: sa.Connection) -> None:
        if not connection.execute(sa.update(table).where(row).values(value=seconds)).rowcount:
            connection.execute(sa.delete(table).where(row))
            connection.execute(sa.insert(table), [{"name": _NAME, "value": seconds}])

    retried(engine, work)


def aged(metadata: sa.MetaData, at: sa.ColumnElement[Any], every: int = 0) -> sa.ColumnElement[bool]:
    """Whether a time is longer ago than the setting `stale`, or than three periods of what is asked so rarely.

    A time that is still to come is as old: of a clock that was ahead.
    """
    table = metadata.tables["settings"]
    value = sa.select(table.c.value).where(table.c.name == _NAME).scalar_subquery()
    limit: Any = sa.func.coalesce(value, STALE)
    if every:
        limit = sa.case((limit < 3 * every, sa.literal(3.0 * every)), else_=limit)
    seconds = sa.type_coerce(at, sa.BigInteger)
    return sa.or_(seconds < Now() - limit, seconds > Now() + MARGIN)


def old(metadata: sa.MetaData, shape: Tables, rows: Any) -> sa.ColumnElement[bool]:
    """Whether the newest rows of a record are stale: by their age, or because their probe failed since."""
    outcomes = metadata.tables["outcomes"].alias(f"outcome_{shape.newest.name}")
    failed = sa.exists().where(
        outcomes.c.node == rows.c.node, outcomes.c.probe == shape.probe, outcomes.c.state.not_in(_WELL)
    )
    return sa.or_(aged(metadata, rows.c.at, shape.every), failed)
