"""From a question to its answer: reads the parameters, builds the table, and arranges its rows."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from nicassh.model.errors import UsageError
from nicassh.model.units import read_moment, read_seconds
from nicassh.query.arrange import filter_rows, limit_rows, select_columns, sort_rows
from nicassh.query.comparison import Words
from nicassh.query.grouping import grouped
from nicassh.query.registry import Parameter, Request, TableSpec
from nicassh.query.table import Table
from nicassh.query.trends import MARK, with_trends

MOST_ROWS = 1_000_000
"""Rows that an answer has at most, whatever limit is asked for."""


@dataclass(frozen=True)
class Arrangement:
    """How a reader wants the rows: which, in which order, with which columns, grouped by nodes or not, how many.

    With `group` None they are grouped where the table is best read so. Without a `limit`, MOST_ROWS is the limit.
    """

    filter: str = ""
    sort: Sequence[str] = ()
    columns: Sequence[str] = ()
    group: bool | None = False
    limit: int | None = None

    @classmethod
    def read(cls, filter: str, sort: Any, columns: Any, group: bool | None, limit: Any) -> Arrangement:  # noqa: A002
        """Return an arrangement of values or of texts, as a command line or an address has them. Raises UsageError."""
        if isinstance(limit, str):
            if not limit.isdecimal():
                raise UsageError(f"limit: {limit!r} is no number of rows")
            limit = int(limit)
        return cls(filter or "", _names(sort), _names(columns), group, limit)


def _names(given: Any) -> tuple[str, ...]:
    """Return names of columns, also of a text such as `load1,-cpu`."""
    parts = given.split(",") if isinstance(given, str) else given or ()
    return tuple(part.strip() for part in parts if part.strip())


def answer(spec: TableSpec, request: Request, arrangement: Arrangement) -> Table:
    """Return the answer to a question. Raises UsageError before anything is read, where that is possible."""
    words = request.words
    check(spec, arrangement, words)
    table = spec.build(request)
    if any(name.endswith(MARK) for name in arrangement.columns):
        table = with_trends(table, request.snapshot, arrangement.columns)
    return summarized(spec, arranged(table, arrangement, words), arrangement)


def check(spec: TableSpec, arrangement: Arrangement, words: Words) -> None:
    """Raise UsageError for columns and a filter that a table cannot have. An open one is not checked."""
    if not spec.is_open and not any(name.endswith(MARK) for name in arrangement.columns):
        arranged(Table(spec.name, spec.fields, ()), arrangement, words)


def arranged(table: Table, arrangement: Arrangement, words: Words) -> Table:
    """Return the table with the columns, the rows and the order that the reader wants. Raises UsageError."""
    chosen = select_columns(table, arrangement.columns)
    return sort_rows(filter_rows(chosen, arrangement.filter, words), arrangement.sort)


def summarized(spec: TableSpec, table: Table, arrangement: Arrangement) -> Table:
    """Return the table with its summary, which is that of all its rows; grouped and limited as the reader wants."""
    limit = MOST_ROWS if arrangement.limit is None else min(arrangement.limit, MOST_ROWS)
    table = replace(table, summary=spec.summarize(table))
    further = tuple(limit_rows(_grouped(one, arrangement.group), limit) for one in table.further)
    return limit_rows(replace(_grouped(table, arrangement.group), further=further), limit)


def _grouped(table: Table, group: bool | None) -> Table:
    wanted = table.group_by_default and len(table.rows) > 1 if group is None else group
    return grouped(table) if wanted else table


def read_parameters(spec: TableSpec, given: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return a value of the right type for each parameter of a table; texts are read. Raises UsageError."""
    known = {one.name: one for one in spec.parameters}
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"parameters: {', '.join(known) or 'none'}"
            raise UsageError(f"the table {spec.name} has no parameter {name!r}", hint)
    return {name: _value(spec, one, given.get(name), now) for name, one in known.items()}


def _value(spec: TableSpec, parameter: Parameter, given: Any, now: datetime) -> Any:
    if given is None or (parameter.required and given in ("", ())):
        if parameter.required:
            raise UsageError(f"the table {spec.name} needs the parameter {parameter.name!r}", parameter.help)
        given = parameter.default
    if given is None:
        return None
    if parameter.many:
        return tuple(_read(parameter, one, now) for one in ([given] if isinstance(given, str) else given))
    return _read(parameter, given, now)


def _read(parameter: Parameter, given: Any, now: datetime) -> Any:
    """Return one value of a parameter. Raises UsageError."""
    try:
        value = _READERS.get(parameter.kind, _plain)(parameter, given, now) if isinstance(given, str) else given
        if parameter.kind is float and isinstance(value, int):
            value = float(value)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{given!r} is no number")
        if not isinstance(value, parameter.kind):
            raise ValueError(f"{given!r} is no {parameter.kind.__name__}")
    except ValueError as error:
        raise UsageError(f"{parameter.name}: {error}", parameter.help) from None
    if parameter.least is not None and isinstance(value, int | float) and value < parameter.least:
        raise UsageError(f"{parameter.name}: {value:g} is less than {parameter.least:g}", parameter.help)
    if parameter.choices and value not in parameter.choices:
        raise UsageError(f"{parameter.name}: {value!r} is none of {', '.join(filter(None, parameter.choices))}")
    return value


def _plain(parameter: Parameter, text: str, _now: datetime) -> Any:
    return parameter.kind(text)


def _flag(_parameter: Parameter, text: str, _now: datetime) -> bool:
    words = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if text.lower() not in words:
        raise ValueError(f"{text!r} is neither yes nor no")
    return words[text.lower()]


_READERS: dict[type, Any] = {
    bool: _flag,
    datetime: lambda _parameter, text, now: read_moment(text, now),
    timedelta: lambda _parameter, text, _now: timedelta(seconds=read_seconds(text)),
}
