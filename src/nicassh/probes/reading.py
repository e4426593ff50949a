"""What a parser gives, made fit for a database: safe texts, and no value that its column cannot hold.

A value that a column cannot hold is unknown. Where a column must have one, the row is left out, and what the store
knows of it stays. Each is told in a note.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from nicassh.model.notes import MOST, Note, Notes, Unreadable
from nicassh.model.outcome import Unknown
from nicassh.model.records import Column, Record, columns, keys, width
from nicassh.model.text import LIMIT, clean, shorten

_VAST = 1e200
"""Beyond all that can be measured. A sum that is not finite ends each roll-up on MariaDB and PostgreSQL."""
_YEARS = range(1970, 3000)
"""Years that a time can have; before and after them a clock or a text is wrong."""
Found = Record | Unknown | Note


def fit(found: Iterable[Found]) -> Iterator[Found]:
    """Yield the records with values that a database can hold, what is unknown, and at the end the notes.

    Raises what the parser raises, and Unreadable where it gives something else.
    """
    notes = Notes()
    lost: dict[type[Record], list[Unknown]] = {}
    for one in found:
        if isinstance(one, Record):
            changes, odd = _changes(one)
            for name, value in odd.items():
                notes.add(f"{_where(one)}{name}: {_drawn(value)} cannot be held")
            if not odd or all(column.optional for column in columns(type(one)) if column.name in odd):
                yield replace(one, **changes) if changes else one
            else:
                lost.setdefault(type(one), []).extend(_kept(one, odd))
        elif isinstance(one, Unknown):
            yield _meant(one)
        elif isinstance(one, Note):
            notes.add(one.text, one.number)
        else:
            raise Unreadable(f"the parser gave a {type(one).__name__}, which is no record")
    for record, gaps in lost.items():
        yield from gaps if len(gaps) <= MOST else [Unknown(record)]
    yield from notes


def _changes(record: Record) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the fields to change with their new values, and the fields whose value no column can hold."""
    changes: dict[str, Any] = {}
    odd: dict[str, Any] = {}
    for name, kind, column, longest in _fields(type(record)):
        value: Any = getattr(record, name)
        if type(value) is kind:
            if kind is str:
                # Nearly all texts are so. The rest of the checks costs ten times as much.
                if not (len(value) <= longest and value.isascii() and value.isprintable()):
                    changes[name] = _safe(type(record), column, value)
                continue
            if kind is bool or _holds(column, value):
                continue
        elif value is None and column.optional:
            continue
        elif kind is float and type(value) is int and _holds(column, value):
            changes[name] = float(value)
            continue
        changes[name], odd[name] = None, value
    return changes, odd


_known: dict[type[Record], list[tuple[str, Any, Column, int]]] = {}


def _fields(record: type[Record]) -> list[tuple[str, Any, Column, int]]:
    """Return name, type, column and the greatest length of a text of each field of a record."""
    if record not in _known:
        _known[record] = [(one.name, one.kind, one, width(record) if one.key else LIMIT) for one in columns(record)]
    return _known[record]


def _holds(column: Column, value: Any) -> bool:
    """Return whether a database can hold the value, and whether the column's unit allows it.

    Whole numbers have 64 bits, others are so far below infinity that a sum of many is as well.
    """
    if type(value) is datetime:
        return value.tzinfo is not None and value.year in _YEARS
    room = -(2**63) <= value < 2**63 if type(value) is int else abs(value) < _VAST
    return room and (column.unit.least is None or value >= column.unit.least)


def _kept(record: Record, odd: dict[str, Any]) -> Iterator[Unknown]:
    """Return that this row is unknown; None where its keys are not known either."""
    names = [column.name for column in keys(type(record))]
    if not set(names) & set(odd):
        yield _meant(Unknown(type(record), tuple((name, getattr(record, name)) for name in names)))


def _where(record: Record) -> str:
    """Return the keys of a row as the beginning of a note: `/data: `."""
    words = [_drawn(getattr(record, column.name)) for column in keys(type(record))]
    told = " ".join(word for word in words if word)
    return f"{told}: " if told else ""


def _drawn(value: Any) -> str:
    """Return a value of any type for a note; a whole number may have more digits than Python writes."""
    if isinstance(value, int) and abs(value) >= 10**30:
        return "a number of more than 30 digits"
    return clean(str(value)[:200], 40)


def _meant(gap: Unknown) -> Unknown:
    """Return the gap with its texts as they are in the records."""
    known = {column.name: column for column in columns(gap.record)}
    where = ((n, _safe(gap.record, known[n], value) if isinstance(value, str) else value) for n, value in gap.where)
    return replace(gap, where=tuple(where))


def _safe(record: type[Record], column: Column, text: str) -> str:
    return shorten(clean(text), width(record)) if column.key else clean(text)
