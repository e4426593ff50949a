"""Engines: the three kinds of database opened so that they behave alike."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from nicassh.database import sqlite
from nicassh.database.dialects import DIALECTS
from nicassh.model.errors import DatabaseError, UsageError

CONNECT_TIMEOUT = 10
"""Seconds to wait for a server to take a connection."""
DRIVERS = {name: f"{name}+{one.driver}" for name, one in DIALECTS.items() if one.driver}
"""The driver of a URL that names none."""
_SETTINGS = "MariaDB: unix_socket, ssl_ca, …; PostgreSQL: host, sslmode, sslrootcert, …"
EXTRAS = {one.driver: one.extra for one in DIALECTS.values() if one.driver}
"""The extra of our package that installs a driver."""


def connect(url: str, make: bool = True) -> sa.Engine:
    """Return an engine for a database URL. A server is not asked yet; of SQLite, the file and its folder are made.

    Without `make` nothing is made or changed: a reader's engine. Raises DatabaseError, which does not show the URL: it
    may hold a password. Nor does its chain of causes.
    """
    if engine := sqlite.engine(url, make):
        return engine
    _refuse_unescaped(url)
    try:
        parsed = make_url(url)
        parsed = parsed.set(drivername=DRIVERS.get(parsed.drivername, parsed.drivername))
        return _server(parsed)
    except ModuleNotFoundError as error:
        raise _no_driver(error.name or "") from None
    except (ArgumentError, NoSuchModuleError, ImportError, ValueError):
        hint = "for example: sqlite:////var/lib/nicamon/nicamon.db, or postgresql://nicamon@db.example.org/nicamon"
        raise DatabaseError("the setting `database` is not a URL that SQLAlchemy can open", hint) from None


def server_engine(url: str) -> sa.Engine:
    """Return the engine of a server, which is not asked yet. Raises UsageError where the URL is that of a file."""
    if url.startswith("sqlite"):
        what = "SQLite has no accounts"
        raise UsageError(what, "whoever may read its file may read all of it: chgrp GROUP FILE; chmod 640 FILE")
    return connect(url)


def _refuse_unescaped(url: str) -> None:
    """Raise DatabaseError where an `@` of a password would end it too early, and its tail be taken for the host."""
    if url.count("@") > 1:
        what = "the setting `database` has more than one `@`: the URL cannot be told apart"
        hint = "in a user name or password write %40 for @, %2F for /, %3A for :, %3F for ?, %23 for #, %25 for %"
        raise DatabaseError(what, hint)


def writing(engine: sa.Engine) -> sa.Engine:
    """Return the engine for a transaction that will write: on SQLite it takes the lock at once, or waits for it."""
    return engine.execution_options(writes=True)


def _server(url: sa.URL) -> sa.Engine:
    dialect = DIALECTS.get(url.get_backend_name(), DIALECTS["mysql"])
    settings = {"connect_timeout": CONNECT_TIMEOUT, **dialect.settings}
    # What the URL says itself is left as it is.
    given = {name: value for name, value in settings.items() if name not in url.query}
    # READ COMMITTED: with MariaDB's own default a transaction that waited for another would still see what was before.
    engine = sa.create_engine(url, connect_args=given, pool_pre_ping=True, isolation_level="READ COMMITTED")
    sa.event.listen(engine, "do_connect", _open)
    sa.event.listen(engine, "connect", lambda connection, _record: dialect.configure(connection))
    return engine


def _open(dialect: sa.Dialect, _record: Any, words: Any, settings: Any) -> Any:
    """Return a connection of the driver's. Raises DatabaseError for a setting of the URL that it cannot use."""
    try:
        return dialect.connect(*words, **settings)
    except (TypeError, ValueError):
        # What the driver says shows the setting, which somebody may have taken for the place of a password.
        raise DatabaseError("the driver knows no such setting after the `?` of the database's URL", _SETTINGS) from None
    except OSError as error:  # PyMySQL reads the files for TLS before it begins
        what = f"a file that the database's URL names cannot be used: {error.strerror or error}"
        raise DatabaseError(what, "see ssl_ca, ssl_cert and ssl_key after its `?`") from None


def _no_driver(module: str) -> DatabaseError:
    """Return the words for a driver that is not there."""
    name = module.partition(".")[0]
    hint = f"pip install 'nicamon[{EXTRAS[name]}]'" if name in EXTRAS else "write the URL without the driver's name"
    return DatabaseError(f"the driver {name} of the setting `database` is not installed", hint)
