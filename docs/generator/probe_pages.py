"""The page of the probes."""

from __future__ import annotations

from collections.abc import Iterator

from generator.markdown import column_row, markdown_table
from nicassh.model.records import Keep, columns
from nicassh.model.units import draw_seconds
from nicassh.probes import loader as probe
from nicassh.probes.loader import Probe

KEEPS = {
    Keep.SERIES: "series: `{0}` has the newest rows, `{0}_series` every value with its time",
    Keep.INTERVALS: "intervals: `{0}` has the newest rows, `{0}_intervals` one for each value, with since and until",
    Keep.LATEST: "latest: `{0}` has the newest rows and nothing else",
}


def probes() -> Iterator[str]:
    """The page of the built-in probes."""
    yield "# Probes"
    yield ""
    yield "What nicamon collects. How to add a probe: [write a probe](write-a-probe.md)."
    yield ""
    yield "A value at or beyond the threshold *warning* is marked with `!`, at or beyond *critical* with `‼`. A column"
    yield "marked `?` may be unknown: `–` in a table, `null` in JSON, `NULL` in SQL, never 0. Columns marked `key`"
    yield "tell the rows of one node apart. For programs, sizes are in bytes, durations in seconds and times in UTC."
    for one in probe.load_all():
        yield from _probe(one)


def _probe(one: Probe) -> Iterator[str]:
    yield from ("", f"## {one.name}", "", one.help, "")
    times = (draw_seconds(one.every), one.priority, draw_seconds(one.timeout))
    where = "every node" if one.where == "nodes" else "the submit node of a batch cluster"
    yield from markdown_table([("every", "priority", "time limit", "runs on"), (*times, where)])
    for name, record in one.records.items():
        yield from ("", f"Kept as {KEEPS[one.keep[name]].format(name)}.", "")
        yield from markdown_table(
            [("column", "unit", "", "thresholds", "what it is"), *map(column_row, columns(record))]
        )
