"""Grouping: the rows of several nodes that read alike become one row of all these nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nicassh.inventory import fold
from nicassh.query.table import Field, Row, Table


def grouped(table: Table) -> Table:
    """Return the table with one row for all nodes whose visible cells read alike; `node` is then a node set.

    Cells of a field with an `aggregate` may differ. A table without the field `node` stays as it is. The summary is
    still that of the rows of single nodes.
    """
    visible = table.visible
    if "node" not in {field.name for field in table.fields}:
        return table
    # A text reads as it is; only of other values may two read alike.
    apart = [
        (field.name, field.text if field.draw or field.column.kind is not str else None)
        for field in visible
        if field.aggregate is None and field.name != "node"
    ]
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in table.rows:
        values, severities, stale = row.values, row.severities, row.stale
        alike = ((text(row) if text else values[name], severities.get(name, 0), name in stale) for name, text in apart)
        groups.setdefault(tuple(alike), []).append(row)
    names = {field.name for field in visible}
    return replace(table, rows=tuple(_merged(rows, table.fields, names) for rows in groups.values()))


def _merged(rows: Sequence[Row], fields: Sequence[Field], visible: set[str]) -> Row:
    """Return one row for several: the nodes are folded; a value that is not visible and differs is unknown."""
    values = dict(rows[0].values)
    values["node"] = fold(row.values["node"] for row in rows if row.values["node"]) or None
    for field in (field for field in fields if field.name != "node"):
        known = [row.values[field.name] for row in rows if row.values[field.name] is not None]
        if field.aggregate and known:
            values[field.name] = field.aggregate(known)
        elif field.name not in visible and any(row.values[field.name] != values[field.name] for row in rows):
            values[field.name] = None
    return Row(values, set.intersection(*(row.stale for row in rows)), rows[0].severities)
