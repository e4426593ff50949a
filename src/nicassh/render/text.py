"""A page of tables as lines of text that fit a screen.

rich knows the terminal, the width of characters and the codes of colours. The lines are put together here, because the
tables of rich take half a millisecond a row, and a farm has a hundred thousand rows. Every text passes `clean` again on
its way out, and no markup is read anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import islice, zip_longest

from rich.color import ColorSystem
from rich.style import Style

from nicassh.model.severity import Severity
from nicassh.model.units import counted
from nicassh.model.zones import zone_name
from nicassh.query import Cell, Field, Table
from nicassh.render.domain import shared_domain, without_domain
from nicassh.render.fitting import GAP, Drawn, Screen, fit, rooms
from nicassh.render.lines import header, length, padded, wrapped

_STYLES = {Severity.OK: "", Severity.UNKNOWN: "yellow", Severity.WARNING: "yellow", Severity.CRITICAL: "red"}
_STATES = {"up": "green", "ok": "green", "absent": "dim"}
_NAMED = 8
"""Hidden columns that the last line names; of further ones it gives the number."""


def page(table: Table, screen: Screen) -> Iterator[str]:
    """Yield the lines of a table and of the further tables below it, each under its name.

    Tables without rows are left out. A page that is higher than the screen loses rows, and no header and no summary.
    """
    tables = [one for one in (table, *table.further) if one.rows] or [table]
    domain = shared_domain(tables)
    blocks = [_Block.of(one, screen, domain, named=len(tables) > 1) for one in tables]
    foot = _foot(blocks, screen)
    if screen.height is not None:
        _cut(blocks, screen.height - len(foot))
    for index, block in enumerate(blocks):
        yield from [""] * bool(index)
        yield from block.lines()
    yield from foot


@dataclass
class _Block:
    """One table of a page: its header, each row as its lines, what stands below, and what the page says of it."""

    head: list[str]
    rows: Iterator[list[str]] | list[list[str]]
    summary: list[str]
    hidden: list[str]
    has_times: bool
    left_out: int
    ellipsis: str

    @classmethod
    def of(cls, table: Table, screen: Screen, domain: str, named: bool) -> _Block:
        drawn = Drawn(table, screen, domain)
        fields, hidden = fit(table, drawn, screen.width) if table.rows else ([], [])
        widths = rooms(fields, drawn, screen.width)
        head = [table.name.upper()] if named else []
        head += [_paint(line, "bold", screen) for line in _header(fields, widths)] if fields else []
        rows = _rows(fields, widths, drawn, screen, len(table.rows))
        most = len(table.rows) if table.most_drawn is None else table.most_drawn
        about = without_domain(screen.plain(table.about), domain)
        style = "bold" if " down" in about else ""
        summary = [_paint(line, style, screen) for line in _sentence(about, screen)] if about else []
        has_times = any(
            field.column.kind is datetime and any(row.values[field.name] for row in table.rows) for field in fields
        )
        left_out = max(0, len(table.rows) - most)
        return cls(head, islice(rows, most), summary, hidden, has_times, left_out, screen.ellipsis)

    def lines(self) -> Iterator[str]:
        yield from self.head
        for row in self.rows:
            yield from row
        if self.left_out:
            yield f"{self.ellipsis} {counted(self.left_out, 'more row')}"
        if self.head and self.summary:
            yield ""
        yield from self.summary

    def cut(self, excess: int) -> int:
        """Leave rows out until the block is shorter by so many lines, if it can be. Return the lines that it is."""
        self.rows = list(self.rows)
        before = self._height()
        while self.rows and before - self._height() < excess:
            self.rows.pop()
            self.left_out += 1
        return before - self._height()

    def _height(self) -> int:
        return sum(map(len, self.rows)) + bool(self.left_out)


def _cut(blocks: Sequence[_Block], height: int) -> None:
    """Leave rows out, those of the last table first, until the page is as high as that."""
    for block in blocks:
        block.rows = list(block.rows)
    excess = sum(sum(1 for _ in block.lines()) + 1 for block in blocks) - 1 - height
    for block in reversed(blocks):
        if excess > 0:
            excess -= block.cut(excess)


def _header(fields: Sequence[Field], widths: Sequence[int]) -> Iterator[str]:
    """Yield the lines of the header. A name that is too long is broken; the last parts stand in the same line."""
    parts = [header(field.name, width)[::-1] for field, width in zip(fields, widths, strict=True)]
    for line in reversed(list(zip_longest(*parts, fillvalue=""))):
        yield GAP.join(map(padded, line, widths, map(_right, fields))).rstrip()


def _rows(
    fields: Sequence[Field], widths: Sequence[int], drawn: Drawn, screen: Screen, number: int
) -> Iterator[list[str]]:
    """Yield each row as its lines: one, or more where a cell wraps."""
    texts = [drawn.texts(field) for field in fields]
    styles = [[_style(field, cell) for cell in drawn.cells(field)] for field in fields]
    sides = list(map(_right, fields))
    tall = [place for place, field in enumerate(fields) if field.wraps and drawn.width(field) > widths[place]]
    for index in range(number):
        row = [column[index] for column in texts]
        lines = [row]
        if any(length(row[place]) > widths[place] for place in tall):
            parts = [wrapped(text, widths[place]) if place in tall else [text] for place, text in enumerate(row)]
            lines = [list(line) for line in zip_longest(*parts, fillvalue="")]
        yield [
            GAP.join(
                _paint(padded(text, width, right, screen.ellipsis), style[index], screen)
                for text, width, right, style in zip(line, widths, sides, styles, strict=True)
            ).rstrip()
            for line in lines
        ]


def _foot(blocks: Sequence[_Block], screen: Screen) -> list[str]:
    """Return the last lines of a page: in which zone its times are, and which columns are hidden."""
    said = [f"times: {zone_name()}"] if any(block.has_times for block in blocks) else []
    hidden = list(dict.fromkeys(name for block in blocks for name in block.hidden))
    if hidden:
        rest = f" and {len(hidden) - _NAMED} more" if len(hidden) > _NAMED else ""
        said.append(f"hidden (narrow terminal): {', '.join(hidden[:_NAMED])}{rest}; see --columns")
    lines = [_paint(line, "dim", screen) for line in _sentence("; ".join(said), screen)] if said else []
    return lines if not lines or blocks[-1].summary else ["", *lines]


def _sentence(text: str, screen: Screen) -> list[str]:
    return [text] if screen.width is None else wrapped(text, screen.width)


def _style(field: Field, cell: Cell) -> str:
    """Return the colour of a severity or a state; dim where the value is stale."""
    style = _STYLES[cell.severity]
    if not style and field.name == "state":
        style = _STATES.get(cell.text, "")
    return f"{style} dim".strip() if cell.stale else style


def _right(field: Field) -> bool:
    return field.column.unit.right and not field.draw


def _paint(text: str, style: str, screen: Screen) -> str:
    return _parsed(style).render(text, color_system=ColorSystem.STANDARD) if style and screen.colours else text


@cache
def _parsed(style: str) -> Style:
    return Style.parse(style)
