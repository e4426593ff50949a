"""SQLite: one file, in which one transaction writes at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from nicassh.database.dialects.base import Account, Dialect
from nicassh.model.errors import UsageError

_BYTES = """
SELECT tbl_name, SUM(pgsize) FROM dbstat JOIN sqlite_master USING (name) WHERE aggregate = TRUE GROUP BY tbl_name
"""


class Sqlite(Dialect):
    """SQLite 3.34 and newer."""

    concurrent: ClassVar[bool] = False
    one_file: ClassVar[bool] = True
    snapshot: ClassVar[dict[str, Any]] = {}

    def configure(self, connection: Any) -> None:
        """Do nothing: `database.sqlite` opens files its own way."""

    def exclusive(self, connection: sa.Connection, patience: float) -> AbstractContextManager[None]:  # noqa: ARG002
        """Do nothing: the writing transaction keeps others out."""
        return nullcontext()

    def insert_ignore(self, table: sa.Table) -> Any:
        """Return INSERT OR IGNORE."""
        return sa.insert(table).prefix_with("OR IGNORE")

    def sizes(self, connection: sa.Connection) -> dict[str, int]:
        """Count the pages of each table, where SQLite was built with `dbstat`."""
        if not connection.scalar(sa.text("SELECT sqlite_compileoption_used('ENABLE_DBSTAT_VTAB')")):
            return {}
        return {name: int(number) for name, number in connection.exec_driver_sql(_BYTES)}

    def damage(self, connection: sa.Connection, table: sa.Table) -> Iterator[str]:
        """Yield the words of `integrity_check` of one table."""
        yield from _integrity(connection, connection.dialect.identifier_preparer.format_table(table))

    def file_damage(self, connection: sa.Connection) -> list[str]:
        """Return the first ten words of `integrity_check` of the file."""
        try:
            return _integrity(connection, "10")
        except DBAPIError as error:  # of some damage it says so itself, instead of in its answer
            if "malformed" not in str(error.orig):
                raise
            return [str(error.orig)]

    def may_drop_views(self) -> bool:
        """Return True: who writes the file may do anything in it."""
        return True

    def _grants(self, url: sa.URL, collector: Account, reader: Account, host: str) -> str:  # noqa: ARG002
        raise UsageError("SQLite has no accounts")

    def utc(self, seconds: str) -> str:
        """Return a text: SQLite has no type for times."""
        return f"datetime({seconds}, 'unixepoch')"

    def now(self) -> str:
        """Return the seconds by this machine's clock."""
        return "CAST(strftime('%s', 'now') AS INTEGER)"


def _integrity(connection: sa.Connection, argument: str) -> list[str]:
    said = connection.exec_driver_sql(f"PRAGMA integrity_check({argument})").scalars().all()
    return [line for line in said if line != "ok"]
