"""Arranging a table: other columns, some rows, another order, fewer rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from nicassh.inventory import natural
from nicassh.model.errors import UsageError
from nicassh.model.units import counted
from nicassh.query.comparison import Words, nearest
from nicassh.query.filter import matcher
from nicassh.query.table import KEY, Row, Table

SEVERITY = "severity"
"""The name by which every table can be sorted: rows with the worst values come first."""


def select_columns(table: Table, columns: Sequence[str]) -> Table:
    """Return the table with other columns: `a,b` exactly these, `+a` one more, `-a` one less. Raises UsageError."""
    if not columns:
        return table
    signed = [name[:1] in ("+", "-") for name in columns]
    if any(signed) and not all(signed):
        raise UsageError("columns: either names, or each with + or - in front", "for example: --columns +cpu,-role")
    names = [name[sign:] for name, sign in zip(columns, signed, strict=True)]
    for name in names:
        check_column(table, name)
    if all(signed):
        priorities = {name[1:]: KEY if name[0] == "+" else 0 for name in columns}
        fields = (replace(field, priority=priorities.get(field.name, field.priority)) for field in table.fields)
        return replace(table, fields=tuple(fields))
    return replace(table, selected=tuple(dict.fromkeys(names)))


def filter_rows(table: Table, expression: str, words: Words | None = None) -> Table:
    """Return the rows for which an expression such as `load1 > 4 and role = batch` holds; see `matcher`."""
    if not expression:
        return table
    holds = matcher(expression, {field.name: field.column for field in table.fields}, words)
    return replace(table, rows=tuple(row for row in table.rows if holds(row.values)))


def sort_rows(table: Table, keys: Sequence[str]) -> Table:
    """Return the rows sorted by fields, `-load1` from the largest; unknown values come last. Raises UsageError.

    With `severity` the rows with the worst values come first, with `-severity` last.
    """
    rows: Iterable[Row] = table.rows
    for key in reversed(keys):
        name = key.removeprefix("-") if key.startswith("-") else key.removeprefix("+")
        if name == SEVERITY:
            rows = sorted(rows, key=lambda row: row.worst.rank, reverse=not key.startswith("-"))
            continue
        check_column(table, name)
        order = next(field.sort_key for field in table.fields if field.name == name) or sortable
        known = [row for row in rows if row.values[name] is not None]
        unknown = [row for row in rows if row.values[name] is None]
        rows = _sorted(known, name, order, key.startswith("-")) + unknown
    return replace(table, rows=tuple(rows))


def _sorted(rows: list[Row], name: str, order: Callable[[Any], Any], reverse: bool) -> list[Row]:
    return sorted(rows, key=lambda row: order(row.values[name]), reverse=reverse)


def limit_rows(table: Table, limit: int) -> Table:
    """Return the first rows of a table, with a note that says how many are left out. Raises UsageError below 0."""
    if limit < 0:
        raise UsageError(f"a limit of {limit} rows: it is 0 or more")
    if len(table.rows) <= limit:
        return table
    note = f"{counted(len(table.rows) - limit, 'more row')} left out: the limit is {limit}"
    return replace(table, rows=table.rows[:limit], notes=(*table.notes, note))


def sortable(value: Any) -> Any:
    """Return the key that sorts a value as a person expects: names in natural order, lists by their length."""
    if isinstance(value, str):
        return natural(value)
    if isinstance(value, datetime):
        return value.timestamp()
    return len(value) if isinstance(value, list | dict) else value


def check_column(table: Table, name: str) -> None:
    """Raise UsageError, with the nearest name, where a table has no column of this name."""
    names = [field.name for field in table.fields]
    if name not in names:
        hint = nearest(name, [field.column for field in table.fields])
        raise UsageError(f"{table.name} has no column {name!r}", hint)
