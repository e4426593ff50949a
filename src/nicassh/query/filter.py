"""The filter language: comparisons of columns, joined by `and`, `or`, `not` and parentheses. docs/filters.md tells all.

load1 > ncpu and role = batch
memory_available < 2G or not state = up
node in nc[2-9] and updated < yesterday
command ~ "root.*reco" and software is not unknown
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from nicassh.model.errors import UsageError
from nicassh.model.records import Column
from nicassh.query.comparison import Comparison, Test, Value, Words, is_node, nearest

LONGEST = 10_000
"""Characters of a filter at most."""
_QUOTED = r"\"[^\"]*\"|'[^']*'"
_WORD = re.compile(rf"(?P<quoted>{_QUOTED})|(?P<plain>[^\s()<>=!~\"']+)")
_ITEM = re.compile(rf"(?P<quoted>{_QUOTED})|(?P<plain>(?:\[[^\]\s]*\]|[^\s(),\"'\[])+)")
"""One item of a list: a comma ends it, but for one between brackets."""
_SET = re.compile(rf"(?P<quoted>{_QUOTED})|(?P<plain>(?:\[[^\]\s]*\]|[^\s()\"'\[])+)")
"""A node set, which has commas and the signs `!`, `&` and `^`."""
_SIGN = re.compile(r"<=|>=|!=|!~|==|[=<>~]")
_GOES_ON = re.compile(r"[^\s(),<>=!~\"']")
_KEYWORDS = ("and", "or", "not", "in", "is")


def matcher(expression: str, columns: Mapping[str, Column], words: Words | None = None) -> Test:
    """Return a test for the values of a row. Raises UsageError that quotes what is wrong with the expression.

    `words` says what times are relative to and which nodes and roles there are; without it a node is a plain text.
    """
    if len(expression) > LONGEST:
        raise UsageError(f"a filter has at most {LONGEST} characters, and this one has {len(expression)}")
    try:
        return _Parser(expression, columns, words).parse()
    except RecursionError:
        raise UsageError("filter: nested too deeply") from None


class _Scanner:
    """Reads an expression from left to right: the parser says what may come next."""

    def __init__(self, expression: str) -> None:
        self.expression, self._position = expression, 0

    def rest(self) -> str:
        """Return what is left to read, from the next character that is no space."""
        left = self.expression[self._position :]
        self._position += len(left) - len(left.lstrip())
        return left.lstrip()

    def take(self, pattern: re.Pattern[str]) -> Value | None:
        """Read a word or sign; None where the pattern does not fit there."""
        match = pattern.match(self.rest())
        if match is None:
            return None
        self._position += match.end()
        quoted = match.groupdict().get("quoted")
        return Value(match.group() if quoted is None else quoted[1:-1], quoted is not None)

    def has(self, token: str) -> bool:
        """Read a keyword, a parenthesis or a comma if it comes next, and say whether it did."""
        rest = self.rest()
        if rest[: len(token)].lower() != token or (token.isalpha() and _GOES_ON.match(rest[len(token) :])):
            return False
        self._position += len(token)
        return True


class _Parser:
    """Parses by recursive descent: `not` binds more tightly than `and`, and `and` more tightly than `or`."""

    def __init__(self, expression: str, columns: Mapping[str, Column], words: Words | None) -> None:
        self.scanner = _Scanner(expression)
        self.columns, self.words = columns, words

    def parse(self) -> Test:
        test = self._any()
        if rest := self.scanner.rest():
            raise self._error(f"unexpected {(self.scanner.take(_WORD) or Value(rest[:1])).text!r}")
        return test

    def _any(self) -> Test:
        tests = [self._all()]
        while self.scanner.has("or"):
            tests.append(self._all())
        return tests[0] if len(tests) == 1 else lambda values: any(test(values) for test in tests)

    def _all(self) -> Test:
        tests = [self._one()]
        while self.scanner.has("and"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda values: all(test(values) for test in tests)

    def _one(self) -> Test:
        if self.scanner.has("not"):
            return _negated(self._one())
        if self.scanner.has("("):
            test = self._any()
            if not self.scanner.has(")"):
                raise self._error("a parenthesis is not closed")
            return test
        return self._comparison(self._column())

    def _column(self) -> Column:
        token = self._take(_WORD, "a column")
        if token.text.lower() in _KEYWORDS and token.text not in self.columns:
            raise self._error(f"a column is missing before {token.text!r}")
        if token.text not in self.columns or token.quoted:
            raise UsageError(f"filter: no column {token.text!r}", nearest(token.text, self.columns.values()))
        return self.columns[token.text]

    def _comparison(self, column: Column) -> Test:
        comparison = Comparison(column, self.columns, self.words, self._error)
        if self.scanner.has("is"):
            is_known = self.scanner.has("not")
            if not self.scanner.has("unknown"):
                raise self._error(f"write `{column.name} is unknown` or `{column.name} is not unknown`")
            return comparison.known() if is_known else _negated(comparison.known())
        if self.scanner.has("not"):
            if not self.scanner.has("in"):
                raise self._error(f"`in` is missing after `{column.name} not`")
            return comparison.among(self._values(column), wanted=False)
        if self.scanner.has("in"):
            return comparison.among(self._values(column), wanted=True)
        sign = self.scanner.take(_SIGN)
        if sign is None:
            odd = self._take(_WORD, "a comparison").text
            raise self._error(f"{odd!r} is not a comparison")
        value = self._take(_WORD, "a value")
        return comparison.compare("=" if sign.text == "==" else sign.text, value)

    def _values(self, column: Column) -> list[Value]:
        """Return the values after `in`: a list in parentheses, or of nodes a node set."""
        if not self.scanner.has("("):
            if is_node(column):
                return [self._take(_SET, "a node set")]
            raise self._error(f"a list stands in parentheses: {column.name} in (a, b)")
        values = [self._take(_ITEM, "a value")]
        while self.scanner.has(","):
            values.append(self._take(_ITEM, "a value"))
        if not self.scanner.has(")"):
            raise self._error("the list is not closed: values are separated by commas")
        return values

    def _take(self, pattern: re.Pattern[str], what: str) -> Value:
        token = self.scanner.take(pattern)
        if token is None:
            rest = self.scanner.rest()
            raise self._error(f"cannot read {rest[:20]!r}" if rest else f"{what} is missing at the end")
        return token

    def _error(self, what: str) -> UsageError:
        hint = 'for example: --filter "load1 > 4 and role = batch"; docs/filters.md has every form'
        return UsageError(f"filter {self.scanner.expression!r}: {what}", hint)


def _negated(test: Test) -> Test:
    return lambda values: not test(values)
