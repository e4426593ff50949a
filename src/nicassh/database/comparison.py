"""Compare a database with the declared tables: what can simply be added, and what a person must review."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

from nicassh.database.dialects import dialect_of
from nicassh.database.record_tables import views_of
from nicassh.database.schema import FIXED


@dataclass(frozen=True)
class Difference:
    """One column, or the key of a table: what was found and what is wanted, as the database writes types.

    `found` is empty where it is missing, `wanted` where it should not be there; `column` is empty where it
    is the whole table.
    """

    table: str
    column: str
    found: str
    wanted: str

    @property
    def is_additive(self) -> bool:
        """Say whether adding mends it: a missing table of a record, or a missing column that may be unknown."""
        return not self.found and "NOT NULL" not in self.wanted and self.table not in FIXED

    def __str__(self) -> str:
        place = f"{self.table}.{self.column}" if self.column else self.table
        return f"{place} is {self.found or 'missing'}" + (f", wanted: {self.wanted}" if self.wanted else ", not wanted")


def differences(connection: sa.Connection, metadata: sa.MetaData) -> list[Difference]:
    """Return how the tables of the database differ from those declared; tables that nobody declares are left out."""
    look = sa.inspect(connection)
    names = list(metadata.tables)
    columns = {name: found for (_, name), found in look.get_multi_columns(filter_names=names).items()}
    keys = {name: found for (_, name), found in look.get_multi_pk_constraint(filter_names=names).items()}
    found: list[Difference] = []
    for name, table in metadata.tables.items():
        if name not in columns:
            found.append(Difference(name, "", "", "a table"))
        else:
            key = tuple(keys[name]["constrained_columns"]) if name in keys else ()
            found += _compared(table, {column["name"]: column for column in columns[name]}, key, connection.dialect)
    return found


def review(
    found: Iterable[Difference], metadata: sa.MetaData, dialect: sa.Dialect, hypertables: Collection[str] = ()
) -> Iterator[str]:
    """SQL, a statement a line, that mends what adding does not; for a person to read before it is run.

    Views of these tables go, and come back with the next collection. Where a key has changed, and on SQLite
    and of `hypertables` where a type has, the old table is put aside and keeps its rows.
    """
    serious = [one for one in found if not one.is_additive]
    for view, query in (views_of(metadata) if serious else {}).items():
        if any(re.search(rf"\b{one.table}\b", str(query)) for one in serious):
            yield f"DROP VIEW IF EXISTS {dialect.identifier_preparer.quote_identifier(view)};"
    for name in dict.fromkeys(one.table for one in serious):
        mine = [one for one in serious if one.table == name]
        if not mine[0].column:
            yield _made(metadata.tables[name], dialect)
            continue
        table = metadata.tables[name]
        keys = {column.name for column in table.primary_key}
        in_place = name not in hypertables or all(not one.wanted for one in mine)
        if in_place and not any(one.column in keys or one.column == KEY or not one.found for one in mine):
            changes = [_alter(table, one, dialect) for one in mine]
        else:
            changes = [None]
        yield from _aside(table, dialect) if None in changes else filter(None, changes)


KEY = "(key)"
"""Stands for the name of a column where it is the key that differs."""


def _compared(table: sa.Table, found: dict[str, Any], key: Sequence[str], dialect: sa.Dialect) -> Iterator[Difference]:
    for column in table.c:
        wanted = kind(column.type, dialect)
        if column.name not in found:
            yield Difference(table.name, column.name, "", wanted + ("" if column.nullable else " NOT NULL"))
        elif (there := kind(found[column.name]["type"], dialect)) != wanted:
            yield Difference(table.name, column.name, there, wanted)
        elif not column.primary_key and column.nullable and not found[column.name]["nullable"]:
            yield Difference(table.name, column.name, f"{there} NOT NULL", wanted)
    for name in found:
        if name not in {column.name for column in table.c}:
            yield Difference(table.name, name, kind(found[name]["type"], dialect), "")
    declared = [column.name for column in table.primary_key]
    if set(key) != set(declared):
        yield Difference(table.name, KEY, ", ".join(key), ", ".join(declared))


def kind(declared: Any, dialect: sa.Dialect) -> str:
    """Return the type as the database names it, without what it adds by itself: a width for display, a collation."""
    text = str(declared.compile(dialect=dialect)).upper().partition(" ")[0]
    text = re.sub(r"^(\w*INT\w*)\(\d+\)", r"\1", text)
    return {"BOOL": "TINYINT", "INT": "INTEGER"}.get(text, text)


def _alter(table: sa.Table, one: Difference, dialect: sa.Dialect) -> str | None:
    """Return the statement that mends one column; None where this kind of database has none."""
    quote = dialect.identifier_preparer.quote_identifier
    where, column = f"ALTER TABLE {quote(table.name)}", quote(one.column)
    if not one.wanted:
        return f"{where} DROP COLUMN {column};"
    wanted = table.c[one.column]
    declared = wanted.type.compile(dialect=dialect)
    return dialect_of(dialect).change_type(quote(table.name), column, declared, bool(wanted.nullable))


def _aside(table: sa.Table, dialect: sa.Dialect) -> Iterator[str]:
    quote = dialect.identifier_preparer.quote_identifier
    yield f"-- {table.name}: the rows there are stay in {table.name}_before; copy what is wanted, then drop it"
    yield f"ALTER TABLE {quote(table.name)} RENAME TO {quote(f'{table.name}_before')};"
    yield _made(table, dialect)


def _made(table: sa.Table, dialect: sa.Dialect) -> str:
    return " ".join(str(CreateTable(table).compile(dialect=dialect)).split()) + ";"
