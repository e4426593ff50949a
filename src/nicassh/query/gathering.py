"""Gathering: the rows of several nodes that read alike become one row of all these nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from nicassh.inventory import fold
from nicassh.query.table import Field, Row, View


def gathered(view: View) -> View:
    """The view with one row for all nodes whose shown cells read alike; `node` is then a node set.

    Cells of a field that says how it is merged may differ. A view without nodes stays as it is.
    """
    names = view.shown or tuple(field.name for field in view.fields if field.weight)
    fields = [field for field in view.fields if field.name in names and field.name != "node"]
    if "node" not in {field.name for field in view.fields}:
        return view
    apart = [
        (field.name, field.cell if field.draw or field.column.kind is not str else None)
        for field in fields
        if field.merge is None
    ]
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in view.rows:
        values, trouble, old = row.values, row.trouble, row.old
        # A text reads as it is; only of other values may two read alike.
        alike = ((cell(row) if cell else values[name], trouble.get(name, 0), name in old) for name, cell in apart)
        groups.setdefault(tuple(alike), []).append(row)
    rows = tuple(_merged(rows, view.fields, names) for rows in groups.values())
    return replace(view, rows=rows, summarize=lambda _rows: view.summarize(view.rows))


def _merged(rows: Sequence[Row], fields: Sequence[Field], shown: Sequence[str]) -> Row:
    """One row for several: the nodes folded, what is to be merged merged; what is not shown and differs is unknown."""
    values = dict(rows[0].values)
    values["node"] = fold(row.values["node"] for row in rows if row.values["node"]) or None
    for field in (field for field in fields if field.name != "node"):
        known = [row.values[field.name] for row in rows if row.values[field.name] is not None]
        if field.merge and known:
            values[field.name] = field.merge(known)
        elif field.name not in shown and any(row.values[field.name] != values[field.name] for row in rows):
            values[field.name] = None
    return Row(values, set.intersection(*(row.old for row in rows)), rows[0].trouble)
