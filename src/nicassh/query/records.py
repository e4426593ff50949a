"""The tables of records: one for each record that a probe yields, with its columns and its newest rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from nicassh.inventory import fold, natural
from nicassh.model.errors import UsageError
from nicassh.model.records import Column, Keep, Record, columns, keys
from nicassh.model.severity import Severity
from nicassh.model.units import Percent, Seconds, Text, Time, counted
from nicassh.probes.loader import Probe
from nicassh.query.registry import Request, TableSpec
from nicassh.query.snapshot import Snapshot
from nicassh.query.table import KEPT, Field, Row, Table, computed

WINDOW = timedelta(days=30)
"""How far back the availability looks."""
_MOST = 4
"""Troubles that a summary names, and names of what each concerns."""


def record_table(snapshot: Snapshot, name: str) -> Table:
    """Return the newest rows of a record in the order of the nodes; of states, the bad ones first."""
    shape = snapshot.store.outcomes if name == "outcomes" else snapshot.store.records[name]
    state = state_column(shape.record) if shape.keep is Keep.INTERVALS else None
    shares = availability(snapshot, name, state) if state else {}
    key = [column.name for column in keys(shape.record)]
    judged = [column for column in columns(shape.record) if column.levels or column.high or column.low]
    rows: dict[str, list[Row]] = {node: [] for node in snapshot.names}
    for stored in snapshot.store.newest(name, snapshot.names):
        values = {**stored, "updated": stored["at"], "age": snapshot.age(stored)}
        values["availability"] = shares.get((stored["node"], *(stored[part] for part in key)))
        stale = set(values) - {"node"} if snapshot.is_stale(name, stored) else set()
        severities = {column.name: column.severity(stored[column.name]) for column in judged}
        rows[stored["node"]].append(Row(values, stale, severities))
    flat = [row for node in snapshot.names for row in rows[node]]
    if state:
        flat.sort(key=lambda row: (-row.severity(state.name), *(natural(str(row.values[part])) for part in key)))
    is_told = name != "outcomes" and snapshot.store.probe_of(name) in snapshot.store.cluster_probes
    facts = {"nodes": len(snapshot.nodes), "state": state.name if state else "", "key": key, "is_told": is_told}
    fields = record_fields(shape.record, shape.keep)
    return Table(name, fields, tuple(flat), facts, group_by_default=state is not None)


def state_column(record: type[Record]) -> Column | None:
    """Return the column of a record that has levels; None where there is none."""
    return next((column for column in columns(record) if column.levels), None)


def availability(snapshot: Snapshot, name: str, state: Column) -> dict[tuple[Any, ...], float]:
    """Return for each node and key the time in percent, of the last WINDOW, in which its state was not critical.

    Time of which nothing is known does not count.
    """
    known: dict[tuple[Any, ...], list[float]] = {}
    key = [column.name for column in keys(snapshot.store.records[name].record)] if name != "outcomes" else ["probe"]
    for span in snapshot.store.spans(name, snapshot.names, snapshot.now - WINDOW):
        begin, end = max(span["since"], snapshot.now - WINDOW), min(span["until"] or snapshot.now, snapshot.now)
        seconds = max(0.0, (end - begin).total_seconds())
        total = known.setdefault((span["node"], *(span[part] for part in key)), [0.0, 0.0])
        total[0] += seconds if state.severity(span[state.name]) is not Severity.CRITICAL else 0.0
        total[1] += seconds
    return {who: round(100 * well / whole, 3) for who, (well, whole) in known.items() if whole}


def record_fields(record: type[Record], keep: Keep) -> tuple[Field, ...]:
    """Return the fields of the table of a record: its first columns have the highest priority."""
    own = [_field(column, index, len(columns(record))) for index, column in enumerate(columns(record))]
    # A value that changes all the time does not keep the rows of several nodes apart.
    own = [replace(field, aggregate=_common) if field.column.volatile else field for field in own]
    return (
        Field(computed("node", str, Text, "Name of the node."), 100, wraps=keep is Keep.INTERVALS),
        *own,
        *([_SINCE] if keep is Keep.INTERVALS else []),
        *([_AVAILABILITY] if keep is Keep.INTERVALS and state_column(record) else []),
        Field(computed("updated", datetime, Time, "When the row was collected."), 0, aggregate=max),
        Field(computed("age", float, Seconds, "How old the row is."), 30, aggregate=max),
    )


def _field(column: Column, index: int, number: int) -> Field:
    """Return the field of one of so many columns. What tells rows apart, a state and its reason are always shown."""
    prose = column.name == "reason"
    priority = 99 if column.key else 98 if column.levels else KEPT if prose else 90 - 60 * index // number
    wraps = column.kind is str and (column.key or prose)
    truncatable = column.kind is str and not wraps
    return Field(column, priority if column.shown else 0, truncatable=truncatable, wraps=wraps)


def _common(values: list[Any]) -> Any:
    """Return the value that all have; None where they differ."""
    return values[0] if all(value == values[0] for value in values) else None


def summarize(table: Table) -> str:
    """Return `42 rows from 14 of 14 nodes; xrootd down on nc8.jinr.ru`.

    What a submit node tells is not on that node: `sge nc12.jinr.ru drained, as nc2.jinr.ru says`.
    """
    rows, state = table.rows, table.facts["state"]
    nodes = {row.values["node"] for row in rows}
    bad: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if state and row.severity(state):
            what = " ".join(str(row.values[part]) for part in table.facts["key"] if row.values[part])
            bad.setdefault((row.values[state], what), []).append(row.values["node"])
    alike: dict[tuple[str, str], list[str]] = {}
    for (word, what), where in bad.items():
        alike.setdefault((word, fold(where)), []).append(what)
    found = f"{counted(len(rows), 'row')} from {len(nodes)} of {counted(table.facts['nodes'], 'node')}"
    told = [
        f"{_names(all_of)} {word}, as {where} says" if table.facts["is_told"] else f"{_names(all_of)} {word} on {where}"
        for (word, where), all_of in alike.items()
    ]
    return "; ".join([found, *_first(told)])


def _names(names: list[str]) -> str:
    """Return names as a person lists them: some, and how many more."""
    shown = names if len(names) <= _MOST else [*names[: _MOST - 1], f"{len(names) - _MOST + 1} more"]
    return ", ".join(shown)


def _first(parts: list[str]) -> list[str]:
    """Return the first parts of a summary, and how many more there are."""
    return parts if len(parts) <= _MOST else [*parts[: _MOST - 1], f"{len(parts) - _MOST + 1} more troubles"]


_SINCE = Field(
    computed("since", datetime, Time, "Since when this has been so; of several nodes, the last."),
    20,
    aggregate=max,
)
_AVAILABILITY = Field(
    computed("availability", float, Percent, "Per cent of the last 30 days in no bad state, as far as known."),
    35,
    aggregate=min,
)


def record_specs(probes: Sequence[Probe], taken: Mapping[str, TableSpec]) -> dict[str, TableSpec]:
    """Return a table for each record of some probes, unless a table of that name shows it in a better way."""
    return {
        name: record_spec(name, _help(probe, name), record_fields(record, probe.keep[name]))
        for probe in probes
        for name, record in probe.records.items()
        if name not in taken
    }


def record_spec(name: str, text: str, fields: tuple[Field, ...] = ()) -> TableSpec:
    """Return the table of a record; without `fields`, of one whose probe is not loaded yet."""

    def build(request: Request) -> Table:
        if not request.snapshot.has(name):
            raise UsageError(f"no record {name!r}", "see nicamon probes")
        return record_table(request.snapshot, name)

    return TableSpec(name, text, fields, build, summarize, is_open=not fields)


def _help(probe: Probe, table: str) -> str:
    """Return what the rows of a table are: the help of the probe for its first table, else the columns."""
    if table == probe.name:
        return probe.help.partition("\n")[0]
    titles = [column.name for column in columns(probe.records[table]) if column.shown]
    return f"Of `{probe.name}`: {', '.join(titles[:6])}{', …' if len(titles) > 6 else ''}."
