"""Whether the rows of a database can all be read, fit together, and are of nodes that are known."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from nicassh.database.copying import names
from nicassh.database.dialects import dialect_of
from nicassh.database.engine import writing
from nicassh.database.faults import translate_errors


@dataclass(frozen=True)
class Checked:
    """A table: its rows, what is wrong with it (empty: nothing), and nodes with rows that are not in the inventory."""

    table: str
    rows: int | None
    fault: str
    unlisted: tuple[str, ...]


def check(engine: sa.Engine, nodes: Collection[str]) -> list[Checked]:
    """Return all tables there are, by name; for SQLite first the file as a whole. Raises DatabaseError.

    Every value is read, so it takes as long as that takes; others may write meanwhile.
    """
    known, dialect = set(nodes), dialect_of(engine)
    with translate_errors(engine), engine.connect() as connection:
        found = [Checked("(file)", None, fault, ()) for fault in dialect.file_damage(connection)]
        tables = names(connection)
    # A file that is whole needs no look at its tables one by one.
    deep = bool(found) or dialect.concurrent
    return [*found, *(_checked(engine, name, known, deep) for name in tables)]


def check_writable(engine: sa.Engine) -> None:
    """Raise DatabaseError where this user may not write to the database. Nothing is changed."""
    with translate_errors(engine), writing(engine).connect() as connection, connection.begin() as transaction:
        connection.execute(sa.delete(sa.table("settings")).where(sa.false()))
        transaction.rollback()


def _checked(engine: sa.Engine, name: str, known: Collection[str], deep: bool) -> Checked:
    """Return one table in a connection of its own: after an error some databases take nothing more in theirs."""
    try:
        with engine.connect() as connection:
            table = sa.Table(name, sa.MetaData(), autoload_with=connection, quote=True)
            faults = [
                *(dialect_of(connection).damage(connection, table) if deep else ()),
                *_overlapping(connection, table),
            ]
            rows, unlisted = _counted(connection, table, known)
    except DBAPIError as error:
        return Checked(name, None, str(error.orig).splitlines()[0], ())
    return Checked(name, rows, "; ".join(faults), unlisted)


def _overlapping(connection: sa.Connection, table: sa.Table) -> Iterator[str]:
    """Return intervals that cannot be: two of the same thing that both last."""
    if not {"since", "until"} <= set(table.c.keys()):
        return
    key = [column for column in table.primary_key if column.name != "since"]
    twice = sa.select(*key).where(table.c.until.is_(None)).group_by(*key).having(sa.func.count() > 1).subquery()
    if number := connection.scalar(sa.select(sa.func.count()).select_from(twice)):
        yield f"{number} of its keys have more than one interval that lasts"


def _counted(connection: sa.Connection, table: sa.Table, known: Collection[str]) -> tuple[int, tuple[str, ...]]:
    if "node" not in table.c:
        return connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0, ()
    query = sa.select(table.c.node, sa.func.count()).group_by(table.c.node)
    rows: Sequence[Any] = connection.execute(query).all()
    # A job without a node has an empty one.
    return sum(row[1] for row in rows), tuple(sorted(row[0] for row in rows if row[0] and row[0] not in known))
