"""Versions in the order in which they were released, whatever a package calls them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from nicassh.inventory import natural

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_HEAD = re.compile(r"^\D+")
_MONTH = re.compile(rf"({'|'.join(_MONTHS)})(\d\d)(.*)")
_DAY = re.compile(r"(?P<year>\d\d)(?P<month>0\d|1[0-2])\d\d|(?P<month_first>0\d|1[0-2])20(?P<year_last>\d\d)")


def newest_first(versions: Iterable[str]) -> list[str]:
    """Return each version once, the newest first."""
    once = list(dict.fromkeys(versions))
    return once if len(once) < 2 else sorted(once, key=released, reverse=True)


@lru_cache(maxsize=4096)
def released(version: str) -> tuple[Any, ...]:
    """Return the key that sorts releases: nov22p4 after nov22, v18.6.9 after v-14.11.

    A candidate (rc) before its release.
    """
    if match := _MONTH.match(version):  # FairSoft, and MpdRoot until 2017
        return natural(f"{match[2]}.{_MONTHS.index(match[1]) + 1}"), "rc" not in match[3], natural(match[3])
    if match := _DAY.fullmatch(version):  # MpdRoot of 2020 and 2021: 072020, 211112
        year, month = match["year"] or match["year_last"], match["month"] or match["month_first"]
        return natural(f"{int(year)}.{int(month)}"), True, natural(version)
    number = _HEAD.sub("", version)
    return natural(number.partition("rc")[0].rstrip("-_.~")), "rc" not in number, natural(version)
