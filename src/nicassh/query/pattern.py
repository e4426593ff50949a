"""Regular expressions of operators. RE2 reads them, so that the time grows with the text and never explodes."""

from __future__ import annotations

import re2

from nicassh.model.errors import UsageError

LONGEST = 1000
"""Characters of a pattern."""
LARGEST = 20_000
"""Instructions of a compiled pattern; repetitions of repetitions make many."""
_HINT = "RE2 knows no look-around and no back-references: https://github.com/google/re2/wiki/Syntax"


class Pattern:
    """A regular expression in the syntax of RE2: that of Python without look-around and back-references."""

    def __init__(self, text: str) -> None:
        """Compile a pattern. Raises UsageError where it is none, or is too long or too large."""
        if len(text) > LONGEST:
            raise UsageError(f"a regular expression has at most {LONGEST} characters, and this one {len(text)}")
        options = re2.Options()
        options.log_errors = False
        try:
            size = re2.compile(text, options).programsize
        except re2.error as error:
            reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error
            raise UsageError(f"{text!r} is not a regular expression: {reason}", _HINT) from None
        if size > LARGEST:
            raise UsageError(f"the regular expression {text[:60]!r} repeats too much")
        # A set answers yes or no, five times as fast as a search that also says where.
        self._set = re2.Set.SearchSet(options)
        self._set.Add(text)
        self._set.Compile()

    def is_in(self, text: str) -> bool:
        """Say whether the pattern is found in a text."""
        return bool(self._set.Match(text))
