"""Views for programs: JSON (an object with its schema), one JSON object a line, CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from nicassh.query import Row, View


def json_text(
    name: str, rows: Iterable[dict[str, Any]], further: Mapping[str, Iterable[dict[str, Any]]] | None = None
) -> str:
    """`{"schema": "nicamon.NAME/1", "rows": […]}`, one row a line; further lists stand beside `rows`."""
    lists = {"rows": rows, **(further or {})}
    parts = [f'"schema": {_dumps(f"nicamon.{name}/1")}', *(f"{_dumps(key)}: {_list(of)}" for key, of in lists.items())]
    return f"{{{', '.join(parts)}}}"


def _list(rows: Iterable[dict[str, Any]]) -> str:
    lines = ",\n  ".join(_dumps(row) for row in rows)
    return f"[\n  {lines}\n]" if lines else "[]"


def ndjson_lines(view: View) -> Iterator[str]:
    """Each row as a JSON object on a line of its own."""
    return (_dumps(values) for values in records(view))


def csv_lines(view: View) -> Iterator[str]:
    """RFC 4180 with a header. Texts that a spreadsheet would run as a formula are given an apostrophe."""
    names = _names(view)
    yield _csv(names)
    for row in view.rows:
        yield _csv([_plain(row, name) for name in names])


def records(view: View) -> Iterator[dict[str, Any]]:
    """The rows as dictionaries of plain values, in the order of the fields or as the reader chose them."""
    names = _names(view)
    inside = {field.name: field.inside for field in view.fields}
    for row in view.rows:
        plain: dict[str, Any] = {}
        for name in names:
            (plain.setdefault(inside[name], {}) if inside[name] else plain)[name] = row.values[name]
        yield plain


def _names(view: View) -> list[str]:
    return list(view.shown) or [field.name for field in view.fields]


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_encode)


def _encode(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _plain(row: Row, name: str) -> Any:
    value = row.values[name]
    if isinstance(value, datetime):
        return _encode(value)
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
    """One of a list: a user with the number of processes, a node, a version; empty where it is unknown."""
    if item is None:
        return ""
    return f"{item['user']}({item['processes']})" if isinstance(item, dict) else str(item)


def _csv(cells: list[Any]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()
