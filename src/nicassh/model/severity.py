"""Severity: how bad something is, on one scale for tables, findings, exit codes and alerts."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class Severity(IntEnum):
    """How bad a value, a finding or a node is. The numbers are those of monitoring plugins."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3

    @property
    def word(self) -> str:
        """Return the word that JSON and tables use: `ok`, `warning`, `critical` or `unknown`."""
        return self.name.lower()

    @property
    def rank(self) -> int:
        """Return the place in the order from good to bad: ok, unknown, warning, critical."""
        return _RANKS[self]


def worst(severities: Iterable[Severity]) -> Severity:
    """Return the worst of some severities; OK where there are none. What is unknown is better than a warning."""
    return max(severities, key=_RANKS.__getitem__, default=Severity.OK)


_RANKS = {Severity.OK: 0, Severity.UNKNOWN: 1, Severity.WARNING: 2, Severity.CRITICAL: 3}
