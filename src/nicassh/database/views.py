"""SQL views: made where they are missing, and removed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles

PREFIX = "view_"
"""How the name of each view begins; no table of a probe does."""


class Utc(sa.sql.functions.GenericFunction[Any]):
    """Seconds since 1970 as the database's own kind of time, in UTC."""

    type = sa.DateTime()
    name = "utc"
    inherit_cache = True


@compiles(Utc, "sqlite")
def _sqlite(element: Utc, compiler: Any, **settings: Any) -> str:
    return f"datetime({compiler.process(element.clauses, **settings)}, 'unixepoch')"


@compiles(Utc, "postgresql")
def _postgresql(element: Utc, compiler: Any, **settings: Any) -> str:
    return f"to_timestamp({compiler.process(element.clauses, **settings)})"


@compiles(Utc, "mysql", "mariadb")
def _mariadb(element: Utc, compiler: Any, **settings: Any) -> str:
    # FROM_UNIXTIME would give it in the time zone of the session, and ends in 2038.
    return f"TIMESTAMPADD(SECOND, {compiler.process(element.clauses, **settings)}, '1970-01-01')"


class Now(sa.sql.functions.GenericFunction[Any]):
    """The seconds since 1970 by the database's clock."""

    type = sa.BigInteger()
    name = "nicamon_now"
    inherit_cache = True


@compiles(Now, "sqlite")
def _now_sqlite(_element: Now, _compiler: Any, **_settings: Any) -> str:
    return "CAST(strftime('%s', 'now') AS INTEGER)"


@compiles(Now, "postgresql")
def _now_postgresql(_element: Now, _compiler: Any, **_settings: Any) -> str:
    return "CAST(extract(epoch FROM now()) AS BIGINT)"


@compiles(Now, "mysql", "mariadb")
def _now_mariadb(_element: Now, _compiler: Any, **_settings: Any) -> str:
    return "CAST(unix_timestamp() AS SIGNED)"


def make(connection: sa.Connection, views: Mapping[str, sa.Select[Any]]) -> None:
    """Makes the views that are missing."""
    present = set(sa.inspect(connection).get_view_names())
    # The rights that count are those of the reader: an account that made a view may go, and the view stays.
    secure = "SQL SECURITY INVOKER " if connection.dialect.name in ("mysql", "mariadb") else ""
    for name, query in views.items():
        if name not in present:
            text = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
            connection.exec_driver_sql(f"CREATE {secure}VIEW {name} AS {text}")


def drop(connection: sa.Connection, names: Iterable[str]) -> None:
    """Removes views, where they are there."""
    for name in set(names) & set(sa.inspect(connection).get_view_names()):
        connection.exec_driver_sql(f"DROP VIEW {name}")


def drop_allowed(connection: sa.Connection, names: Iterable[str]) -> None:
    """The same as far as this account may: the collector of MariaDB may not, and leaves it to `db upgrade`."""
    if connection.dialect.name not in ("mysql", "mariadb"):
        drop(connection, names)
        return
    with suppress(DBAPIError):
        drop(connection, names)
