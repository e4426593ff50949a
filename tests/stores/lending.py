"""Databases with tables, which tests have one after another: to make the 60 of a store takes half a second.

A test finds the tables as a program has just made them. What it does to the tables themselves ends the database.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import servers
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from nicassh.database import DRIVERS

_PATIENCE = 5
"""Seconds to wait for a transaction that a test has left open."""
_SHAPE = {
    "mariadb": """SELECT table_name, ordinal_position, column_name, column_type, is_nullable, column_default,
        column_comment FROM information_schema.columns WHERE table_schema = DATABASE()""",
    "postgresql": """SELECT c.oid, relname, attname, atttypid, attnotnull, col_description(attrelid, attnum)
        FROM pg_class c LEFT JOIN pg_attribute ON attrelid = c.oid WHERE relnamespace = 'public'::regnamespace""",
}
"""What asks each kind of server how its tables and views are."""
_TABLES = {
    "mariadb": "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() "
    "AND table_type = 'BASE TABLE'",
    "postgresql": "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'",
}
_Rows = dict[str, list[tuple[Any, ...]]]


@dataclass
class _Loan:
    """A database: its name and address, and its tables and rows when the tables had been made."""

    name: str
    url: str
    shape: set[tuple[Any, ...]]
    rows: _Rows


class Lending:
    """The databases of one run that are free, by kind and pattern; none is there twice.

    `patterns` make the tables in an empty database.
    """

    def __init__(
        self,
        serving: Callable[[str], servers.Server],
        folder: Path,
        patterns: Mapping[str, Callable[[str], None]],
    ) -> None:
        self._serving, self._folder, self._patterns = serving, folder, patterns
        self._free: dict[tuple[str, str], list[_Loan]] = {}

    @contextmanager
    def lent(self, kind: str, pattern: str) -> Iterator[str]:
        """The URL of a database with the tables of a pattern."""
        free = self._free.setdefault((kind, pattern), [])
        loan = free.pop() if free else self._made(kind, pattern)
        yield loan.url
        if _restored(kind, loan):
            free.append(loan)
        else:
            self._serving(kind).drop(loan.name)

    def copied(self, file: Path, pattern: str) -> str:
        """The URL of an SQLite file with the tables of a pattern."""
        made = self._folder / f"{pattern}.db"
        if not made.exists():
            self._patterns[pattern](f"sqlite:///{made}")
        shutil.copy(made, file)
        return f"sqlite:///{file}"

    def _made(self, kind: str, pattern: str) -> _Loan:
        name, url = self._serving(kind).create()
        self._patterns[pattern](url)
        with _connected(url) as connection:
            return _Loan(name, url, _shape(kind, connection), _rows(kind, connection))


def _restored(kind: str, loan: _Loan) -> bool:
    """Gives the tables the rows that they had; False where the tables are not those that were made."""
    limit = f"lock_timeout = '{_PATIENCE}s'" if kind == "postgresql" else f"lock_wait_timeout = {_PATIENCE}"
    again = " RESTART IDENTITY" if kind == "postgresql" else ""
    try:
        with _connected(loan.url) as connection:
            connection.exec_driver_sql(f"SET {limit}")
            if _shape(kind, connection) != loan.shape:
                return False
            for table, rows in _rows(kind, connection).items():
                before = loan.rows.get(table, [])
                if rows != before:
                    connection.exec_driver_sql(f"TRUNCATE TABLE {table}{again}")
                    _insert(connection, table, before)
            return True
    except DBAPIError:  # it is gone, or a test left a transaction open
        return False


@contextmanager
def _connected(url: str) -> Iterator[sa.Connection]:
    own = sa.make_url(url)
    driver = own.set(drivername=DRIVERS[own.drivername])
    with sa.create_engine(driver, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool).connect() as connection:
        yield connection


def _shape(kind: str, connection: sa.Connection) -> set[tuple[Any, ...]]:
    return {tuple(row) for row in connection.exec_driver_sql(_SHAPE[kind])}


def _rows(kind: str, connection: sa.Connection) -> _Rows:
    """The tables that have rows, quoted, each with its first rows: few are there from the beginning."""
    mark, dual = ("`", " FROM dual") if kind == "mariadb" else ('"', "")
    names = connection.exec_driver_sql(_TABLES[kind]).scalars().all()
    looks = (f"SELECT '{name}'{dual} WHERE EXISTS (SELECT 1 FROM {mark}{name}{mark})" for name in names)
    filled = [f"{mark}{name}{mark}" for name in connection.exec_driver_sql(" UNION ALL ".join(looks)).scalars()]
    return {
        table: [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table} LIMIT 10")] for table in filled
    }


def _insert(connection: sa.Connection, table: str, rows: list[tuple[Any, ...]]) -> None:
    for row in rows:
        connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({', '.join(['%s'] * len(row))})", row)
