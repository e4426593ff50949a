"""What differs between the kinds of databases: one class of each kind answers all of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa

from nicassh.database.timescale import Timescale
from nicassh.model.errors import DatabaseError

BUSY = 30
"""Seconds to wait for another's write transaction, or for a row that it has locked."""
_HINT = "wait until that program has ended, or end it; nothing was changed here"


@dataclass(frozen=True)
class Account:
    """A new account; the password has letters, digits, `-` and `_` only."""

    name: str
    password: str


class Dialect(ABC):
    """One kind of database."""

    concurrent: ClassVar[bool] = True
    """Whether several transactions may write at once, so that those who write the same rows must lock them."""
    one_file: ClassVar[bool] = False
    """Whether the database is a file, which can be copied page by page."""
    snapshot: ClassVar[dict[str, Any]] = {"isolation_level": "REPEATABLE READ"}
    """Execution options of a transaction that sees all tables as they are at one moment."""
    clock: ClassVar[str] = ""
    """The statement that reads the database's clock in seconds since 1970; empty where it has none of its own."""
    create_view: ClassVar[str] = "CREATE VIEW"
    table_options: ClassVar[str] = ""
    """What ends a CREATE TABLE."""
    long_text: ClassVar[str] = "TEXT"
    """The type of a text of any length."""
    driver: ClassVar[str] = ""
    """The driver of a URL that names none."""
    extra: ClassVar[str] = ""
    """The extra of our package that installs the driver."""
    settings: ClassVar[dict[str, Any]] = {}
    """Settings of each connection to a server, where its URL does not say otherwise."""

    @abstractmethod
    def configure(self, connection: Any) -> None:
        """Prepare a new connection of the driver's. Raises DatabaseError for a database that will not do."""

    @abstractmethod
    def exclusive(self, connection: sa.Connection, patience: float) -> AbstractContextManager[None]:
        """Keep other programs from making or changing tables meanwhile.

        Raises DatabaseError that says who does so where that is not over after `patience` seconds.
        """

    @abstractmethod
    def insert_ignore(self, table: sa.Table) -> Any:
        """Return an INSERT that leaves out rows whose key is there."""

    def upsert(self, keys: Sequence[str], others: Sequence[str]) -> str:
        """Return the end of an INSERT that replaces a row of the same key; the names are quoted."""
        setting = ", ".join(f"{name} = excluded.{name}" for name in others)
        return f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {setting}"

    @abstractmethod
    def sizes(self, connection: sa.Connection) -> dict[str, int]:
        """Return the bytes on the disk of each table, as far as the database tells."""

    @abstractmethod
    def damage(self, connection: sa.Connection, table: sa.Table) -> Iterator[str]:
        """Yield what the database finds wrong with a table; read all of it."""

    @abstractmethod
    def file_damage(self, connection: sa.Connection) -> list[str]:
        """Return what the database finds wrong with its one file; empty where it has none."""

    def continue_numbers(self, connection: sa.Connection, table: sa.Table) -> None:  # noqa: B027 most do so by themselves
        """Make the database number new rows after those that came with their number."""

    def change_type(self, table: str, column: str, kind: str, nullable: bool) -> str | None:  # noqa: ARG002
        """Return the statement that changes a column's type in place; None where it cannot be. The names are quoted."""
        return None

    def timescale(self, connection: sa.Connection) -> Timescale | None:  # noqa: ARG002
        """Return what TimescaleDB can do in this database; None where it is not there."""
        return None

    @abstractmethod
    def may_drop_views(self) -> bool:
        """Say whether the account of a collector may drop views."""

    def grants(self, url: sa.URL, collector: Account, reader: Account, host: str = "%") -> str:
        """Return SQL that makes two accounts, for an administrator to run: one that collects, and one that reads.

        `host` is where MariaDB lets them log in from. Raises UsageError where there are no accounts.
        """
        return self._grants(url, collector, reader, host).strip() + "\n"

    @abstractmethod
    def _grants(self, url: sa.URL, collector: Account, reader: Account, host: str) -> str:
        """Return the statements."""

    @abstractmethod
    def utc(self, seconds: str) -> str:
        """Return SQL for seconds since 1970 as the database's own kind of time, in UTC."""

    @abstractmethod
    def now(self) -> str:
        """Return SQL for the whole seconds since 1970 by the database's clock, inside a view."""


def taken(holder: str | None, patience: float) -> DatabaseError:
    """Return the words for tables that another program is making."""
    who = f" ({holder})" if holder else ""
    return DatabaseError(f"another program makes or upgrades the tables for more than {patience:g} s{who}", _HINT)
