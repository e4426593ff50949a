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
_NARROWEST = 12
"""Characters that a flexible cell keeps at least."""
_WIDEST = 46
"""Characters that a flexible cell wants at most, where another column would have to go for more."""


def draw(view: View, width: int | None) -> RenderableType:
    """The table, with its summary below. None for the width: as wide as it gets."""
    fields, hidden = _fit(view, width)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for field in fields:
        right = field.column.unit.right and not field.draw
        cut = "ellipsis" if field.flexible else "fold"
        table.add_column(
            Text(field.column.title), justify="right" if right else "left", overflow=cut,  # type: ignore[arg-type]
            no_wrap=True, ratio=None, min_width=None if field.flexible else _natural(view, field),
        )  # fmt: skip
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
    total = 0
    for field in fields:
        natural = _natural(view, field)
        total += 2 + (
            min(natural, max(_NARROWEST, _WIDEST if field.weight < 90 else 20)) if field.flexible else natural
        )
    return total - 2


def _natural(view: View, field: Field) -> int:
    cells = (cell_len(_cell(field, row).plain) for row in view.rows)
    return max(cell_len(field.column.title), max(cells, default=0))


def _named(fields: Sequence[Field], name: str) -> Field:
    return next(field for field in fields if field.name == name)
