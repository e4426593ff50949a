"""All rows of one database copied to another of any kind, and both compared.

Tables are found by looking into the source, so that none is forgotten; the target must have them already, or
is given them as they are. Rows are read in one transaction: what is written to the source meanwhile is not in
the copy. A table arrives whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa

from nicassh.database import schema
from nicassh.database.dialects import dialect_of
from nicassh.database.engine import writing
from nicassh.database.faults import translate_errors
from nicassh.database.making import create
from nicassh.database.record_tables import TEXT
from nicassh.model.errors import DatabaseError

BATCH = 2000
"""Rows that are held in memory and written at a time."""
Progress = Callable[[str, int], None]
_BITS = 2**128


@dataclass(frozen=True)
class Copied:
    """A table as it was copied: its rows, and a sum over all of them that no order changes."""

    table: str
    rows: int
    checksum: str


def copy(
    source: sa.Engine,
    target: sa.Engine,
    declared: Sequence[sa.MetaData],
    progress: Progress = lambda _table, _rows: None,
) -> list[Copied]:
    """Replace all rows of the target by those of the source, and read them back to compare.

    The tables `declared` are made in the target first. `progress(table, rows)` hears of the progress. Raises
    DatabaseError, also where a table has not arrived as it was; the tables before that one are whole then.
    """
    for metadata in declared:
        with translate_errors(target):
            create(target, metadata)
    with translate_errors(source), _snapshot(source) as reading:
        _same_version(reading)
        found = names(reading)
        done = [_one(reading, name, target, progress) for name in found]
    with translate_errors(target), writing(target).begin() as connection:
        for table in (table for metadata in declared for table in metadata.sorted_tables if table.name not in found):
            connection.execute(sa.delete(table))
    return done


def _one(reading: sa.Connection, name: str, target: sa.Engine, progress: Progress) -> Copied:
    """Copy one table and compare."""
    table = _table(reading, name)
    there = _prepared(target, table)
    with translate_errors(target):
        copied = _copy(_rows(reading, table), table, target, there, progress)
        with target.connect() as back:
            arrived = _summed(name, _rows(back, there, [column.name for column in table.c]))
    if arrived != copied:
        raise DatabaseError(
            f"{name} has not arrived as it was: {copied.rows} rows were sent, {arrived.rows} came",
            "is another program writing there? End it and copy again",
        )
    return copied


def _same_version(connection: sa.Connection) -> None:
    """Raise DatabaseError where the rows are those of another version of the program."""
    if (found := schema.version(connection)) != schema.CURRENT:
        schema.check_not_newer(found)
        raise DatabaseError(
            f"the database has {f'the schema {found}' if found else 'no tables of nicamon'}, wanted: {schema.CURRENT}",
            "run `nicamon db upgrade` on it before it is copied",
        )


def names(connection: sa.Connection) -> list[str]:
    """Return the tables that hold rows of ours, by name: all but the version, which the target has itself."""
    return sorted(name for name in sa.inspect(connection).get_table_names() if name != schema.TABLE)


def refuse_rows(target: sa.Engine) -> None:
    """Raise DatabaseError where a database has rows already."""
    with translate_errors(target), target.connect() as connection:
        found = filled(connection)
    if found:
        raise DatabaseError(
            f"the database is not empty: {', '.join(found[:5])}{' …' if found[5:] else ''}",
            "take an empty one; with --force the rows that are there are removed",
        )


def filled(connection: sa.Connection, besides: Sequence[str] = ("task_classes",)) -> list[str]:
    """Return the tables that have rows, besides those that are made with some."""
    quote = connection.dialect.identifier_preparer.quote_identifier
    return [
        name
        for name in names(connection)
        if name not in besides and connection.exec_driver_sql(f"SELECT 1 FROM {quote(name)} LIMIT 1").first()  # noqa: S608
    ]


@contextmanager
def _snapshot(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Return a transaction that sees all tables at one moment."""
    with engine.connect().execution_options(**dialect_of(engine).snapshot) as connection, connection.begin():
        yield connection


def _table(connection: sa.Connection, name: str) -> sa.Table:
    """Return a table as the database has it, its floats as floats (SQLAlchemy makes decimals of MariaDB's)."""
    table = sa.Table(name, sa.MetaData(), autoload_with=connection, quote=True)
    for column in table.c:
        if isinstance(column.type, sa.Float):
            column.type = sa.Double()
    return table


def _prepared(target: sa.Engine, table: sa.Table) -> sa.Table:
    """Return the table of that name in the target, made where it is missing. Raises DatabaseError where columns are."""
    with translate_errors(target), writing(target).begin() as connection:
        if not sa.inspect(connection).has_table(table.name):
            table.to_metadata(made := sa.MetaData())
            for column in made.tables[table.name].c:
                column.type = _general(column.type)
                column.server_default = None
            made.create_all(connection)
        there = _table(connection, table.name)
    if lost := [column.name for column in table.c if column.name not in there.c]:
        raise DatabaseError(
            f"{table.name} has no column {', '.join(lost)} there",
            "the databases are of different versions of nicamon: run `nicamon db upgrade` on both",
        )
    return there


def _general(kind: Any) -> Any:
    """Return a type of one database as all have it; a text without a width is one of any length."""
    if isinstance(kind, sa.String):
        return sa.String(kind.length) if kind.length and not isinstance(kind, sa.Text) else TEXT
    return kind if isinstance(kind, sa.Double) else kind.as_generic()


def _copy(
    rows: Iterator[Sequence[Any]], table: sa.Table, target: sa.Engine, there: sa.Table, progress: Progress
) -> Copied:
    """Write the rows in one transaction."""
    fields = [column.name for column in table.c]
    number, total = 0, 0
    with writing(target).begin() as connection:
        connection.execute(sa.delete(there))
        for batch in _batches(rows):
            connection.execute(sa.insert(there), [dict(zip(fields, row, strict=True)) for row in batch])
            number, total = number + len(batch), (total + sum(map(_digest, batch))) % _BITS
            progress(table.name, number)
        dialect_of(connection).continue_numbers(connection, there)
    return Copied(table.name, number, f"{total:032x}")


def _rows(connection: sa.Connection, table: sa.Table, fields: Sequence[str] = ()) -> Iterator[Sequence[Any]]:
    """Return the rows of a table, a batch at a time in memory."""
    query = sa.select(*(table.c[name] for name in fields or table.c.keys()))
    yield from connection.execute(query, execution_options={"yield_per": BATCH})


def _batches(rows: Iterator[Sequence[Any]]) -> Iterator[list[Sequence[Any]]]:
    batch: list[Sequence[Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _summed(name: str, rows: Iterator[Sequence[Any]]) -> Copied:
    number, total = 0, 0
    for row in rows:
        number, total = number + 1, (total + _digest(row)) % _BITS
    return Copied(name, number, f"{total:032x}")


def _digest(row: Sequence[Any]) -> int:
    """Return a number for a row."""
    text = repr(tuple(map(_alike, row))).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=16).digest(), "big")


def _alike(value: Any) -> Any:
    """Return the value as each kind of database gives it: 0 or 1 for a truth, and one zero."""
    if isinstance(value, bool):
        return int(value)
    return 0.0 if isinstance(value, float) and value == 0 else value
