"""A view as a rich table that fits the width it is given.

Cells are `Text` and nothing else: rich reads markup in a plain string, and lets control characters
through either way, so every cell passes `clean` again on its way out.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from nicassh.clean import clean
from nicassh.views import Field, Row, View

_MARKS = {0: "", 1: "!", 2: "‼"}
_STYLES = {0: "", 1: "yellow", 2: "red"}
_STATES = {"up": "green", "ok": "green", "absent": "dim"}
_GAP = 2
_ENOUGH = 26
"""Characters with which a flexible cell is content; below, a lighter column has to go."""


def draw(view: View, width: int | None) -> RenderableType:
    """The table, with its summary below. None for the width: as wide as it gets."""
    fields, hidden = _fit(view, width)
    table = Table(box=None, pad_edge=False, padding=(0, _GAP, 0, 0), header_style="bold")
    for field, room in zip(fields, _rooms(view, fields, width), strict=True):
        right = field.column.unit.right and not field.draw
        table.add_column(
            Text(field.column.title),
            justify="right" if right else "left",
            overflow="ellipsis",
            no_wrap=True,
            width=room,
        )
    for row in view.rows:
        table.add_row(*(_cell(field, row) for field in fields))
    notes = []
    if view.summary:
        notes.append(Text(clean(view.summary), style="bold" if "down" in view.summary else ""))
    if hidden:
        notes.append(Text(f"not shown for want of width: {', '.join(hidden)} (see --columns)", style="dim"))
    return Group(table, Text(""), *notes) if view.rows else Group(*notes)


def _cell(field: Field, row: Row) -> Text:
    """One cell: its value, marked by a sign and a colour where there is trouble, dimmed where it is old."""
    level = row.trouble.get(field.name, 0)
    text = clean(field.cell(row))
    value = row.values.get(field.name)
    style = _STYLES[level] or (_STATES.get(str(value), "") if field.name == "state" else "")
    if field.name in row.old:
        style = f"{style} dim".strip()
    mark = _MARKS[level]
    return Text(f"{mark} {text}" if mark else text, style=style)


def _fit(view: View, width: int | None) -> tuple[list[Field], list[str]]:
    """The fields that have room, and the titles of those that have not: the lightest go first."""
    if view.shown:
        return [_named(view.fields, name) for name in view.shown], []
    fields = [field for field in view.fields if field.weight]
    hidden: list[str] = []
    while width is not None and len(fields) > 1 and _wanted(view, fields) > width:
        lightest = min(fields, key=lambda field: field.weight)
        fields.remove(lightest)
        hidden.append(lightest.column.title)
    return fields, hidden


def _wanted(view: View, fields: Sequence[Field]) -> int:
    """The width below which a cell would lose something that it should not."""
    rooms = (min(_natural(view, field), _ENOUGH) if field.flexible else _natural(view, field) for field in fields)
    return sum(rooms) + _GAP * (len(fields) - 1)


def _rooms(view: View, fields: Sequence[Field], width: int | None) -> list[int]:
    """A width for each column: what its cells want, the widest flexible ones cut until all fit.

    Where even that is too much (columns that the reader chose), every column may be cut.
    """
    rooms = [_natural(view, field) for field in fields]
    excess = sum(rooms) + _GAP * (len(fields) - 1) - width if width is not None else 0
    for flexible, least in ((True, _ENOUGH), (True, 6), (False, 3)):
        while excess > 0:
            able = [i for i, field in enumerate(fields) if (field.flexible or not flexible) and rooms[i] > least]
            if not able:
                break
            rooms[max(able, key=rooms.__getitem__)] -= 1
            excess -= 1
    return rooms


def _natural(view: View, field: Field) -> int:
    cells = (cell_len(_cell(field, row).plain) for row in view.rows)
    return max(cell_len(field.column.title), max(cells, default=0))


def _named(fields: Sequence[Field], name: str) -> Field:
    return next(field for field in fields if field.name == name)
