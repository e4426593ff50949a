"""The domain that all nodes of a page share: it is left out of what is drawn, and never of JSON or CSV."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from nicassh.query import Table

NODES = ("node", "nodes", "hosts", "seen_by")
"""Columns whose cells name nodes, alone or as a node set."""
_NAME = re.compile(r"(?:\[[^\]]*+\]?|[^,\s\[])++")
_DOMAIN = re.compile(r"((?:\[[^\]]*+\]|[^.\[])++)(\.[^\[]++)")


_GOES_ON = ("_", "-", ".")
"""Characters behind a domain that make it a part of a longer one, as letters and digits do."""


def shared_domain(tables: Sequence[Table]) -> str:
    """Return `.jinr.ru` where every node that has a domain has this one; else an empty text."""
    names = {name for table in tables for text in _texts(table) for name in _NAME.findall(text)}
    parts = {name: _DOMAIN.fullmatch(name) for name in names}
    domains = {found[2] for found in parts.values() if found}
    if not any(map(str.isalpha, "".join(domains))):  # the end of an IPv4 address is no domain
        return ""
    if len(domains) != 1 or any(found and found[1] in parts for found in parts.values()):
        return ""
    return domains.pop()


def without_domain(text: str, domain: str) -> str:
    """Return a sentence with the names of nodes without their domain."""
    if not domain:
        return text
    found, *others = text.split(domain)
    for part in others:
        is_end = (found[-1:].isalnum() or found[-1:] in ("_", "]")) and not (part[:1].isalnum() or part[:1] in _GOES_ON)
        found += part if is_end else domain + part
    return found


def _texts(table: Table) -> Iterator[str]:
    for field in table.fields:
        if field.name in NODES:
            for row in table.rows:
                yield from _listed(row.values[field.name])


def _listed(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield from value
