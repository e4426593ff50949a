"""The kinds of databases; a new one is a file with a class, and an entry here."""

from __future__ import annotations

import sqlalchemy as sa

from nicassh.database.dialects.base import BUSY, Account, Dialect
from nicassh.database.dialects.mariadb import MariaDb, MySql
from nicassh.database.dialects.postgresql import PostgreSql
from nicassh.database.dialects.sqlite import Sqlite

__all__ = ["BUSY", "DIALECTS", "Account", "Dialect", "dialect_of"]

DIALECTS: dict[str, Dialect] = {
    "sqlite": Sqlite(), "mariadb": MariaDb(), "mysql": MySql(), "postgresql": PostgreSql(),
}  # fmt: skip
"""By the name that a URL begins with."""


def dialect_of(place: sa.Engine | sa.Connection | sa.Dialect) -> Dialect:
    """Return the kind of the database behind an engine or a connection."""
    known = place if isinstance(place, sa.Dialect) else place.dialect
    if getattr(known, "is_mariadb", False):
        return DIALECTS["mariadb"]
    return DIALECTS.get(known.name, DIALECTS["sqlite"])  # SQLAlchemy's own dialect prints a statement for no database
