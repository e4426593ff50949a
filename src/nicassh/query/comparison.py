"""One comparison of a filter: what its words mean for a column, and whether a row is so."""

from __future__ import annotations

import difflib
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple

from nicassh.inventory import Inventory, natural, select
from nicassh.model.errors import UsageError
from nicassh.model.records import Column
from nicassh.model.units import read_moment, read_quantity
from nicassh.query.batch import expand
from nicassh.query.pattern import Pattern

Test = Callable[[Mapping[str, Any]], bool]
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_UNITS = {"bytes": "; write 500M, 4G", "seconds": "; write 90s, 10m, 3h, 2d"}
"""How values of a unit are written, for the hint."""
_NOTHING = ("null", "none", "nan", "–")
"""What people write for a value that is not known."""
_PLAIN = ("number", "count")
"""Units of numbers that may be compared with each other."""


class Value(NamedTuple):
    """A word of a filter. A `quoted` one stood in quotation marks: it is a text, never a keyword or a column."""

    text: str
    quoted: bool = False


@dataclass(frozen=True)
class Words:
    """What the words of a filter may refer to: the moment of the question, and the nodes and roles of the inventory."""

    now: datetime
    load_inventory: Callable[[], Inventory]

    @cached_property
    def inventory(self) -> Inventory:
        """Return the inventory, which is read when a filter is about a node or a role. Raises InventoryError."""
        return self.load_inventory()


def is_node(column: Column) -> bool:
    """Say whether a column names nodes of the inventory."""
    return column.name in ("node", "nodes") and column.kind in (str, list)


def nearest(word: str, columns: Iterable[Column]) -> str:
    """Return the hint for a word that is no column: the nearest name, or all of them."""
    names = [column.name for column in columns]
    near = difflib.get_close_matches(word.lower(), names, 1) or [name for name in names if name.startswith(word)]
    return f"did you mean {near[0]!r}?" if near and word else f"columns: {', '.join(names)}"


class Comparison:
    """Makes tests of one column. `error` turns what is wrong into the UsageError that the tests raise while made."""

    def __init__(
        self, column: Column, columns: Mapping[str, Column], words: Words | None, error: Callable[[str], UsageError]
    ) -> None:
        self.column, self.columns, self.words, self.error = column, columns, words, error

    def known(self) -> Test:
        """Return the test whether the value is known."""
        name = self.column.name
        return lambda values: values[name] is not None

    def among(self, given: Sequence[Value], wanted: bool) -> Test:
        """Return the test whether the value is one of some, or none of them; an unknown value is neither."""
        if self.words is not None and is_node(self.column):
            inventory = self.words.inventory
            nodes = {node.name for one in given for node in select(inventory, one.text)}
            return self._shares(nodes, _nodes, wanted)
        return self._shares({self._value(one) for one in given}, _items, wanted)

    def compare(self, sign: str, given: Value) -> Test:
        """Return the test whether the value compares so with a value, a pattern, or another column of the row."""
        name = self.column.name
        if sign in ("~", "!~"):
            pattern = Pattern(given.text)
            return lambda values: pattern.is_in(_text(values[name])) == (sign == "~")
        if not given.quoted and given.text.lower() in _NOTHING and given.text not in self._closed:
            raise self.error(f"write `{name} is unknown` or `{name} is not unknown`")
        if (other := self._other(given)) is not None:
            compare, second = _COMPARE[sign], other.name
            return lambda values: (
                values[name] is not None and values[second] is not None and compare(values[name], values[second])
            )
        if sign in ("=", "!="):
            return self._equal(given, sign == "=")
        compare, wanted = _COMPARE[sign], self._value(given)
        if self.column.kind in (str, list, dict):
            limit = natural(wanted)
            return lambda values: values[name] is not None and compare(natural(_text(values[name])), limit)
        return lambda values: values[name] is not None and compare(values[name], wanted)

    def _equal(self, given: Value, equal: bool) -> Test:
        name = self.column.name
        if self.words is not None and is_node(self.column):
            nodes = [node.name for node in select(self.words.inventory, given.text)]
            if len(nodes) > 1:
                raise self.error(f"{given.text!r} names {len(nodes)} nodes: write `{name} in {given.text}`")
            return self._shares(set(nodes), _nodes, equal)
        if self.column.kind in (list, dict):
            return self._shares({given.text}, _items, equal)
        compare, wanted = _COMPARE["=" if equal else "!="], self._value(given)
        return lambda values: values[name] is not None and compare(values[name], wanted)

    def _shares(self, options: set[Any], items: Callable[[Any], Iterable[Any]], wanted: bool) -> Test:
        """Return the test whether some item of the value is one of the options."""
        name = self.column.name
        return lambda values: values[name] is not None and (not options.isdisjoint(items(values[name]))) is wanted

    @cached_property
    def _closed(self) -> tuple[str, ...]:
        """Return all values that the column may have, where they are known; empty where it may have any."""
        if self.column.name == "role" and self.words is not None:
            return tuple(self.words.inventory.roles())
        return self.column.choices

    def _other(self, given: Value) -> Column | None:
        """Return the column that a word names; None for a value. Texts are only compared with values."""
        other = None if given.quoted or self.column.kind in (str, list, dict) else self.columns.get(given.text)
        if other is None:
            return None
        own, its = self.column.unit.name, other.unit.name
        if own != its and not (own in _PLAIN and its in _PLAIN):
            raise self.error(f"{self.column.name} ({own}) cannot be compared with {other.name} ({its})")
        return other

    def _value(self, given: Value) -> Any:
        """Return the value that a word means for the column. Raises UsageError."""
        column, text = self.column, given.text
        if column.kind in (str, list, dict):
            if self._closed and text not in self._closed:
                near = difflib.get_close_matches(text.lower(), self._closed, 1)
                hint = f"did you mean {near[0]!r}? " if near else ""
                raise UsageError(
                    f"filter: {column.name} is never {text!r}",
                    f"{hint}{column.name} is one of: {', '.join(self._closed)}",
                )
            return text
        try:
            if column.kind is bool:
                return {"yes": True, "true": True, "no": False, "false": False}[text.lower()]
            if column.kind is datetime:
                return read_moment(text, self.words.now if self.words else datetime.now(UTC))
            return read_quantity(text, column.unit.name)
        except (KeyError, ValueError) as error:
            units = f"; {error}" if column.kind is datetime else _UNITS.get(column.unit.name, "")
            raise self.error(f"invalid {column.unit.name} {text!r} for {column.name}{units}") from None


def _nodes(value: Any) -> Iterable[str]:
    """Return the nodes that a row is about: of a file system on many nodes it has a node set."""
    if isinstance(value, str):
        return expand(value) if "[" in value or "," in value else (value,)
    return [str(name) for name in value]


def _items(value: Any) -> Iterable[Any]:
    """Return what a list of values is searched for: of a list, its items."""
    if isinstance(value, list):
        return [_item(item) for item in value]
    return (_text(value),) if isinstance(value, dict) else (value,)


def _text(value: Any) -> str:
    """Return a value as the text that a filter compares: of a list of users, their names."""
    if isinstance(value, list):
        return " ".join(_item(item) for item in value)
    if isinstance(value, dict):
        return " ".join(f"{key}={item}" for key, item in value.items())
    return "" if value is None else str(value)


def _item(item: Any) -> str:
    return str(item.get("user", item)) if isinstance(item, dict) else str(item)
