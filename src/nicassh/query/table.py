"""What a view is: fields and rows; choosing, filtering and ordering them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from nicassh.inventory import natural
from nicassh.model.errors import UsageError
from nicassh.model.records import Column
from nicassh.model.units import Text, Unit
from nicassh.query.filter import matcher


@dataclass
class Row:
    """The values of one row by field name; which of them are old, and which are in trouble (1 warning, 2 bad)."""

    values: dict[str, Any]
    old: set[str] = field(default_factory=set)
    trouble: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Field:
    """One column of a view.

    `weight` orders what a narrow terminal leaves out (the lightest first); a weight of 0 is shown only
    on request. `draw` replaces the unit's own way to draw where a cell tells more than one value.
    `flexible` cells may be cut to fit. `merge` makes one value of those of several nodes where rows are
    gathered; without it, rows whose cells differ are not. `sort` makes the key by which values are
    ordered, where their own order is not meant. `inside` names the object that holds the value in JSON.
    """

    column: Column
    weight: int = 5
    draw: Callable[[Row], str] | None = None
    flexible: bool = False
    merge: Callable[[list[Any]], Any] | None = None
    sort: Callable[[Any], Any] | None = None
    inside: str = ""

    @cached_property
    def name(self) -> str:
        """The column's name, asked for a million times on a large farm."""
        return self.column.name

    def cell(self, row: Row) -> str:
        """What a person reads in this field of a row."""
        return self.draw(row) if self.draw else self.column.draw(row.values[self.name])


_WANTED = 98
"""The weight of a column that the reader asked for: others give way to it on a narrow terminal."""


@dataclass(frozen=True)
class View:
    """A table: its name (the schema is `nicamon.NAME/1`), fields in order, rows, and what makes a line about them."""

    name: str
    fields: tuple[Field, ...]
    rows: tuple[Row, ...]
    summarize: Callable[[Sequence[Row]], str] = lambda _rows: ""
    shown: tuple[str, ...] = ()
    """Names of the fields that the reader asked for; empty: those with a weight."""
    gathers: bool = False
    """Whether a person would rather read it gathered: one row for all nodes that are alike."""


def declared(name: str, kind: type, unit: Any, help: str, title: str = "", **thresholds: Any) -> Column:  # noqa: A002
    """A column that no record has, because a view computes it."""
    meta = next(
        extra for extra in getattr(unit, "__metadata__", getattr(Text, "__metadata__", ())) if isinstance(extra, Unit)
    )
    limits = {"low": None, "high": None, **thresholds}
    return Column(name, kind, meta, help, title or name.replace("_", " "), key=False, optional=True, **limits)


def choose(view: View, columns: Sequence[str]) -> View:
    """The view with other columns shown: `a,b` exactly these, `+a` one more, `-a` one less. Raises UsageError."""
    if not columns:
        return view
    names = [name.lstrip("+-") for name in columns]
    for name in names:
        _known(view, name)
    if all(name[0] in "+-" for name in columns):
        weights = {name[1:]: _WANTED if name[0] == "+" else 0 for name in columns}
        fields = (replace(field, weight=weights.get(field.name, field.weight)) for field in view.fields)
        return replace(view, fields=tuple(fields))
    return replace(view, shown=tuple(dict.fromkeys(names)))


def filtered(view: View, expression: str) -> View:
    """The rows for which an expression such as `load1 > 4 and role = batch` holds. Raises UsageError."""
    if not expression:
        return view
    holds = matcher(expression, {field.name: field.column for field in view.fields})
    return replace(view, rows=tuple(row for row in view.rows if holds(row.values)))


def ordered(view: View, keys: Sequence[str]) -> View:
    """The rows sorted by fields, `-load1` from the largest; unknown values come last. Raises UsageError."""
    rows: Iterable[Row] = view.rows
    for key in reversed(keys):
        name = key.lstrip("+-")
        _known(view, name)
        order = next(field.sort for field in view.fields if field.name == name) or sortable
        known = [row for row in rows if row.values[name] is not None]
        unknown = [row for row in rows if row.values[name] is None]
        rows = _sorted(known, name, order, key.startswith("-")) + unknown
    return replace(view, rows=tuple(rows))


def _sorted(rows: list[Row], name: str, order: Callable[[Any], Any], reverse: bool) -> list[Row]:
    return sorted(rows, key=lambda row: order(row.values[name]), reverse=reverse)


def sortable(value: Any) -> Any:
    """The key that sorts a value as a person expects: names in natural order, lists by their length."""
    if isinstance(value, str):
        return natural(value)
    if isinstance(value, datetime):
        return value.timestamp()
    return len(value) if isinstance(value, list | dict) else value


def _known(view: View, name: str) -> None:
    names = [field.name for field in view.fields]
    if name not in names:
        near = difflib.get_close_matches(name, names, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"columns: {', '.join(names)}"
        raise UsageError(f"{view.name} has no column {name!r}", hint)
