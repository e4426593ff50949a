"""A database saved as one SQLite file, whatever kind it is, while others go on writing to it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa

from nicassh.database import schema
from nicassh.database.copying import Progress, copy
from nicassh.database.dialects import dialect_of
from nicassh.database.engine import connect
from nicassh.database.faults import translate_errors
from nicassh.database.making import create
from nicassh.database.sqlite import reading
from nicassh.model.errors import DatabaseError

_PAGES = 2000
"""Pages that are copied between two words of progress."""


def backup(
    source: sa.Engine, file: Path, declared: Sequence[sa.MetaData], progress: Progress = lambda _table, _rows: None
) -> None:
    """Save all of a database in a new SQLite file, which is there once it is whole and was read back.

    Others may write meanwhile; the file has what was there when it began. Raises DatabaseError.
    """
    if file.exists():
        raise DatabaseError(f"{file} exists already", "name another file, or move that one away")
    part = file.with_name(f"{file.name}.part")
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        if dialect_of(source).one_file:
            _save(source, part, progress)
        else:
            target = connect(f"sqlite:///{quote(str(part))}")
            copy(source, target, declared, progress)
            target.dispose()
        _settle(part)
        part.rename(file)
    except OSError as error:
        raise DatabaseError(f"{error.filename or file}: {error.strerror}", "nothing was saved") from error
    except sqlite3.Error as error:
        raise DatabaseError(f"{file}: {error}", "nothing was saved; is there room for it?") from error
    finally:
        for name in (part, *(part.with_name(part.name + end) for end in ("-wal", "-shm", "-journal"))):
            with suppress(OSError):
                name.unlink(missing_ok=True)


@contextmanager
def opened(file: Path, declared: Sequence[sa.MetaData]) -> Iterator[sa.Engine]:
    """Return a saved file for reading; one that an older program saved is brought up to date in a copy.

    Raises DatabaseError where it is not such a file, or a newer program has saved it.
    """
    if not file.is_file():
        raise DatabaseError(f"{file}: no such file", "it is the one that `nicamon db backup` has written")
    engine = reading(file)
    try:
        with translate_errors(engine), engine.connect() as connection:
            found = schema.version(connection)
    except DatabaseError as error:
        raise DatabaseError(
            f"{file}: {error.what.rpartition(': ')[2]}", "it is no file of `nicamon db backup`"
        ) from None
    if not found:
        raise DatabaseError(f"{file}: it has no tables of nicamon", "it is no file of `nicamon db backup`")
    schema.check_not_newer(found)
    if found == schema.CURRENT:
        yield engine
        return
    with tempfile.TemporaryDirectory(prefix="nicamon-") as folder:
        newer = connect(f"sqlite:///{quote(shutil.copy(file, folder))}")
        for metadata in declared:
            create(newer, metadata, allow_changes=True)
        yield newer
        newer.dispose()


def _save(source: sa.Engine, part: Path, progress: Progress) -> None:
    """Copy the pages in SQLite's own way, in one transaction, so that it need not begin anew when another writes."""
    with translate_errors(source), source.connect() as connection, closing(sqlite3.connect(part)) as target:
        connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar()
        raw = connection.connection.dbapi_connection
        assert isinstance(raw, sqlite3.Connection)  # noqa: S101 the dialect says so
        raw.backup(target, pages=_PAGES, progress=lambda _state, left, pages: progress("pages", pages - left))


def _settle(part: Path) -> None:
    """Make one file of it, without a log beside it, that was read through and is on the disk."""
    with closing(sqlite3.connect(part)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if said != "ok":
            raise DatabaseError(f"the copy is not whole: {said}", "check the database itself: `nicamon db check`")
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
