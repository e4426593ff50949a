"""The errors of SQLAlchemy and of the three drivers in our words: what to do, and what is worth another try."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from urllib.parse import quote_plus

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from nicassh.database.engine import writing
from nicassh.model.errors import DatabaseError

T = TypeVar("T")
TRIES = 3
"""How often a transaction is begun that the database breaks off for another's sake."""
_AGAIN = ("1020", "1205", "1213", "40001", "40P01", "55P03")
"""MariaDB: a row has changed since it was read, a lock took too long, deadlock; and so in PostgreSQL's numbers."""
_HINTS: tuple[tuple[tuple[str, ...], str], ...] = (
    # Numbers of MariaDB's server and client, SQLSTATEs of PostgreSQL, or words where there is no number: SQLite has
    # none that would do, and libpq passes none on of a login that failed.
    (("1021", "1114", "53100", "disk is full", "No space left", "Errcode: 28"),
     "free some space; nothing that was committed is lost"),
    # SQLite says so where it has no room for the index of its log, and where the disk fails.
    (("disk I/O error",), "the disk is full or fails: free some space; nothing that was committed is lost"),
    (("readonly", "unable to open database file"), "the database or its folder cannot be written by this user"),
    (("1290", "1836", "25006"), "the server takes no writes: it is a standby, or set to read only"),
    (("database is locked", *_AGAIN), "another program holds the database for long"),
    (("no such column", "no column named", "1054", "42703"),
     "its probe has gained a field since: the next `nicamon collect` adds it to the table"),
    (("1045", "1698", "28P01", "28000", "authentication failed", "no password supplied", "no pg_hba.conf entry"),
     "the server knows no such account with this password from this machine; see the setting `database`"),
    (("1049", "3D000", "FATAL:  database"), "make the database first; docs/install.md says how"),
    (("1044", "1142", "1143", "1227", "42501"), "the account lacks a right; docs/install.md says which it needs"),
    (("1040", "1203", "53300"), "the server has no connection left for this account"),
    (("57P03", "starting up", "shutting down"), "the server is just starting or ending: try again"),
    (("2002", "2003", "2005", "Connection refused", "No such file", "could not translate", "failed to resolve",
      "Name or service", "timeout expired", "No route to host", "connection to server at"),
     "no server answers there: is it running, is the address in the setting `database` right?"),
)  # fmt: skip
_LOST = "the connection was lost; all that was committed is there, run it again"


@contextmanager
def translate_errors(engine: sa.Engine) -> Iterator[None]:
    """Turn errors of SQLAlchemy and of the driver into a DatabaseError: the database (no password) and the cause."""
    try:
        yield
    except (SQLAlchemyError, engine.dialect.loaded_dbapi.Error) as error:
        cause = _hidden(_cause(error), engine.url)
        raise DatabaseError(f"{place(engine.url)}: {cause}", _hint(error)) from error


def is_retryable(error: BaseException | None) -> bool:
    """Say whether a transaction failed only because of another one (deadlock, time-out of a lock): a new try may pass.

    Takes SQLAlchemy's error, the driver's, or the DatabaseError that was made of it.
    """
    if isinstance(error, DatabaseError):
        error = error.__cause__
    return _code(error) in _AGAIN


def with_retry(engine: sa.Engine, work: Callable[[sa.Connection], T]) -> T:
    """Return what `work` gives in a writing transaction, which is begun anew where it is broken off for another's sake.

    So `work` does nothing but read and write through its connection. Raises DatabaseError.
    """
    for left in reversed(range(TRIES)):
        try:
            with translate_errors(engine), writing(engine).begin() as connection:
                return work(connection)
        except DatabaseError as error:
            if not left or not is_retryable(error):
                raise
    raise AssertionError("the last try returns or raises")


def _code(error: BaseException | None) -> str:
    """Return the driver's number for an error; empty where it has none."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    number = cause.args[0] if cause is not None and cause.args else None
    return str(number) if isinstance(number, int) else getattr(cause, "sqlstate", None) or ""


def _cause(error: Exception) -> str:
    """Return what the driver says, in one line."""
    cause = getattr(error, "orig", None) or error
    if len(cause.args) == 2 and isinstance(cause.args[0], int):
        # PyMySQL: (1045, "Access denied …")
        return f"{cause.args[1]} ({cause.args[0]})".replace("\n", " ")
    lines = str(cause).strip().splitlines() or [type(cause).__name__]
    # Where a name has several addresses, psycopg lists what came of each.
    return lines[-1].removeprefix("- ") if lines[0].startswith("Multiple connection attempts") else lines[0]


def _hint(error: Exception) -> str:
    code, words = _code(error), str(getattr(error, "orig", None) or error)
    for signs, hint in _HINTS:
        if any(sign == code if sign[0].isdigit() else sign in words for sign in signs):
            return hint
    return _LOST if isinstance(error, DBAPIError) and error.connection_invalidated else ""


def place(url: sa.URL) -> str:
    """Return the database as a person names it: no password, no driver, none of the URL's settings."""
    short = url.set(drivername=url.get_backend_name(), query={})
    return sa.URL.create(**{**short._asdict(), "password": None}).render_as_string()


def _hidden(text: str, url: sa.URL) -> str:
    """Return the text without the URL's password, and without any that stands in its settings."""
    secrets = [url.password, *(value for name, value in url.query.items() if "pass" in name.lower())]
    for secret in (str(secret) for secret in secrets if secret):
        text = text.replace(secret, "***").replace(quote_plus(secret), "***")
    return text
