"""Which columns of a table fit a screen, and how wide each is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nicassh.model.severity import Severity
from nicassh.model.text import ascii_text, clean
from nicassh.model.units import UNKNOWN
from nicassh.query import Cell, Field, Table
from nicassh.query.table import KEPT, KEY
from nicassh.render.domain import NODES
from nicassh.render.lines import header_room, length

GAP = "  "
_MARKS = {Severity.OK: "", Severity.UNKNOWN: "? ", Severity.WARNING: "! ", Severity.CRITICAL: "‼ "}
_COMFORTABLE, _SHORT, _WRAPPED, _LAST = 26, 12, 16, 3
"""Characters to which a long cell is shortened before headers are broken; the least for one that is shortened, and for
one that wraps, before another column goes, more on a wide screen; the least where no other column can go."""

_MAIN = 99
"""The priority from which a column is what the table is about: it is comfortable before others are there."""


@dataclass(frozen=True)
class Screen:
    """What a page is drawn for. None for the width and the height: as wide and as long as it gets.

    A screen that is `ascii_only`, as in the C locale, shows `!!` and `-` instead of `‼` and `–`.
    """

    width: int | None = None
    height: int | None = None
    colours: bool = False
    ascii_only: bool = False

    @property
    def ellipsis(self) -> str:
        """Return what stands for a part that is left out."""
        return "..." if self.ascii_only else "…"

    def plain(self, text: str) -> str:
        """Return a text made safe, in characters that the screen has."""
        return ascii_text(clean(text)) if self.ascii_only else clean(text)


class Drawn:
    """The cells of a table as text, each column drawn when it is first asked for."""

    def __init__(self, table: Table, screen: Screen, domain: str) -> None:
        self._table, self._screen, self._domain = table, screen, domain
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
            marks = {severity: self._screen.plain(mark) for severity, mark in _MARKS.items()}
            texts = [marks[cell.severity] + self._screen.plain(cell.text) for cell in self.cells(field)]
            if self._domain and field.name in NODES:
                texts = [text.replace(self._domain, "") for text in texts]
            self._texts[field.name] = texts
        return self._texts[field.name]

    def is_empty(self, field: Field) -> bool:
        """Say whether no row has a value in a column."""
        return all(cell.text in ("", UNKNOWN) for cell in self.cells(field))

    def width(self, field: Field) -> int:
        """Return how many characters the cells of a column would fill."""
        if field.name not in self._widths:
            self._widths[field.name] = max(map(length, self.texts(field)), default=0)
        return self._widths[field.name]

    def whole(self, field: Field) -> int:
        """Return how many characters a column would fill with its header in one line."""
        return max(self.width(field), length(field.name))

    def least(self, field: Field) -> int:
        """Return the characters below which a column would lose too much."""
        width = self._screen.width or 0
        enough = max(_SHORT, width // 10) if field.truncatable else self.width(field)
        enough = max(_WRAPPED, width // 6) if field.wraps else enough
        if field.priority >= _MAIN and (field.truncatable or field.wraps):
            enough = _COMFORTABLE
        return max(min(self.width(field), enough), header_room(field.name))


def fit(table: Table, drawn: Drawn, width: int | None) -> tuple[list[Field], list[str]]:
    """Return the fields that fit, and the names of those with values that do not.

    Columns without any value go first, then the lowest priority. What the reader chose stays.
    """
    fields = list(table.visible)
    hidden: list[str] = []
    while not table.selected and width is not None and _total(map(drawn.least, fields)) > width:
        able = [field for field in fields if field.priority < (KEY if drawn.is_empty(field) else KEPT)]
        if not able:
            break
        lowest = min(able, key=lambda field: (not drawn.is_empty(field), field.priority))
        fields.remove(lowest)
        hidden += [] if drawn.is_empty(lowest) else [lowest.name]
    return fields, hidden


def rooms(fields: Sequence[Field], drawn: Drawn, width: int | None) -> list[int]:
    """Return a width for each column. The widest give way first: long cells, then headers, then what is left."""
    found = [drawn.whole(field) if width is None else min(drawn.whole(field), width) for field in fields]
    long = [field.truncatable or field.wraps for field in fields]
    leasts = [drawn.least(field) for field in fields]
    comfortable = [
        max(least, min(room, _COMFORTABLE)) if is_long else room
        for room, least, is_long in zip(found, leasts, long, strict=True)
    ]
    broken = [
        max(least, min(room, drawn.width(field)))
        for room, least, field in zip(comfortable, leasts, fields, strict=True)
    ]
    for floors in (comfortable, broken, leasts, [_LAST] * len(fields)):
        while width is not None and _total(found) > width:
            able = [index for index, room in enumerate(found) if room > floors[index]]
            if not able:
                break
            found[max(able, key=found.__getitem__)] -= 1
    return found


def _total(widths: Iterable[int]) -> int:
    """Return the characters of a line with columns of these widths."""
    known = list(widths)
    return sum(known) + len(GAP) * (len(known) - 1)
