"""Databases with the tables of a store, which tests have one after another: to make 60 tables takes half a second.

A test finds the tables as a program has just made them. What it does to the tables themselves ends the database.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import servers
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from unit_rows import stored

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
_KEPT = ("schema_version", "settings")
"""Tables that have rows from the beginning."""


@dataclass
class _Loan:
    """A database: its name and address, and what it was when its tables had been made."""

    name: str
    url: str
    shape: set[tuple[Any, ...]]
    rows: dict[str, list[tuple[Any, ...]]]


class Lending:
    """The databases of one run that are free, by kind; none is there twice."""

    def __init__(self, serving: Callable[[str], servers.Server], folder: Path) -> None:
        self._serving, self._folder = serving, folder
        self._free: dict[str, list[_Loan]] = {}

    @contextmanager
    def lent(self, kind: str) -> Iterator[str]:
        """The URL of a database with empty tables."""
        free = self._free.setdefault(kind, [])
        loan = free.pop() if free else self._made(kind)
        yield loan.url
        if _emptied(kind, loan):
            free.append(loan)
        else:
            self._serving(kind).drop(loan.name)

    def copied(self, file: Path) -> str:
        """The URL of an SQLite file with empty tables."""
        pattern = self._folder / "pattern.db"
        if not pattern.exists():
            with stored(f"sqlite:///{pattern}"):
                pass
        shutil.copy(pattern, file)
        return f"sqlite:///{file}"

    def _made(self, kind: str) -> _Loan:
        name, url = self._serving(kind).create()
        with stored(url):
            pass
        with _connected(url) as connection:
            return _Loan(name, url, _shape(kind, connection), {table: _rows(connection, table) for table in _KEPT})


def _emptied(kind: str, loan: _Loan) -> bool:
    """Takes all rows out; says whether the tables are as they were made."""
    limit = f"lock_timeout = '{_PATIENCE}s'" if kind == "postgresql" else f"lock_wait_timeout = {_PATIENCE}"
    try:
        with _connected(loan.url) as connection:
            connection.exec_driver_sql(f"SET {limit}")
            same = _shape(kind, connection) == loan.shape
            same = same and all(_rows(connection, table) == rows for table, rows in loan.rows.items())
            for table in _filled(kind, connection, loan) if same else ():
                connection.exec_driver_sql(f"TRUNCATE TABLE {table}")
            return same
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


def _rows(connection: sa.Connection, table: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {table}")]


def _filled(kind: str, connection: sa.Connection, loan: _Loan) -> list[str]:
    """The tables that have rows and should have none."""
    place = "DATABASE()" if kind == "mariadb" else "'public'"
    tables = (
        f"SELECT table_name FROM information_schema.tables WHERE table_schema = {place} AND table_type = 'BASE TABLE'"
    )
    names = [name for (name,) in connection.exec_driver_sql(tables) if name not in loan.rows]
    mark = "`" if kind == "mariadb" else '"'
    looks = [f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {mark}{name}{mark})" for name in names]
    if kind == "mariadb":
        looks = [one.replace(" WHERE", " FROM dual WHERE") for one in looks]
    return [f"{mark}{name}{mark}" for (name,) in connection.exec_driver_sql(" UNION ALL ".join(looks))]
