"""Tables made from record types.

For a record `load` kept as a series there are the tables `load` (newest rows) and `load_series`
(every row with its time); for intervals, `system` and `system_intervals`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateTable

from nicassh.database.dialects import dialect_of
from nicassh.model.records import UPTIME, Column, Keep, Record, columns, width


class LongText(sa.Text):
    """A text of any length."""


@compiles(LongText)
def _long_text(_type: LongText, compiler: Any, **_settings: Any) -> str:
    return dialect_of(compiler.dialect).long_text


TEXT = LongText()
NODE = 255
"""Characters of a node's name."""


@lru_cache(maxsize=65536)
def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


class Moment(sa.TypeDecorator[datetime]):
    """A UTC time, stored as whole seconds since 1970 so that every database compares and buckets it alike."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else int(value.timestamp())

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Any:  # noqa: ARG002
        # Not process_result_value: a view reads tens of thousands of times, of which most are the same few.
        return _moment


class TableSet(sa.MetaData):
    """Tables that a program wants in a database, and the SQL views of them."""

    def __init__(self, views: Callable[[], Mapping[str, Any]] = dict) -> None:
        """Hold no table yet; `views` gives the query of each view by its name, and is asked where tables are made."""
        super().__init__()
        self.views = views


def views_of(tables: sa.MetaData) -> Mapping[str, Any]:
    """Return the SQL views of some tables by name: their queries."""
    return tables.views() if isinstance(tables, TableSet) else {}


@dataclass(frozen=True)
class Tables:
    """The tables of one record type: its newest rows, and its history where it keeps one.

    `probe` fills them, `every` so many seconds.
    """

    record: type[Record]
    keep: Keep
    newest: sa.Table
    history: sa.Table | None
    probe: str = ""
    every: int = 0


def tables(
    metadata: sa.MetaData, name: str, record: type[Record], keep: Keep, probe: str = "", every: int = 0
) -> Tables:
    """Describe the tables of a record type in `metadata`."""
    newest = sa.Table(
        name, metadata, *_identity(record), sa.Column("at", Moment, nullable=False), *_values(record),
        sqlite_with_rowid=False, quote=True,
    )  # fmt: skip
    history = None
    if keep is not Keep.INTERVALS:
        newest.append_column(sa.Column(UPTIME, sa.Double, comment="The node's uptime when it was read. [seconds]"))
    if keep is Keep.SERIES:
        # The time comes first: each collection adds its rows in one place, and the oldest go from another.
        at = sa.Column("at", Moment, primary_key=True)
        history = sa.Table(
            f"{name}_series", metadata, at, *_identity(record), *_values(record), sqlite_with_rowid=False, quote=True
        )
    elif keep is Keep.INTERVALS:
        newest.append_column(sa.Column("since", Moment, nullable=False))
        since, until = sa.Column("since", Moment, primary_key=True), sa.Column("until", Moment)
        history = sa.Table(
            f"{name}_intervals", metadata, *_identity(record), since, until, *_values(record), quote=True
        )
    return Tables(record, keep, newest, history, probe, every)


@compiles(CreateTable)
def _create(create: CreateTable, compiler: Any, **settings: Any) -> str:
    """CREATE TABLE with the options of its kind of database."""
    made = str(compiler.visit_create_table(create, **settings)).rstrip()
    return f"{made} {dialect_of(compiler.dialect).table_options}".rstrip()


def _identity(record: type[Record]) -> list[sa.Column[Any]]:
    node = sa.Column("node", sa.String(NODE), primary_key=True)
    return [node, *(_sql(column, width(record)) for column in columns(record) if column.key)]


def _values(record: type[Record]) -> list[sa.Column[Any]]:
    return [_sql(column) for column in columns(record) if not column.key]


def _sql(column: Column, width: int = 0) -> sa.Column[Any]:
    kinds: dict[type, Any] = {int: sa.BigInteger, float: sa.Double, bool: sa.Boolean, datetime: Moment}
    kind = kinds.get(column.kind) or (sa.String(width) if column.key else TEXT)
    return sa.Column(
        # Nullable even where a record always has a value: another version of its probe may not have the field.
        column.name, kind, primary_key=column.key, autoincrement=False, nullable=not column.key,
        # Quoted: a site's probe may choose a name that is a word of SQL in a server newer than SQLAlchemy's lists.
        comment=f"{column.help} [{column.unit.name}]", quote=True,
    )  # fmt: skip
