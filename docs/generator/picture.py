"""The picture of the README: the table of the farm as a terminal shows it, with the rows of the sample."""

from __future__ import annotations

import io
import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

from generator import sample
from nicassh.app import App
from nicassh.query import Snapshot
from nicassh.query.tables.farm import farm
from nicassh.render import Screen, page
from nicassh.store import Store

WIDTH = 112
NOW = datetime(2025, 11, 21, 12, tzinfo=UTC)
STALE = 900


def lines() -> list[str]:
    """Return the lines of `nicamon show farm` on the sample, with the codes of colours."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder) / 'nicamon.db'}", sample.PROBES)
        store.create()
        sample.fill(store, NOW)
        table = App().arrange(farm(Snapshot(store, sample.nodes(), STALE, NOW)))
        drawn = list(page(table, Screen(WIDTH, colours=True)))
        store.engine.dispose()
    return drawn


def svg() -> str:
    """Return the picture as SVG."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), color_system="standard")
    for line in lines():
        console.print(Text.from_ansi(line))
    exported = console.export_svg(title="nicamon show farm", unique_id="nicamon")
    # A picture in a page loads no fonts from elsewhere; without them any monospaced one is taken.
    without_fonts = re.sub(r" *@font-face \{.*?\}\n", "", exported, flags=re.S)
    return "\n".join(line.rstrip() for line in without_fonts.splitlines()) + "\n"
