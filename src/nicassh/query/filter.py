"""The filter language: comparisons of a column with a value, joined by `and`, `or`, `not` and parentheses.

load1 > 4 and role = batch
memory_available < 2G or not state = up
command ~ "root.*reco"
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from nicassh.model.errors import UsageError
from nicassh.model.records import Column
from nicassh.model.units import read_quantity
from nicassh.query.pattern import Pattern

_UNITS = {"bytes": "; write 500M, 4G", "seconds": "; write 90s, 10m, 3h, 2d"}
"""How values of a unit are written, for the hint."""
LONGEST = 10_000
"""Characters of a filter at most."""
Test = Callable[[Mapping[str, Any]], bool]
_TOKEN = re.compile(r"""\s*(?:(?P<word>"[^"]*"|'[^']*'|[^\s()<>=!~"']+)|(?P<sign><=|>=|!=|!~|==|[=<>~()]))""")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b, "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
}  # fmt: skip


def matcher(expression: str, columns: Mapping[str, Column]) -> Test:
    """Return a test for the values of a row. Raises UsageError that quotes what is wrong with the expression."""
    if len(expression) > LONGEST:
        raise UsageError(f"a filter has at most {LONGEST} characters, and this one has {len(expression)}")
    try:
        return _Parser(expression, columns).parse()
    except RecursionError:
        raise UsageError("filter: nested too deeply") from None


class _Parser:
    """Parses by recursive descent: `not` binds more tightly than `and`, and `and` more tightly than `or`."""

    def __init__(self, expression: str, columns: Mapping[str, Column]) -> None:
        self.expression = expression
        self.columns = columns
        self.tokens: list[str] = []
        position = 0
        while expression[position:].strip():
            match = _TOKEN.match(expression, position)
            if not match:
                raise self._error(f"cannot read {expression[position:].strip()[:20]!r}")
            self.tokens.append(match["word"] or match["sign"])
            position = match.end()

    def parse(self) -> Test:
        test = self._any()
        if self.tokens:
            raise self._error(f"unexpected {self.tokens[0]!r}")
        return test

    def _any(self) -> Test:
        tests = [self._all()]
        while self._next("or"):
            tests.append(self._all())
        return tests[0] if len(tests) == 1 else lambda values: any(test(values) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self._next("and"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda values: all(test(values) for test in tests)

    def _one(self) -> Test:
        if self._next("not"):
            test = self._one()
            return lambda values: not test(values)
        if self._next("("):
            test = self._any()
            if not self._next(")"):
                raise self._error("a parenthesis is not closed")
            return test
        name, sign, value = self._take("a column"), self._take("a comparison"), self._take("a value")
        if name not in self.columns:
            raise UsageError(f"filter: no column {name!r}", f"columns: {', '.join(self.columns)}")
        return self._comparison(self.columns[name], "=" if sign == "==" else sign, value.strip("\"'"))

    def _comparison(self, column: Column, sign: str, text: str) -> Test:
        name = column.name
        if sign in ("~", "!~"):
            pattern = Pattern(text)
            return lambda values: pattern.is_in(_text(values[name])) == (sign == "~")
        if sign not in _COMPARE:
            raise self._error(f"{sign!r} is not a comparison")
        compare = _COMPARE[sign]
        if column.kind in (str, list, dict):
            return lambda values: values[name] is not None and compare(_text(values[name]), text)
        wanted = self._value(column, text)
        return lambda values: values[name] is not None and compare(values[name], wanted)

    def _value(self, column: Column, text: str) -> Any:
        try:
            if column.kind is bool:
                return {"yes": True, "true": True, "no": False, "false": False}[text.lower()]
            if column.kind is datetime:
                moment = datetime.fromisoformat(text)
                return moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # as the tables print it
            return read_quantity(text, column.unit.name)
        except (KeyError, ValueError):
            units = _UNITS.get(column.unit.name, "")
            raise self._error(f"{text!r} is no value for {column.name} ({column.unit.name}){units}") from None

    def _next(self, token: str) -> bool:
        if self.tokens and self.tokens[0] == token:
            self.tokens.pop(0)
            return True
        return False

    def _take(self, what: str) -> str:
        if not self.tokens:
            raise self._error(f"{what} is missing at the end")
        return self.tokens.pop(0)

    def _error(self, what: str) -> UsageError:
        return UsageError(f"filter {self.expression!r}: {what}", 'for example: --filter "load1 > 4 and role = batch"')


def _text(value: Any) -> str:
    """Return a value as the text that a filter compares: of a list of users, their names."""
    if isinstance(value, list):
        return " ".join(str(item.get("user", item)) if isinstance(item, dict) else str(item) for item in value)
    if isinstance(value, dict):
        return " ".join(f"{key}={item}" for key, item in value.items())
    return "" if value is None else str(value)
