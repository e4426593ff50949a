"""The plain view of any record: its columns after the node, its rows as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from nicassh.inventory import fold, natural
from nicassh.model.records import Column, Keep, Record, columns, keys
from nicassh.model.units import Percent, Seconds, Text, Time, counted
from nicassh.query.scene import Scene
from nicassh.query.table import Field, Row, View, declared

WINDOW = timedelta(days=30)
"""How far back the availability looks."""


def listing(scene: Scene, name: str) -> View:
    """The newest rows of a record: those in trouble first where it tells of states, else in the nodes' order."""
    shape = scene.store.outcomes if name == "outcomes" else scene.store.records[name]
    state = state_of(shape.record) if shape.keep is Keep.INTERVALS else None
    shares = availability(scene, name, state) if state else {}
    key = [column.name for column in keys(shape.record)]
    judged = [column for column in columns(shape.record) if column.levels or column.high or column.low]
    rows: dict[str, list[Row]] = {node: [] for node in scene.names}
    for stored in scene.store.newest(name, scene.names):
        values = {**stored, "updated": stored["at"], "age": scene.age(stored)}
        values["availability"] = shares.get((stored["node"], *(stored[part] for part in key)))
        old = set(values) - {"node"} if scene.is_old(name, stored) else set()
        trouble = {column.name: column.trouble(stored[column.name]) for column in judged}
        rows[stored["node"]].append(Row(values, old, trouble))
    flat = [row for node in scene.names for row in rows[node]]
    if state:
        flat.sort(key=lambda row: (-row.trouble[state.name], *(natural(str(row.values[part])) for part in key)))
    fields = fields_of(shape.record, shape.keep)
    return View(name, fields, tuple(flat), lambda shown: _summary(shown, scene, state, key), gathers=state is not None)


def state_of(record: type[Record]) -> Column | None:
    """The column of a record that has levels; None where it has none."""
    return next((column for column in columns(record) if column.levels), None)


def availability(scene: Scene, name: str, state: Column) -> dict[tuple[Any, ...], float]:
    """Per cent of the time since WINDOW in which each node and key was in no bad state, of the time it was known."""
    known: dict[tuple[Any, ...], list[float]] = {}
    key = [column.name for column in keys(scene.store.records[name].record)] if name != "outcomes" else ["probe"]
    for span in scene.store.spans(name, scene.names, scene.now - WINDOW):
        begin, end = max(span["since"], scene.now - WINDOW), min(span["until"] or scene.now, scene.now)
        seconds = max(0.0, (end - begin).total_seconds())
        total = known.setdefault((span["node"], *(span[part] for part in key)), [0.0, 0.0])
        total[0] += seconds if state.trouble(span[state.name]) < 2 else 0.0
        total[1] += seconds
    return {who: round(100 * well / whole, 3) for who, (well, whole) in known.items() if whole}


def fields_of(record: type[Record], keep: Keep) -> tuple[Field, ...]:
    """The fields of a record's listing: the first columns of a record weigh most."""
    width = len(columns(record))
    own = [
        Field(column, (90 - 60 * index // width) if column.shown else 0, flexible=column.kind is str and not column.key)
        for index, column in enumerate(columns(record))
    ]
    # What changes by itself does not keep the rows of several nodes apart.
    own = [replace(field, merge=_common) if field.column.volatile else field for field in own]
    return (
        Field(declared("node", str, Text, "Name of the node."), 100, flexible=keep is Keep.INTERVALS),
        *own,
        *([_SINCE] if keep is Keep.INTERVALS else []),
        *([_AVAILABILITY] if keep is Keep.INTERVALS and state_of(record) else []),
        Field(declared("updated", datetime, Time, "When the row was collected."), 0, merge=max),
        Field(declared("age", float, Seconds, "How old the row is.", "updated"), 30, merge=max),
    )


def _common(values: list[Any]) -> Any:
    """The value that all have; unknown where they differ."""
    return values[0] if all(value == values[0] for value in values) else None


def _summary(rows: Sequence[Row], scene: Scene, state: Column | None, key: Sequence[str]) -> str:
    """`42 rows from 14 of 14 nodes; xrootd down on nc8.jinr.ru`."""
    nodes = {row.values["node"] for row in rows}
    bad: dict[str, list[str]] = {}
    for row in rows:
        if state and row.trouble[state.name]:
            what = " ".join(str(row.values[part]) for part in key if row.values[part])
            bad.setdefault(f"{what} {row.values[state.name]}", []).append(row.values["node"])
    found = f"{counted(len(rows), 'row')} from {len(nodes)} of {counted(len(scene.nodes), 'node')}"
    return "; ".join([found, *(f"{what} on {fold(where)}" for what, where in bad.items())])


_SINCE = Field(
    declared("since", datetime, Time, "Since when this has been so; of several nodes, the last."), 20, merge=max
)
_AVAILABILITY = Field(
    declared(
        "availability", float, Percent, "Per cent of the last 30 days in no bad state, as far as known.", "avail %"
    ),
    35,
    merge=min,
)
