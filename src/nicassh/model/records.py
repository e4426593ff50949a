"""Records: the typed rows that a probe yields about a node.

A probe author writes a frozen dataclass; everything else (SQL table, terminal table, JSON, CSV,
documentation, parser tests) is a projection of `columns()`.
"""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from nicassh.model.severity import Severity
from nicassh.model.units import UNKNOWN, Text, Unit

KEYS = 504
"""Characters that the text keys of a record have together: a key of MariaDB has room for them, a node and times."""

UPTIME = "node_uptime"
"""The store's own column for the uptime of the node when a newest row was true; what is kept as intervals has none."""


class Keep(StrEnum):
    """What the store keeps of a record besides its newest rows."""

    SERIES = "series"
    """A measurement: every value with its time."""
    INTERVALS = "intervals"
    """A state or an inventory: one row per distinct value, with since and until."""
    LATEST = "latest"
    """A listing: the newest set and nothing else."""


@dataclass(frozen=True)
class Record:
    """The base of every record; it holds no state, only the projection."""

    keep: ClassVar[Keep | None] = None
    """Overrides the probe's own `keep` where one probe yields records of several kinds."""
    top: ClassVar[tuple[str, ...]] = ()
    """Of a listing: the numbers by which the first rows of each collection are kept for two days."""
    table: ClassVar[str] = ""
    """Names its table. By default the first record of a probe has the probe's name, and another `PROBE_RECORD`."""


@dataclass(frozen=True)
class Column:
    """One field of a record, as every projection sees it."""

    name: str
    kind: type
    """The Python type without its unit: int, float, str, bool or datetime."""
    unit: Unit
    help: str
    key: bool
    optional: bool
    low: tuple[float, float] | None
    high: tuple[float, float] | None
    shown: bool = True
    volatile: bool = False
    levels: Mapping[str, int] | None = None
    choices: tuple[str, ...] = ()
    """All words that a text may be; empty where it may be any."""

    def severity(self, value: Any) -> Severity:
        """Return how bad a value is by the thresholds or levels of the column; a word without a level is a warning."""
        if value is None or isinstance(value, str):
            return _SEVERITIES[self.levels.get(value, 1)] if self.levels and value else Severity.OK
        if self.high:
            return _SEVERITIES[int(value >= self.high[0]) + int(value >= self.high[1])]
        if self.low:
            return _SEVERITIES[int(value <= self.low[0]) + int(value <= self.low[1])]
        return Severity.OK

    def draw(self, value: Any) -> str:
        """Return the value as a person reads it."""
        return UNKNOWN if value is None else self.unit.draw(value)


def column(
    help: str,  # noqa: A002 the word that click, argparse and a reader use
    *,
    key: bool = False,
    low: tuple[float, float] | None = None,
    high: tuple[float, float] | None = None,
    shown: bool = True,
    volatile: bool = False,
    levels: Mapping[str, int] | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """Declare a field of a record.

    `key` fields tell the rows of one node apart. `low` and `high` are thresholds (warning, critical): a
    value at or beyond them is marked. `choices` are the words that a text may be, where it cannot be any: a
    filter refuses all others. `levels` are such words, each with its severity (0 ok, 1 warning, 2 critical);
    of a record kept as intervals, the availability is the share of time below 2. A field that is not `shown`
    is in JSON, and hidden in tables by default. A record kept as intervals begins no new one where only `volatile`
    fields have changed. The unit comes from the field's type.
    """
    given = {"help": help, "key": key, "low": low, "high": high}
    given |= {"shown": shown, "volatile": volatile, "levels": levels, "choices": choices or tuple(levels or ())}
    return dataclasses.field(metadata=given)


def columns(record: type[Record]) -> tuple[Column, ...]:
    """Return the columns of a record type in the order of its fields. Raises TypeError for a wrong field."""
    if record not in _COLUMNS:
        hints = typing.get_type_hints(record, include_extras=True)
        _COLUMNS[record] = tuple(_column(field, hints[field.name]) for field in dataclasses.fields(record))
    return _COLUMNS[record]


def keys(record: type[Record]) -> tuple[Column, ...]:
    """Return the columns that tell the rows of one node apart; none where there is one row a node."""
    return tuple(column for column in columns(record) if column.key)


def width(record: type[Record]) -> int:
    """Return the characters that each text key of the record may have; `probe.read` shortens longer ones."""
    return min(255, KEYS // max(1, sum(column.kind is str for column in keys(record))))


def name_of(record: type[Record]) -> str:
    """Return the record's name in tables: `gpu_process` for `GpuProcess`."""
    return _HUMP.sub("_", record.__name__).lower()


def as_dict(record: Record) -> dict[str, Any]:
    """Return the record as a dictionary of its fields."""
    return {column.name: getattr(record, column.name) for column in columns(type(record))}


def _column(field: dataclasses.Field[Any], hint: Any) -> Column:
    if "help" not in field.metadata:
        raise TypeError(f"field {field.name!r} must be declared with column(…)")
    optional = False
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        members = [member for member in typing.get_args(hint) if member is not type(None)]
        optional = len(members) < len(typing.get_args(hint))
        hint = members[0] if len(members) == 1 else None
    kind, unit = _kind_and_unit(hint)
    if kind not in (int, float, str, bool, datetime):
        raise TypeError(f"field {field.name!r} must be a type of nicassh.model.units, or that type | None")
    return Column(field.name, kind, unit, optional=optional, **field.metadata)


def _kind_and_unit(hint: Any) -> tuple[Any, Unit]:
    if typing.get_origin(hint) is typing.Annotated:
        kind, *extras = typing.get_args(hint)
        return kind, next((extra for extra in extras if isinstance(extra, Unit)), _TEXT)
    return hint, _TEXT if hint is str else Unit("number", str)


_SEVERITIES = tuple(Severity)
"""By their numbers: to look one up takes a tenth of what the Enum itself takes."""
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_COLUMNS: dict[type[Record], tuple[Column, ...]] = {}
_TEXT: Unit = typing.get_args(Text)[1]
