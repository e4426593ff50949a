"""SQL views: made where they are missing, and removed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles

from nicassh.database.dialects import dialect_of

PREFIX = "view_"
"""How the name of each view begins; no table of a probe does."""


class Utc(sa.sql.functions.GenericFunction[Any]):
    """Seconds since 1970 as the database's own kind of time, in UTC."""

    type = sa.DateTime()
    name = "utc"
    inherit_cache = True


@compiles(Utc)
def _utc(element: Utc, compiler: Any, **settings: Any) -> str:
    return dialect_of(compiler.dialect).utc(compiler.process(element.clauses, **settings))


class Now(sa.sql.functions.GenericFunction[Any]):
    """The seconds since 1970 by the database's clock."""

    type = sa.BigInteger()
    name = "nicamon_now"
    inherit_cache = True


@compiles(Now)
def _now(_element: Now, compiler: Any, **_settings: Any) -> str:
    return dialect_of(compiler.dialect).now()


def make(connection: sa.Connection, views: Mapping[str, sa.Select[Any]]) -> None:
    """Make the views that are missing."""
    present = set(sa.inspect(connection).get_view_names())
    create = dialect_of(connection).create_view
    for name, query in views.items():
        if name not in present:
            text = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
            connection.exec_driver_sql(f"{create} {name} AS {text}")


def drop(connection: sa.Connection, names: Iterable[str]) -> None:
    """Remove views, where they are there."""
    for name in set(names) & set(sa.inspect(connection).get_view_names()):
        connection.exec_driver_sql(f"DROP VIEW {name}")


def drop_allowed(connection: sa.Connection, names: Iterable[str]) -> None:
    """Return the same as far as this account may: the collector of MariaDB may not, and leaves it to `db upgrade`."""
    if dialect_of(connection).may_drop_views():
        drop(connection, names)
        return
    with suppress(DBAPIError):
        drop(connection, names)
