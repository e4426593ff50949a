"""SQLite: one file, opened by a collector that may make it, or by a reader that never changes anything."""

from __future__ import annotations

import os
import re
import sqlite3
import stat
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from nicassh.database.dialects import BUSY, dialect_of
from nicassh.model.errors import DatabaseError

OURS = frozenset({"schema_version", "outcomes"})
"""Tables of which a database of nicamon has one at least, whichever version made it, once it has any."""
_URL = re.compile(r"sqlite(?:\+pysqlite)?://(?:/(?P<path>.*))?", re.DOTALL)
_SETTINGS = re.compile(r"\?\w+=[^/?]*$")


def engine(url: str, make: bool) -> sa.Engine | None:
    """Return the engine of an SQLite file, which is made with its folder where `make` says so; None for another URL.

    In the path `%3F` is a question mark and `%25` a per cent sign; a question mark may also stand for itself. Where a
    reader may not write, the file is opened read-only. Raises DatabaseError.
    """
    match = _URL.fullmatch(url)
    if match is None:
        return None
    path = unquote(match["path"] or "")
    if _SETTINGS.search(match["path"] or ""):
        hint = "a question mark in the name of a file or folder is written %3F"
        raise DatabaseError("an SQLite database takes no settings after the `?` of its URL", hint)
    if not path or path == ":memory:":
        return _engine(path)
    file = Path(path)
    if make:
        _prepare(file)
        return _engine(path)
    _find(file)
    return _reading(file)


def reading(file: Path) -> sa.Engine:
    """Return an engine that only reads a file, and changes nothing beside it."""
    return sa.create_engine(_url(str(file)), creator=lambda: _open_read_only(file), poolclass=NullPool)


def exposed(engine: sa.Engine) -> str:
    """Say that users of this machine can read a file that belongs to this user; empty where they cannot."""
    file = engine.url.database if dialect_of(engine).one_file else ""
    if not file or file == ":memory:":
        return ""
    info = Path(file).stat()
    if info.st_uid != os.geteuid() or not info.st_mode & stat.S_IROTH:
        return ""
    what = f"{file}: mode {stat.S_IMODE(info.st_mode):04o} lets every user read it, with the command lines of all users"
    return f"{what}; chmod o= {file}, and let those in its group read who should"


def _reading(file: Path) -> sa.Engine:
    """Return a reader's engine.

    With the right to write, SQLite keeps its log beside the file, as every program's must.
    """
    if not all(os.access(place, os.W_OK, effective_ids=True) for place in (file, file.absolute().parent)):
        engine = reading(file)
    else:
        address = f"{_address(file)}?mode=rw"
        engine = sa.create_engine(_url(str(file)), creator=lambda: _connection(address))
    sa.event.listen(engine, "connect", _own_transactions)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _engine(path: str) -> sa.Engine:
    # The driver asks each None and truth anew whether it can adapt itself, which takes longer than to store it.
    sqlite3.register_adapter(bool, int)
    sqlite3.register_adapter(type(None), lambda none: none)
    engine = sa.create_engine(_url(path), connect_args={"timeout": float(BUSY)})
    sa.event.listen(engine, "connect", _configure)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _url(path: str) -> sa.URL:
    return sa.URL.create("sqlite", database=path or None)


def _address(file: Path) -> str:
    return f"file:{quote(str(file.absolute()))}"


def _connection(address: str) -> sqlite3.Connection:
    return sqlite3.connect(address, uri=True, timeout=float(BUSY), check_same_thread=False)


def _open_read_only(file: Path) -> sqlite3.Connection:
    """Return a connection that needs no right to write.

    While others are at work their log lies beside the file, and is read as well. Without a log the file has everything,
    and only then SQLite may be told that nobody changes it: else it wants to make a log.
    """
    log = file.with_name(f"{file.name}-wal")
    for _ in range(100):
        alone = not log.exists()
        if not alone and not os.access(log, os.R_OK, effective_ids=True):
            hint = (
                f"the log has another group than the database: chmod g+s {file.absolute().parent}; see docs/access.md"
            )
            raise DatabaseError(f"{log}: this user may not read the log of the database", hint)
        connection = _connection(f"{_address(file)}?mode=ro{'&immutable=1' if alone else ''}")
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.OperationalError:
            connection.close()
            if alone or log.exists():
                raise
        else:
            return connection
    raise DatabaseError(f"{file}: others open and close it all the time", "try again")


def _prepare(file: Path) -> None:
    """Make the folder of a file, and the file for its owner alone, because it holds command lines of users."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise DatabaseError(f"{file}: {error.strerror}", "see the setting `database`") from error


def _find(file: Path) -> None:
    """Raise DatabaseError where there is no such file, or this user may not read it."""
    try:
        with file.open("rb"):
            return
    except (FileNotFoundError, NotADirectoryError):
        what = f"no data collected yet: there is no database {file}"
        raise DatabaseError(what, "run `nicamon collect`; or is the setting `database` wrong?") from None
    except OSError as error:
        raise DatabaseError(
            f"{file}: {error.strerror}", "see the setting `database`, and who may read the file"
        ) from None


def _configure(connection: sqlite3.Connection, _record: Any) -> None:
    _own_transactions(connection, _record)
    _write_ahead(connection)
    connection.execute("PRAGMA synchronous=NORMAL")


def _own_transactions(connection: sqlite3.Connection, _record: Any) -> None:
    """Switch the driver's own way to open transactions off: `_begin` opens them."""
    connection.isolation_level = None


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch a file to WAL. While another program does so with a new file, SQLite refuses at once and never waits.

    The file of another program stays as it is.
    """
    until = time.monotonic() + BUSY
    while True:
        try:
            tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if not tables or tables & OURS:
                connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)


def _begin(connection: sa.Connection) -> None:
    # A transaction that turns from reading to writing half way may fail at once instead of waiting.
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
