"""Tables as JSON: one object with its schema, or one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from nicassh.query import Table


def json_text(table: Table) -> str:
    """Return `{"schema": "nicamon.NAME/1", "rows": […]}` with one row a line.

    Further tables stand beside `rows` under their names, or inside each row where they are nested.
    """
    further = {one.name: list(records(one)) for one in table.further}
    inside = further if table.nested else {}
    lists = {"rows": [{**row, **inside} for row in records(table)], **({} if table.nested else further)}
    parts = [f'"schema": {_dumps(table.schema)}', *(f"{_dumps(key)}: {_list(rows)}" for key, rows in lists.items())]
    return f"{{{', '.join(parts)}}}"


def _list(rows: list[dict[str, Any]]) -> str:
    lines = ",\n  ".join(map(_dumps, rows))
    return f"[\n  {lines}\n]" if lines else "[]"


def ndjson_lines(table: Table) -> Iterator[str]:
    """Yield each row as a JSON object on a line of its own."""
    return map(_dumps, records(table))


def records(table: Table) -> Iterator[dict[str, Any]]:
    """Yield the rows as dictionaries of plain values, in the order of the fields or as the reader chose them."""
    groups = {field.name: field.json_group for field in table.chosen}
    for row in table.rows:
        record: dict[str, Any] = {}
        for name, group in groups.items():
            (record.setdefault(group, {}) if group else record)[name] = row.values[name]
        yield record


def json_schema(table: Table) -> dict[str, Any]:
    """Return the JSON Schema of what `json_text` writes: every column is there, and has its type or null."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "required": ["schema", "rows"],
        "properties": {"schema": {"const": table.schema}, "rows": {"type": "array", "items": _row_schema(table)}},
    }


def _row_schema(table: Table) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for field in table.chosen:
        column = {"description": field.column.help, **_TYPES[field.column.kind]}
        if not field.json_group:
            properties[field.name] = column
            continue
        group = properties.setdefault(field.json_group, {"type": "object", "properties": {}, "required": []})
        group["properties"][field.name] = column
        group["required"].append(field.name)
    return {"type": "object", "properties": properties, "required": list(properties)}


def time_text(value: datetime) -> str:
    """Return a moment as programs read it: `2026-11-21T20:17:04Z`."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, default=_encode)


def _encode(value: Any) -> str:
    if isinstance(value, datetime):
        return time_text(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


_TYPES: dict[type, dict[str, Any]] = {
    int: {"type": ["integer", "null"]},
    float: {"type": ["number", "null"]},
    str: {"type": ["string", "null"]},
    bool: {"type": ["boolean", "null"]},
    datetime: {"type": ["string", "null"], "format": "date-time"},
    list: {"type": ["array", "null"]},
    dict: {"type": ["object", "null"]},
}
