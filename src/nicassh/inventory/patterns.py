"""Patterns of OpenSSH: `*` and `?`, and lists of them with `!`."""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=16384)
def _compiled(pattern: str) -> re.Pattern[str]:
    expression = re.escape(re.sub(r"\*+", "*", pattern)).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(expression, re.DOTALL)


def fits(pattern: str, text: str) -> bool:
    """Return whether a pattern fits the whole text. `[` has no special meaning."""
    if "*" not in pattern and "?" not in pattern:
        return pattern == text
    return _compiled(pattern).fullmatch(text) is not None


def fits_list(patterns: list[str], text: str) -> bool:
    """Return whether one of the patterns fits, and none of those that begin with `!`."""
    if any(fits(pattern[1:], text) for pattern in patterns if pattern.startswith("!")):
        return False
    return any(fits(pattern, text) for pattern in patterns if not pattern.startswith("!"))
