"""Tables as CSV (RFC 4180)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from nicassh.query import Row, Table
from nicassh.render.json import time_text


def csv_lines(table: Table) -> Iterator[str]:
    """Yield a header and the rows. Texts that a spreadsheet would run as a formula get an apostrophe."""
    names = [field.name for field in table.chosen]
    yield _csv(names)
    for row in table.rows:
        yield _csv([_plain(row, name) for name in names])


def _plain(row: Row, name: str) -> Any:
    value = row.values[name]
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        value = " ".join(f"{key}={item}" for key, item in value.items())
    if isinstance(value, list):
        value = " ".join(_item(item) for item in value)
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@"):
        return f"'{value}"
    return value


def _item(item: Any) -> str:
    """Return one item of a list, such as a node, a version or a user with a number; empty where it is unknown."""
    if item is None:
        return ""
    if isinstance(item, dict) and item.keys() == {"user", "processes"}:
        return f"{item['user']}({item['processes']})"
    if isinstance(item, dict):
        return ",".join(f"{key}={value}" for key, value in item.items() if value is not None)
    return str(item)


def _csv(cells: list[Any]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()
