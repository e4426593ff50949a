"""What an answer is: a table of fields and rows, with a summary. Faces draw it; they compute nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from nicassh.model.records import Column
from nicassh.model.severity import Severity, worst
from nicassh.model.units import Text, Unit


@dataclass
class Row:
    """The raw values of one row by field name; the names of stale ones; the severities of those that are not ok."""

    values: dict[str, Any]
    stale: set[str] = field(default_factory=set)
    severities: dict[str, Severity] = field(default_factory=dict)

    def severity(self, name: str) -> Severity:
        """Return how bad the value of a field is."""
        return self.severities.get(name, Severity.OK)

    @property
    def worst(self) -> Severity:
        """Return how bad the worst value of the row is."""
        return worst(self.severities.values())


class Cell(NamedTuple):
    """What a face draws in one place: the text with its unit, how bad the value is, and whether it is out of date."""

    text: str
    severity: Severity
    stale: bool


KEPT, KEY = 97, 100
"""From these priorities on a narrow screen leaves a column out only where it is empty, and never."""


@dataclass(frozen=True)
class Field:
    """One column of a table.

    `priority` orders what a narrow screen leaves out: the lowest goes first, and 0 is hidden by default; see KEPT and
    KEY. `draw` replaces the drawing of the unit where a cell shows more than one value. Where a row is too long, the
    cells of a `truncatable` field are shortened, and those of one that `wraps` go on in the next line. `aggregate`
    makes one value of those of several nodes where rows are grouped; without it, rows whose cells differ stay apart.
    `sort_key` replaces the order of the values. `json_group` names the object that holds the value in JSON.
    """

    column: Column
    priority: int = 5
    draw: Callable[[Row], str] | None = None
    truncatable: bool = False
    wraps: bool = False
    aggregate: Callable[[list[Any]], Any] | None = None
    sort_key: Callable[[Any], Any] | None = None
    json_group: str = ""

    @cached_property
    def name(self) -> str:
        """Return the name of the column. A large table asks for it a million times, so it is kept."""
        return self.column.name

    def text(self, row: Row) -> str:
        """Return what a person reads in this field of a row."""
        return self.draw(row) if self.draw else self.column.draw(row.values[self.name])


@dataclass(frozen=True)
class Table:
    """An answer: fields in order, rows of raw values, and what a reader is told about all of them.

    `facts` are what the summary needs besides the rows. `notes` say what limits the answer, such as a batch system
    that does not respond. `further` are tables that belong to this one: in JSON they stand beside the rows, or inside
    the only row where they are `nested`.
    """

    name: str
    fields: tuple[Field, ...]
    rows: tuple[Row, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    summary: str = ""
    selected: tuple[str, ...] = ()
    """Names of the fields that the reader asked for; empty: those with a priority."""
    group_by_default: bool = False
    """Whether a person reads it best with one row for all nodes that are alike."""
    further: tuple[Table, ...] = ()
    nested: bool = False
    most_drawn: int | None = None
    """How many rows a person is shown; programs get all."""

    @property
    def schema(self) -> str:
        """Return the name of the form of the rows, for programs."""
        return f"nicamon.{self.name}/1"

    @property
    def visible(self) -> tuple[Field, ...]:
        """Return the fields that a person is shown where the width allows it."""
        return self.chosen if self.selected else tuple(field for field in self.fields if field.priority)

    @property
    def chosen(self) -> tuple[Field, ...]:
        """Return the fields that a program gets: those that the reader asked for, else all."""
        known = {field.name: field for field in self.fields}
        return tuple(known[name] for name in self.selected) if self.selected else self.fields

    @property
    def about(self) -> str:
        """Return the summary and the notes as one line."""
        return "; ".join(filter(None, (self.summary, *self.notes)))

    def cells(self, field: Field) -> Iterator[Cell]:
        """Yield what a face draws in a field, row by row."""
        name = field.name
        for row in self.rows:
            yield Cell(field.text(row), row.severity(name), name in row.stale)


def computed(
    name: str,
    kind: type,
    unit: Any,
    help: str,  # noqa: A002 as in `column`
    choices: Iterable[str] = (),
    **thresholds: Any,
) -> Column:
    """Return a column that no record has, because a table computes it. `choices` are all words that it may have."""
    meta = next(
        extra for extra in getattr(unit, "__metadata__", getattr(Text, "__metadata__", ())) if isinstance(extra, Unit)
    )
    limits = {"low": None, "high": None, "choices": tuple(choices), **thresholds}
    return Column(name, kind, meta, help, key=False, optional=True, **limits)
