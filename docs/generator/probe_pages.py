"""The page of the probes."""

from __future__ import annotations

from collections.abc import Iterator

from generator.markdown import column_row, markdown_table
from nicassh.model.records import Keep, columns
from nicassh.model.units import draw_seconds
from nicassh.probes import loader as probe
from nicassh.probes.loader import Probe

KEEPS = {
    Keep.SERIES: "series in `{0}` and `{0}_series`",
    Keep.INTERVALS: "intervals in `{0}` and `{0}_intervals`",
    Keep.LATEST: "latest rows in `{0}`",
}


def probes() -> Iterator[str]:
    """The page of the built-in probes."""
    yield "# Probes"
    yield ""
    yield "What nicamon collects. How to add a probe: [write a probe](write-a-probe.md)."
    yield ""
    yield "A warning is marked with `!`, a critical value with `‼`. A value whose unit has a `?` may be unknown: `–`"
    yield "in a table, `null` in JSON, `NULL` in SQL, never 0. Columns marked *key* identify a row of a node. For"
    yield "programs, sizes are in bytes, durations in seconds and times in UTC. *Series*, *intervals* and *latest rows*"
    yield "are explained under [record.py](write-a-probe.md#recordpy)."
    for one in probe.load_all():
        yield from _probe(one)


def _probe(one: Probe) -> Iterator[str]:
    yield from ("", f"## {one.name}", "", one.help, "")
    where = "every node" if one.where == "nodes" else "the submit node of a batch cluster"
    limit = draw_seconds(one.timeout)
    yield f"Each {draw_seconds(one.every)} on {where}, in the class {one.priority}, with a time limit of {limit}."
    for name, record in one.records.items():
        yield from ("", f"Kept as {KEEPS[one.keep[name]].format(name)}.", "")
        rows = (column_row(column, "key" if column.key else "") for column in columns(record))
        yield from markdown_table([("column", "unit", "what it is"), *rows])
