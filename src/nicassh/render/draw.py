"""A view as lines of text that fit the width they are given.

rich knows the terminal, the width of characters and the codes of colours; the lines are put together
here, because its tables take half a millisecond a row and a farm has a hundred thousand. Every cell
passes `clean` again on its way out, and no markup is read anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from rich.cells import cell_len, set_cell_size
from rich.color import ColorSystem
from rich.style import Style

from nicassh.model.text import clean
from nicassh.query import Field, Row, View

_MARKS = {0: "", 1: "! ", 2: "‼ "}
_STYLES = {0: "", 1: "yellow", 2: "red"}
_STATES = {"up": "green", "ok": "green", "absent": "dim"}
_GAP = "  "
_ENOUGH = 26
"""Characters with which a flexible cell is content; below, a lighter column has to go."""


def draw(view: View, width: int | None, colours: bool = False) -> Iterator[str]:
    """The lines of the table, with its summary below. None for the width: as wide as it gets."""
    drawn = _Drawn(view)
    fields, hidden = _fit(view, drawn, width)
    summary = clean(view.summarize(view.rows))
    if view.rows:
        rooms = _rooms(fields, drawn, width)
        titles = (_set(field.column.title, room, _right(field)) for field, room in zip(fields, rooms, strict=True))
        yield _paint(_GAP.join(titles).rstrip(), "bold", colours)
        columns = [(field, room, drawn.cells(field)) for field, room in zip(fields, rooms, strict=True)]
        for index, row in enumerate(view.rows):
            cells = (
                _paint(_set(texts[index], room, _right(field)), _style(field, row), colours)
                for field, room, texts in columns
            )
            yield _GAP.join(cells).rstrip()
        if summary or hidden:
            yield ""
    if summary:
        yield _paint(summary, "bold" if " down" in summary else "", colours)
    if hidden:
        yield _paint(f"not shown for want of width: {', '.join(hidden)} (see --columns)", "dim", colours)


class _Drawn:
    """The cells of a view as text, each column drawn when it is first asked for."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._cells: dict[str, list[str]] = {}
        self._widths: dict[str, int] = {}

    def cells(self, field: Field) -> list[str]:
        """The texts of a column: values, marked by a sign where there is trouble."""
        if field.name not in self._cells:
            self._cells[field.name] = [
                _MARKS[row.trouble.get(field.name, 0)] + clean(field.cell(row)) for row in self._view.rows
            ]
        return self._cells[field.name]

    def width(self, field: Field) -> int:
        """How many characters a column would fill."""
        if field.name not in self._widths:
            widest = max(map(_length, self.cells(field)), default=0)
            self._widths[field.name] = max(_length(field.column.title), widest)
        return self._widths[field.name]


def _style(field: Field, row: Row) -> str:
    """Colour by trouble or by state, dim where the value is old."""
    style = _STYLES[row.trouble.get(field.name, 0)]
    if not style and field.name == "state":
        style = _STATES.get(str(row.values[field.name]), "")
    return f"{style} dim".strip() if field.name in row.old else style


def _fit(view: View, drawn: _Drawn, width: int | None) -> tuple[list[Field], list[str]]:
    """The fields that have room, and the titles of those that have not: the lightest go first."""
    if view.shown:
        return [_named(view.fields, name) for name in view.shown], []
    fields = [field for field in view.fields if field.weight]
    hidden: list[str] = []
    while width is not None and len(fields) > 1 and _wanted(fields, drawn) > width:
        lightest = min(fields, key=lambda field: field.weight)
        fields.remove(lightest)
        hidden.append(lightest.column.title)
    return fields, hidden


def _wanted(fields: Sequence[Field], drawn: _Drawn) -> int:
    """The width below which a cell would lose something that it should not."""
    rooms = (min(drawn.width(field), _ENOUGH) if field.flexible else drawn.width(field) for field in fields)
    return sum(rooms) + len(_GAP) * (len(fields) - 1)


def _rooms(fields: Sequence[Field], drawn: _Drawn, width: int | None) -> list[int]:
    """A width for each column: what its cells want, the widest flexible ones cut until all fit.

    Where even that is too much (columns that the reader chose), every column may be cut.
    """
    rooms = [drawn.width(field) for field in fields]
    excess = sum(rooms) + len(_GAP) * (len(fields) - 1) - width if width is not None else 0
    for flexible, least in ((True, _ENOUGH), (True, 6), (False, 3)):
        while excess > 0:
            able = [i for i, field in enumerate(fields) if (field.flexible or not flexible) and rooms[i] > least]
            if not able:
                break
            rooms[max(able, key=rooms.__getitem__)] -= 1
            excess -= 1
    return rooms


def _set(text: str, room: int, right: bool) -> str:
    """The text in exactly that many characters: padded, or cut with an ellipsis."""
    missing = room - _length(text)
    if missing < 0:
        return set_cell_size(text, room - 1) + "…"
    return " " * missing + text if right else text + " " * missing


def _right(field: Field) -> bool:
    return field.column.unit.right and not field.draw


def _length(text: str) -> int:
    return len(text) if text.isascii() else cell_len(text)


def _paint(text: str, style: str, colours: bool) -> str:
    return _parsed(style).render(text, color_system=ColorSystem.STANDARD) if style and colours else text


@cache
def _parsed(style: str) -> Style:
    return Style.parse(style)


def _named(fields: Sequence[Field], name: str) -> Field:
    return next(field for field in fields if field.name == name)
