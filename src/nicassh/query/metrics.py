"""Metrics: the numbers of records that are kept as series, and the names by which people call them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nicassh.model.errors import UsageError
from nicassh.model.records import Column, columns
from nicassh.model.units import draw_number
from nicassh.store import Store


@dataclass(frozen=True)
class Metric:
    """One number of a record kept as a series: the record's name, its column, and the keys of its lines on a node."""

    record: str
    column: Column
    keys: tuple[Column, ...]
    every: int
    """Seconds from one value to the next: the period of its probe."""

    @property
    def name(self) -> str:
        """Return the unique name: `disks.used`."""
        return f"{self.record}.{self.column.name}"

    @property
    def mean(self) -> Column:
        """Return the column of its means, which have decimals even where the values are whole numbers."""
        unit = self.column.unit
        drawn = replace(unit, draw=_draw_mean) if unit.draw is str else unit
        return replace(self.column, kind=float, unit=drawn, optional=True)

    def chosen(self, where: Sequence[str]) -> dict[str, list[Any]]:
        """Return the values of keys that texts such as `mount=/home` name. Raises UsageError."""
        own = {key.name: key for key in self.keys}
        chosen: dict[str, list[Any]] = {}
        for text in where:
            name, sign, value = text.partition("=")
            if not sign or name not in own:
                hint = f"keys of {self.name}: {', '.join(own)}" if own else f"{self.name} has one line for each node"
                example = f", e.g. {'mount=/home' if 'mount' in own else f'{next(iter(own))}=…'}" if own else ""
                raise UsageError(f"where {text!r}: expected KEY=VALUE{example}", hint)
            chosen.setdefault(name, []).append(_value(own[name], value))
        return chosen


def metrics(store: Store) -> dict[str, Metric]:
    """Return all metrics of the probes in force by their unique names."""
    found: dict[str, Metric] = {}
    for record, series in store.layout.series.items():
        known = {column.name: column for column in columns(store.records[record].record)}
        keys = tuple(known[name] for name in series.keys)
        own = (Metric(record, known[name], keys, store.every[record]) for name in series.metrics)
        found |= {metric.name: metric for metric in own}
    return found


def find_metric(store: Store, name: str, record: str = "") -> Metric:
    """Return the metric called `load1`, `load.load1` or `load_load1`, one of `record` first. Raises UsageError."""
    known = metrics(store)
    whole = [known[name]] if name in known else []
    own = [one for one in known.values() if one.column.name == name]
    joined = [one for one in known.values() if one.name.replace(".", "_", 1) == name]
    found = whole or [one for one in own if one.record == record] or own or joined
    if len(found) == 1:
        return found[0]
    if found:
        hint = f"say which: {', '.join(one.name for one in found)}"
        raise UsageError(f"{name!r} is a number of {len(found)} records", hint)
    raise UsageError(f"no number {name!r} has a history", _hint(name, known))


def metric_names(store: Store, beginning: str) -> list[str]:
    """Return the names of metrics that begin so: the short ones that are unique, and the long ones."""
    known = metrics(store)
    short = [one.column.name for one in known.values()]
    names = [*(name for name in short if short.count(name) == 1), *known]
    return sorted(name for name in names if name.startswith(beginning))


def _hint(name: str, known: Mapping[str, Metric]) -> str:
    names = {word: one.name for one in known.values() for word in (one.column.name, one.name)}
    near = difflib.get_close_matches(name, names, 1)
    return f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"


def _value(key: Column, text: str) -> Any:
    try:
        return key.kind(text) if key.kind in (int, float) else text
    except ValueError:
        raise UsageError(f"invalid {key.unit.name} {text!r} for {key.name}") from None


def _draw_mean(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else draw_number(value)
