"""Tables whose rows go straight through the driver, many at once.

SQLAlchemy prepares each value of each row by itself, which takes many times what the database does with them. Here
rows are tuples of what the database holds, so that rows that came and rows that are stored compare as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nicassh.database.dialects import dialect_of
from nicassh.database.record_tables import Moment
from nicassh.model.records import Column
from nicassh.model.text import shorten

RowTuple = tuple[Any, ...]
"""A row, or the beginning of one: what the database holds, in the order of a table's columns."""
_CHUNK = 5000
"""Nodes in one IN (…): SQLite takes 32,766 variables, PostgreSQL 65,535."""


class BulkTable:
    """A table with its columns in an order of our own: `names`."""

    def __init__(self, table: sa.Table, names: Sequence[str], dialect: sa.Dialect) -> None:
        """Prepare the statements."""
        quote = dialect.identifier_preparer.quote_identifier
        self._mark = mark = "?" if dialect.paramstyle == "qmark" else "%s"
        self._table, self._columns = quote(table.name), ", ".join(quote(name) for name in names)
        self._node, self._quote = quote("node"), quote
        key = [column.name for column in table.primary_key]
        # A table of keys alone has nothing else to set.
        others = [quote(name) for name in names if name not in key] or [quote(key[0])]
        instead = dialect_of(dialect).upsert([quote(name) for name in key], others)
        marks = ", ".join([mark] * len(names))
        self._insert = f"INSERT INTO {self._table} ({self._columns}) VALUES ({marks}) {instead}"  # noqa: S608 names are ours
        self._match = " AND ".join(f"{quote(name)} = {mark}" for name in names if name in key)

    def read(self, connection: sa.Connection, nodes: Iterable[str]) -> list[RowTuple]:
        """Return the rows of some nodes."""
        rows: list[RowTuple] = []
        for part in chunks(nodes):
            query = f"SELECT {self._columns} FROM {self._table} WHERE {self._among(part)}"  # noqa: S608 names are ours
            rows += driver_rows(connection.exec_driver_sql(query, tuple(part)))
        return rows

    def upsert(self, connection: sa.Connection, rows: Sequence[RowTuple]) -> None:
        """Add rows, each in the place of a row with the same key."""
        if rows:
            connection.exec_driver_sql(self._insert, list(rows))

    def delete(self, connection: sa.Connection, keys: Sequence[RowTuple]) -> None:
        """Remove the rows with these keys."""
        if keys:
            connection.exec_driver_sql(f"DELETE FROM {self._table} WHERE {self._match}", list(keys))  # noqa: S608

    def delete_nodes(self, connection: sa.Connection, nodes: Iterable[str]) -> None:
        """Remove all rows of some nodes."""
        for part in chunks(nodes):
            query = f"DELETE FROM {self._table} WHERE {self._among(part)}"  # noqa: S608
            connection.exec_driver_sql(query, tuple(part))

    def set_time(self, connection: sa.Connection, at: int, nodes: Iterable[str]) -> int:
        """Set the time of all rows of some nodes [s since 1970], and return how many there are."""
        touched = 0
        for part in chunks(nodes):
            query = f"UPDATE {self._table} SET {self._quote('at')} = {self._mark} WHERE {self._among(part)}"  # noqa: S608
            touched += connection.exec_driver_sql(query, (at, *part)).rowcount
        return touched

    def close(self, connection: sa.Connection, rows: Sequence[RowTuple]) -> None:
        """Close intervals: tuples of `until` and the key."""
        if rows:
            query = f"UPDATE {self._table} SET {self._quote('until')} = {self._mark} WHERE {self._match}"  # noqa: S608
            connection.exec_driver_sql(query, list(rows))

    def _among(self, nodes: Sequence[str]) -> str:
        return f"{self._node} IN ({', '.join([self._mark] * len(nodes))})"


def driver_rows(result: sa.CursorResult[Any]) -> list[RowTuple]:
    """Return all rows of a result as the driver gives them: SQLAlchemy's own rows would take as long as the reading."""
    cursor = result.cursor
    rows: list[RowTuple] = [] if cursor is None else list(cursor.fetchall())
    result.close()
    return rows


def converted(query: sa.Select[Any], rows: Sequence[RowTuple], dialect: sa.Dialect) -> Iterable[RowTuple]:
    """Return rows of a query with times and booleans of Python, column by column."""
    if not rows:
        return []
    values: list[Iterable[Any]] = list(zip(*rows, strict=True))
    for index, column in enumerate(query.selected_columns):
        if convert := _converter(column, dialect):
            values[index] = map(convert, values[index])
    return zip(*values, strict=True)


def as_dicts(query: sa.Select[Any], rows: Sequence[RowTuple], dialect: sa.Dialect) -> list[dict[str, Any]]:
    """Return rows of a query by the names of their columns, with times and booleans of Python.

    Its text is written out and compiled, as in `row_maker`: `dict(zip(…))` takes twice as long for each of 20,000 rows.
    """
    columns = list(query.selected_columns)
    converters = {
        f"c{index}": convert for index, column in enumerate(columns) if (convert := _converter(column, dialect))
    }
    values = [f"c{index}(v{index})" if f"c{index}" in converters else f"v{index}" for index in range(len(columns))]
    pairs = ", ".join(f"{column.name!r}: {value}" for column, value in zip(columns, values, strict=True))
    names = ", ".join(f"v{index}" for index in range(len(columns)))
    made: Callable[..., list[dict[str, Any]]] = eval(f"lambda rows: [{{{pairs}}} for {names}, in rows]", converters)  # noqa: S307 names of columns are quoted
    return made(rows)


def _converter(column: sa.ColumnElement[Any], dialect: sa.Dialect) -> Callable[[Any], Any] | None:
    """Return what makes a value of Python out of the driver's; None where the driver's is one already."""
    if not isinstance(column.type, Moment | sa.Boolean):
        return None
    convert: Callable[[Any], Any] | None = column.type.dialect_impl(dialect).result_processor(dialect, None)
    return convert


def chunks(nodes: Iterable[str]) -> Iterator[list[str]]:
    """Return the names, each once, in parts that fit into one query."""
    names = list(dict.fromkeys(nodes))
    return (names[index : index + _CHUNK] for index in range(0, len(names), _CHUNK))


def stored_form(value: Any) -> Any:
    """Return a value as the database holds it: a time as whole seconds since 1970."""
    return int(value.timestamp()) if isinstance(value, datetime) else value


def row_maker(order: Sequence[Column], longest: int = 0) -> Callable[..., RowTuple]:
    """Return a function that makes a row of a node, a record and further values, in the form the database holds.

    Texts of more than `longest` characters are shortened; 0: none is. Its text is written out and compiled, as
    dataclasses do with theirs: for each of 200,000 rows `operator.attrgetter` takes nearly twice as long.
    """
    forms: dict[type, str] = {datetime: "None if (v := record.{0}) is None else int(v.timestamp())"}
    if longest:
        forms[str] = f"v if (v := record.{{0}}) is None or len(v) <= {longest} else shorten(v, {longest})"
    values = [f"({forms.get(column.kind, 'record.{0}').format(column.name)})" for column in order]
    text = f"lambda node, record, *ends: (node, {', '.join(values)}, *ends)"
    made: Callable[..., RowTuple] = eval(text, {"shorten": shorten})  # noqa: S307 names of fields are Python's own
    return made
