"""The database: engine, tables made from record types, and the errors of SQLAlchemy in our words.

For a record `load` kept as a series there are the tables `load` (newest rows) and `load_series`
(every row with its time); for intervals, `system` and `system_intervals`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from nicassh.errors import DatabaseError
from nicassh.record import Column, Keep, Record, columns

BUSY = 30.0
"""Seconds to wait for another process's write transaction."""
DRIVERS = {"mariadb": "mariadb+pymysql", "mysql": "mysql+pymysql", "postgresql": "postgresql+psycopg"}
"""The driver of a URL that names none."""


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


@dataclass(frozen=True)
class Tables:
    """The tables of one record type: its newest rows, and its history where it keeps one."""

    record: type[Record]
    keep: Keep
    newest: sa.Table
    history: sa.Table | None


def tables(metadata: sa.MetaData, name: str, record: type[Record], keep: Keep) -> Tables:
    """Describes the tables of a record type in `metadata`."""
    newest = sa.Table(name, metadata, *_identity(record), sa.Column("at", Moment, nullable=False), *_values(record))
    history = None
    if keep is Keep.SERIES:
        at = sa.Column("at", Moment, primary_key=True)
        history = sa.Table(
            f"{name}_series", metadata, *_identity(record), at, *_values(record), sqlite_with_rowid=False
        )
    elif keep is Keep.INTERVALS:
        newest.append_column(sa.Column("since", Moment, nullable=False))
        since, until = sa.Column("since", Moment, primary_key=True), sa.Column("until", Moment)
        history = sa.Table(f"{name}_intervals", metadata, *_identity(record), since, until, *_values(record))
    return Tables(record, keep, newest, history)


def connect(url: str) -> sa.Engine:
    """An engine for a database URL; an SQLite file and its folder are made.

    Raises DatabaseError, which does not show the URL: it may hold a password.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() != "sqlite":
            named = parsed.set(drivername=DRIVERS.get(parsed.drivername, parsed.drivername))
            return sa.create_engine(named, pool_pre_ping=True, isolation_level="READ COMMITTED")
        if parsed.database and parsed.database != ":memory:":
            _prepare(Path(parsed.database))
        engine = sa.create_engine(parsed, connect_args={"timeout": BUSY})
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:
        hint = "for example: sqlite:////var/lib/nicamon/nicamon.db"
        raise DatabaseError("the setting `database` is not a URL that SQLAlchemy can open", hint) from error
    sa.event.listen(engine, "connect", _configure_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def extend(engine: sa.Engine, metadata: sa.MetaData) -> None:
    """Adds the columns that a table lacks: a probe's new field, unknown in the rows that are there already."""
    with engine.begin() as connection:
        present = sa.inspect(connection).get_multi_columns(filter_names=list(metadata.tables))
        for (_, name), found in present.items():
            missing = set(metadata.tables[name].c.keys()) - {column["name"] for column in found}
            for column in metadata.tables[name].c:
                if column.name in missing:
                    quoted = engine.dialect.identifier_preparer
                    kind = column.type.compile(engine.dialect)
                    place = f"{quoted.quote(name)} ADD COLUMN {quoted.quote(column.name)}"
                    connection.exec_driver_sql(f"ALTER TABLE {place} {kind}")


def writing(engine: sa.Engine) -> sa.Engine:
    """The engine for a transaction that will write: on SQLite it takes the lock at once, or waits for it."""
    return engine.execution_options(writes=True)


@contextmanager
def explained(engine: sa.Engine) -> Iterator[None]:
    """Turns SQLAlchemy's errors into a DatabaseError that names the database (without password) and the cause."""
    try:
        yield
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise DatabaseError(f"{engine.url.render_as_string(hide_password=True)}: {cause}", _hint(cause)) from error


def _identity(record: type[Record]) -> list[sa.Column[Any]]:
    node = sa.Column("node", sa.String(255), primary_key=True)
    return [node, *(_sql(column) for column in columns(record) if column.key)]


def _values(record: type[Record]) -> list[sa.Column[Any]]:
    return [_sql(column) for column in columns(record) if not column.key]


def _sql(column: Column) -> sa.Column[Any]:
    kinds: dict[type, Any] = {int: sa.BigInteger, float: sa.Double, bool: sa.Boolean, datetime: Moment}
    kind = kinds.get(column.kind) or (sa.String(255) if column.key else sa.Text)
    return sa.Column(
        # Nullable even where a record always has a value: another version of its probe may not have the field.
        column.name, kind, primary_key=column.key, autoincrement=False, nullable=not column.key,
        comment=f"{column.help} [{column.unit.name}]",
    )  # fmt: skip


def _prepare(file: Path) -> None:
    """The folder of an SQLite file; the file is for its owner alone, because it holds command lines of users."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise DatabaseError(f"{file}: {error.strerror}", "see the setting `database`") from error


def _configure_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own way to open transactions is switched off: `_begin_sqlite` opens them.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A transaction that turns from reading to writing half way may fail at once instead of waiting.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _hint(cause: str) -> str:
    for words, hint in (
        ("disk is full", "free some space; nothing that was committed is lost"),
        ("readonly", "the database or its folder cannot be written by this user"),
        ("locked", "another program holds the database for long"),
        ("no such column", "its probe has gained a field since: the next `nicamon collect` adds it to the table"),
        ("no column named", "its probe has gained a field since: the next `nicamon collect` adds it to the table"),
    ):
        if words in cause:
            return hint
    return ""
