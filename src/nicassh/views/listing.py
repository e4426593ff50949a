"""The plain view of any record: its columns after the node, its rows as they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from nicassh.record import Keep, Record, columns
from nicassh.units import Seconds, Text, Time, counted
from nicassh.views.scene import Scene
from nicassh.views.table import Field, Row, View, declared


def listing(scene: Scene, name: str) -> View:
    """The newest rows of a record on these nodes, in the nodes' order and then by key."""
    store = scene.store
    shape = store.outcomes if name == "outcomes" else store.records[name]
    rows: dict[str, list[Row]] = {node: [] for node in scene.names}
    for stored in store.newest(name, scene.names):
        values = {**stored, "updated": stored["at"], "age": scene.age(stored)}
        old = set(values) - {"node"} if scene.is_old(name, stored) else set()
        trouble = {column.name: column.trouble(stored[column.name]) for column in columns(shape.record)}
        rows[stored["node"]].append(Row(values, old, trouble))
    flat = tuple(row for node in scene.names for row in rows[node])

    def summary(shown: Sequence[Row]) -> str:
        present = len({row.values["node"] for row in shown})
        return f"{counted(len(shown), 'row')} from {present} of {counted(len(scene.nodes), 'node')}"

    return View(name, fields_of(shape.record, shape.keep), flat, summary)


def fields_of(record: type[Record], keep: Keep) -> tuple[Field, ...]:
    """The fields of a record's listing: the first columns of a record weigh most."""
    width = len(columns(record))
    own = (
        Field(column, (90 - 60 * index // width) if column.shown else 0, flexible=column.kind is str and not column.key)
        for index, column in enumerate(columns(record))
    )
    since = Field(declared("since", datetime, Time, "Since when this has been so."), 20)
    return (
        Field(declared("node", str, Text, "Name of the node."), 100),
        *own,
        *([since] if keep is Keep.INTERVALS else []),
        Field(declared("updated", datetime, Time, "When the row was collected."), 0),
        Field(declared("age", float, Seconds, "How old the row is.", "updated"), 30),
    )
