"""A history as a plot: axes in the units of the record, gaps that stay gaps, and what fits."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest
from rich.cells import cell_len
from unit_rows import at, made, outcome, summary

from nicassh.query.history import History, Window, history
from nicassh.query.metrics import find_metric
from nicassh.render import draw_plot
from nicassh.store import Store

MINUTE = 60
BRAILLE = {chr(code) for code in range(0x2801, 0x2900)}


def wrote(store: Store, node: str, load1: dict[int, float]) -> None:
    for minute, value in load1.items():
        store.write([outcome(node, "load", at(minute * MINUTE), made("load", load1=value))])


def seen(store: Store, nodes: str = "nc2", minutes: int = 60, step: float = 0, name: str = "load1") -> History:
    time = Window(at(0), at(minutes * MINUTE), step)
    found = history(store, find_metric(store, name), nodes.split(), time, {})
    return replace(found, summary=summary(found))


def columns(lines: list[str], marks: set[str]) -> set[int]:
    """The columns of the picture in which one of these characters stands."""
    return {place for line in lines for place, character in enumerate(line) if character in marks}


@pytest.mark.parametrize("width", [40, 80, 131, 200])
def test_it_fits_and_has_title_axes_and_summary(store: Store, width: int) -> None:
    wrote(store, "nc2", {minute: minute / 10 for minute in range(60)})
    lines = list(draw_plot(seen(store), width, 20))
    assert len(lines) == 22
    assert max(map(cell_len, lines[:-1])) <= width
    assert lines[0].startswith("load.load1 on nc2: Load average")
    assert lines[1].lstrip().startswith("┌")
    assert any(line.startswith("0.00┤") for line in lines)
    assert "12:00" in lines[-2]
    assert lines[-1] == "2026-11-21 12:00:00 to 2026-11-21 13:00:00 UTC: 60 values"
    assert "\x1b" not in "".join(lines)


def test_a_gap_stays_a_gap(store: Store) -> None:
    wrote(store, "nc2", dict.fromkeys((*range(20), *range(40, 60)), 5.0))
    lines = list(draw_plot(seen(store), 106, 20))
    drawn = columns(lines[1:-2], BRAILLE)
    first, last = min(drawn), max(drawn)
    empty = set(range(first, last)) - drawn
    assert len(empty) in range(30, 36)  # a third of the picture
    assert max(empty) - min(empty) + 1 == len(empty)


def test_a_value_alone_is_a_point(store: Store) -> None:
    wrote(store, "nc2", {10: 5.0, 50: 5.0})
    lines = list(draw_plot(seen(store, name="load1"), 80, 12))
    assert len(columns(lines[1:-2], BRAILLE)) == 2


def test_the_band_goes_from_minimum_to_maximum(store: Store) -> None:
    wrote(store, "nc2", {minute: 10.0 if minute % 2 else 20.0 for minute in range(60)})
    lines = list(draw_plot(seen(store, step=600), 80, 24))
    band = [place for place, line in enumerate(lines) if "░" in line]
    marks = {float(line.partition("┤")[0]): place for place, line in enumerate(lines) if "┤" in line}
    assert band[0] == marks[20.0]
    assert band[-1] <= marks[10.0]
    assert band == list(range(band[0], band[-1] + 1))
    assert not any("░" in line for line in draw_plot(seen(store), 80, 24))


def test_several_lines_are_told_apart_with_and_without_colours(store: Store) -> None:
    for number in range(3):
        wrote(store, f"nc{number}", dict.fromkeys(range(60), 10.0 * number))
    plain = list(draw_plot(seen(store, "nc0 nc1 nc2"), 80, 20))
    assert plain[-2] == "a nc0   b nc1   c nc2"
    assert [letter for line in plain[1:-3] for letter in "abc" if line.count(letter) > 20] == ["c", "b", "a"]
    coloured = list(draw_plot(seen(store, "nc0 nc1 nc2"), 80, 20, colours=True))
    assert coloured[-2].count("\x1b[") >= 3
    assert "nc1" in coloured[-2]


def test_values_are_drawn_in_their_unit(store: Store) -> None:
    for minute in range(60):
        memory = made("memory", available=(20 + minute % 3) * 1024**3)
        store.write([outcome("nc2", "memory", at(minute * MINUTE), memory)])
    lines = list(draw_plot(seen(store, name="memory_available"), 80, 20))
    marks = [line.partition("┤")[0].strip() for line in lines if "┤" in line]
    assert marks == ["22 G", "21 G", "20 G"]


def test_what_changes_less_than_can_be_told_is_flat(store: Store) -> None:
    for minute in range(60):
        memory = made("memory", available=20 * 1024**3 + minute)
        store.write([outcome("nc2", "memory", at(minute * MINUTE), memory)])
    marks = [
        line.partition("┤")[0].strip()
        for line in draw_plot(seen(store, name="memory_available"), 80, 20)
        if "┤" in line
    ]
    assert marks == ["21 G", "20 G"]


def test_zeros_and_nothing(store: Store) -> None:
    wrote(store, "nc2", dict.fromkeys(range(60), 0.0))
    assert any(line.startswith("0.00┤") for line in draw_plot(seen(store), 80, 20))
    lines = list(draw_plot(seen(store, "nc3"), 80, 20))
    assert lines == [
        "load.load1 on nc3: Load average over 1 minute.",
        "2026-11-21 12:00:00 to 2026-11-21 13:00:00 UTC: no data for this period",
    ]


def test_only_a_plot_loads_what_draws_plots() -> None:
    code = "import sys, nicassh.cli.history, nicassh.render; sys.exit('plotext' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
