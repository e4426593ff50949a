"""The domain that all nodes of a page share: it is left out of what is drawn, and never of JSON or CSV."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from nicassh.query import Table

NODES = ("node", "nodes", "hosts", "seen_by")
"""Columns whose cells name nodes, alone or as a node set."""
_NAME = re.compile(r"(?:\[[^\]]*\]|[^,\s\[])+")
_DOMAIN = re.compile(r"((?:\[[^\]]*\]|[^.\[])+)(\.[^\[]*[A-Za-z][^\[]*)")


def shared_domain(tables: Sequence[Table]) -> str:
    """Return `.jinr.ru` where every node that has a domain has this one; else an empty text."""
    names = {name for table in tables for text in _texts(table) for name in _NAME.findall(text)}
    parts = {name: _DOMAIN.fullmatch(name) for name in names}
    domains = {found[2] for found in parts.values() if found}
    if len(domains) != 1 or any(found and found[1] in parts for found in parts.values()):
        return ""
    return domains.pop()


def without_domain(text: str, domain: str) -> str:
    """Return a sentence with the names of nodes without their domain."""
    return re.sub(rf"(?<=[\w\]]){re.escape(domain)}(?![\w.-])", "", text) if domain else text


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
