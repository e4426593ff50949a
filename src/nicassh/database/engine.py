"""Engines: the three kinds of database opened so that they behave alike."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from nicassh.database import sqlite
from nicassh.database.sqlite import BUSY
from nicassh.model.errors import DatabaseError

PATIENCE = 10
"""Seconds to wait for a server to take a connection."""
DRIVERS = {"mariadb": "mariadb+pymysql", "mysql": "mysql+pymysql", "postgresql": "postgresql+psycopg"}
"""The driver of a URL that names none."""
_SETTINGS = "MariaDB: unix_socket, ssl_ca, …; PostgreSQL: host, sslmode, sslrootcert, …"
EXTRAS = {"pymysql": "mariadb", "psycopg": "postgresql"}
"""The extra of our package that installs a driver."""


def connect(url: str, make: bool = True) -> sa.Engine:
    """An engine for a database URL. A server is not asked yet; of SQLite, the file and its folder are made.

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


def _refuse_unescaped(url: str) -> None:
    """Raises DatabaseError where an `@` of a password would end it too early, and its tail be taken for the host."""
    if url.count("@") > 1:
        what = "the setting `database` has more than one `@`: the URL cannot be told apart"
        hint = "in a user name or password write %40 for @, %2F for /, %3A for :, %3F for ?, %23 for #, %25 for %"
        raise DatabaseError(what, hint)


def writing(engine: sa.Engine) -> sa.Engine:
    """The engine for a transaction that will write: on SQLite it takes the lock at once, or waits for it."""
    return engine.execution_options(writes=True)


def _server(url: sa.URL) -> sa.Engine:
    settings: dict[str, Any] = {"connect_timeout": PATIENCE}
    if url.get_backend_name() == "postgresql":
        settings |= {"client_encoding": "utf8", "application_name": "nicamon"}
        configure = _configure_postgresql
    else:
        settings |= {"charset": "utf8mb4"}
        configure = _configure_mariadb
    # What the URL says itself is left as it is.
    given = {name: value for name, value in settings.items() if name not in url.query}
    # READ COMMITTED: with MariaDB's own default a transaction that waited for another would still see what was before.
    engine = sa.create_engine(url, connect_args=given, pool_pre_ping=True, isolation_level="READ COMMITTED")
    sa.event.listen(engine, "do_connect", _open)
    sa.event.listen(engine, "connect", configure)
    return engine


def _open(dialect: sa.Dialect, _record: Any, words: Any, settings: Any) -> Any:
    """A connection of the driver's. Raises DatabaseError for a setting of the URL that it cannot use."""
    try:
        return dialect.connect(*words, **settings)
    except (TypeError, ValueError):
        # What the driver says shows the setting, which somebody may have taken for the place of a password.
        raise DatabaseError("the driver knows no such setting after the `?` of the database's URL", _SETTINGS) from None
    except OSError as error:  # PyMySQL reads the files for TLS before it begins
        what = f"a file that the database's URL names cannot be used: {error.strerror or error}"
        raise DatabaseError(what, "see ssl_ca, ssl_cert and ssl_key after its `?`") from None


def _configure_mariadb(connection: Any, _record: Any) -> None:
    """Strict whatever the server's own mode is: a value that does not fit is refused, not cut."""
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'")
        cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {BUSY}")


def _configure_postgresql(connection: Any, _record: Any) -> None:
    """The same patience as elsewhere. Raises DatabaseError for a database that cannot hold every character."""
    with connection.cursor() as cursor:
        # TimescaleDB would refuse to change what takes more than so many compressed rows to be opened; 0: no limit.
        limit = "set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '0', false)"
        patience = f"set_config('lock_timeout', '{BUSY}s', false)"
        cursor.execute(f"SELECT {patience}, {limit}, current_setting('server_encoding')")
        (_, _, encoding) = cursor.fetchone()
    connection.commit()
    if encoding != "UTF8":
        connection.close()
        hint = "make another: CREATE DATABASE nicamon ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        raise DatabaseError(f"the PostgreSQL database is in {encoding}, and texts need UTF8", hint)


def _no_driver(module: str) -> DatabaseError:
    """The words for a driver that is not there."""
    name = module.partition(".")[0]
    hint = f"pip install 'nicamon[{EXTRAS[name]}]'" if name in EXTRAS else "write the URL without the driver's name"
    return DatabaseError(f"the driver {name} of the setting `database` is not installed", hint)
