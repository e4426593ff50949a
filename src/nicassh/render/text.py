"""A table as lines of text that fit the width they are given.

rich knows the terminal, the width of characters and the codes of colours. The lines are put together here, because the
tables of rich take half a millisecond a row, and a farm has a hundred thousand rows. Every text passes `clean` again on
its way out, and no markup is read anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from rich.cells import cell_len, set_cell_size
from rich.color import ColorSystem
from rich.style import Style

from nicassh.model.severity import Severity
from nicassh.model.text import clean
from nicassh.query import Cell, Field, Table

_MARKS = {Severity.OK: "", Severity.UNKNOWN: "? ", Severity.WARNING: "! ", Severity.CRITICAL: "‼ "}
_STYLES = {Severity.OK: "", Severity.UNKNOWN: "yellow", Severity.WARNING: "yellow", Severity.CRITICAL: "red"}
_STATES = {"up": "green", "ok": "green", "absent": "dim"}
_GAP = "  "
_ENOUGH = 26
"""Characters that are enough for a truncatable cell; below, another column has to go."""


def page(table: Table, width: int | None, colours: bool = False) -> Iterator[str]:
    """Yield the lines of a table and of the further tables below it, each under its name.

    Tables without rows are left out. None for the width: as wide as it gets.
    """
    tables = [one for one in (table, *table.further) if one.rows] or [table]
    for index, one in enumerate(tables):
        if len(tables) > 1:
            yield f"{chr(10) if index else ''}{one.name.upper()}"
        yield from draw(one, width, colours)


def draw(table: Table, width: int | None, colours: bool = False) -> Iterator[str]:
    """Yield the lines of a table, with its summary below. None for the width: as wide as it gets."""
    drawn = _Drawn(table)
    fields, hidden = _fit(table, drawn, width)
    summary = clean(table.about)
    if table.rows:
        rooms = _rooms(fields, drawn, width)
        titles = (_set(field.column.title, room, _right(field)) for field, room in zip(fields, rooms, strict=True))
        yield _paint(_GAP.join(titles).rstrip(), "bold", colours)
        columns = [
            (field, room, drawn.texts(field), drawn.cells(field)) for field, room in zip(fields, rooms, strict=True)
        ]
        for index in range(len(table.rows)):
            texts = (
                _paint(_set(texts[index], room, _right(field)), _style(field, cells[index]), colours)
                for field, room, texts, cells in columns
            )
            yield _GAP.join(texts).rstrip()
        if summary or hidden:
            yield ""
    if summary:
        yield _paint(summary, "bold" if " down" in summary else "", colours)
    if hidden:
        yield _paint(f"not shown for want of width: {', '.join(hidden)} (see --columns)", "dim", colours)


class _Drawn:
    """The cells of a table as text, each column drawn when it is first asked for."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._cells: dict[str, list[Cell]] = {}
        self._texts: dict[str, list[str]] = {}
        self._widths: dict[str, int] = {}

    def cells(self, field: Field) -> list[Cell]:
        """Return the cells of a column."""
        if field.name not in self._cells:
            self._cells[field.name] = list(self._table.cells(field))
        return self._cells[field.name]

    def texts(self, field: Field) -> list[str]:
        """Return the texts of a column: a sign says how bad a value is, also where there are no colours."""
        if field.name not in self._texts:
            self._texts[field.name] = [_MARKS[cell.severity] + clean(cell.text) for cell in self.cells(field)]
        return self._texts[field.name]

    def width(self, field: Field) -> int:
        """Return how many characters a column would fill."""
        if field.name not in self._widths:
            widest = max(map(_length, self.texts(field)), default=0)
            self._widths[field.name] = max(_length(field.column.title), widest)
        return self._widths[field.name]


def _style(field: Field, cell: Cell) -> str:
    """Return the colour of a severity or a state; dim where the value is stale."""
    style = _STYLES[cell.severity]
    if not style and field.name == "state":
        style = _STATES.get(cell.text, "")
    return f"{style} dim".strip() if cell.stale else style


def _fit(table: Table, drawn: _Drawn, width: int | None) -> tuple[list[Field], list[str]]:
    """Return the fields that fit, and the titles of those that do not: the lowest priority goes first."""
    fields = list(table.visible)
    hidden: list[str] = []
    while not table.selected and width is not None and len(fields) > 1 and _least_width(fields, drawn) > width:
        lowest = min(fields, key=lambda field: field.priority)
        fields.remove(lowest)
        hidden.append(lowest.column.title)
    return fields, hidden


def _least_width(fields: Sequence[Field], drawn: _Drawn) -> int:
    """Return the width below which a cell would lose too much."""
    rooms = (min(drawn.width(field), _ENOUGH) if field.truncatable else drawn.width(field) for field in fields)
    return sum(rooms) + len(_GAP) * (len(fields) - 1)


def _rooms(fields: Sequence[Field], drawn: _Drawn, width: int | None) -> list[int]:
    """Return a width for each column: that of its cells, with the widest truncatable ones cut until all fit.

    Where even that is too wide (columns that the reader chose), every column may be cut.
    """
    rooms = [drawn.width(field) for field in fields]
    excess = sum(rooms) + len(_GAP) * (len(fields) - 1) - width if width is not None else 0
    for truncatable, least in ((True, _ENOUGH), (True, 6), (False, 3)):
        while excess > 0:
            able = [i for i, field in enumerate(fields) if (field.truncatable or not truncatable) and rooms[i] > least]
            if not able:
                break
            rooms[max(able, key=rooms.__getitem__)] -= 1
            excess -= 1
    return rooms


def _set(text: str, room: int, right: bool) -> str:
    """Return the text in exactly that many characters: padded, or cut with an ellipsis."""
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
