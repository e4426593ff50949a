"""Every table of the store, described once; which names a probe cannot have follows from it.

A record kept as a series has a table of its newest rows, one of every row, and one of each tier; a record kept as
intervals has its newest rows and its intervals; a listing has its newest rows, and the first rows of each collection
where it asks for them. Beside these are the outcomes, and what the store must know of nodes, tiers and clocks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from nicassh.database import CHUNK_SPEC, NODE, Chunks, Moment, Tables, TableSet, tables
from nicassh.model.outcome import State
from nicassh.model.records import Column, Keep, Record, column, columns
from nicassh.model.units import Seconds, Text
from nicassh.probes.loader import Probe
from nicassh.store.tiers import RAW, TIERS, Tier

DIGEST = 32
"""Characters of a digest of rows."""
LONGEST = 160
"""Characters of a text among the first rows of a listing; a longer one is shortened."""
_FIRST_ROWS_CHUNK = 6 * 3600
"""Seconds of a chunk of the first rows of listings."""


@dataclass(frozen=True)
class Result(Record):
    """An outcome as it is stored: kept as intervals, so each change of state has its since and until."""

    probe: Text = column("The probe, or `login` for the node itself.", key=True)
    state: Text = column("How it ended.", levels={state.value: 0 if state.is_ok else 2 for state in State})
    reason: Text = column("Why there are no records; empty where all is well.")
    seconds: Seconds | None = column("How long the node took for its whole answer.", volatile=True)
    text: Text = column("Output that could not be read.", shown=False, volatile=True)
    notes: Text | None = column("What of the output could not be read; all other rows are there.", volatile=True)


@dataclass(frozen=True)
class Series:
    """A record kept as a series: its numbers, the keys within a node, and its table in each tier."""

    metrics: tuple[str, ...]
    keys: tuple[str, ...]
    tables: Mapping[Tier, sa.Table]


class Layout:
    """The tables of a store.

    `records` are those of each record by its name, `series` those of the records kept as series, `first_rows` those of
    the listings that keep some. `rollup_progress` has for each node and tier the moment before which every row is in
    the tier; it goes back where a row comes late. `retention_horizon` has for each tier the moment before which its
    rows are deleted, or about to be. `node_locks` has a row a node, which a writer of that node locks. `content_hash`
    has a digest of the rows of a node and record, so that rows that are still the same need not be read.
    """

    def __init__(self, probes: Sequence[Probe], views: Callable[[Layout], Mapping[str, Any]]) -> None:
        """Describe the tables for the records of these probes; `views` gives the SQL views of them by name."""
        self.metadata = TableSet(lambda: views(self))
        self.probes = {probe.name: list(probe.records) for probe in probes}
        self.outcomes = tables(self.metadata, "outcomes", Result, Keep.INTERVALS)
        self.records: dict[str, Tables] = {
            name: tables(self.metadata, name, record, probe.keep[name], probe.name, probe.every)
            for probe in probes
            for name, record in probe.records.items()
        }
        self.series = {
            name: _series(self.metadata, name, shape)
            for name, shape in self.records.items()
            if shape.keep is Keep.SERIES
        }
        self.first_rows = {
            name: _first_rows(self.metadata, name, shape.record)
            for name, shape in self.records.items()
            if shape.record.top
        }
        self.rollup_progress, self.retention_horizon = _rollup_progress(self.metadata), _horizon(self.metadata)
        self.node_locks, self.content_hash = _node_locks(self.metadata), _content_hash(self.metadata)
        self.host_clocks, self.settings = _host_clocks(self.metadata), _settings(self.metadata)

    def shapes(self) -> list[Tables]:
        """Return the tables of the outcomes and of every record."""
        return [self.outcomes, *self.records.values()]

    def shape(self, name: str) -> Tables:
        """Return the tables of a record, or of `outcomes`."""
        return self.outcomes if name == "outcomes" else self.records[name]

    def upto(self, tier: Tier) -> sa.Column[int]:
        """Return the column that says how far a tier is, for each node."""
        return self.rollup_progress.c[f"upto_{tier.name}"]

    def horizons(self, connection: sa.Connection, query: sa.Select[Any] | None = None) -> dict[str, int]:
        """Read `retention_horizon`: moments by name of the tier, 0 where nothing is deleted yet."""
        query = sa.select(self.retention_horizon) if query is None else query
        found = {row.tier: row.since for row in connection.execute(query)}
        return {tier.name: found.get(tier.name, 0) for tier in (RAW, *TIERS)}


def first_row_fields(record: type[Record]) -> list[Column]:
    """Return the fields of a listing that its first rows keep: those that a reader sees, the key first."""
    return sorted((one for one in columns(record) if one.key or one.shown), key=lambda column: not column.key)


def _series(metadata: sa.MetaData, name: str, shape: Tables) -> Series:
    history = shape.history
    assert history is not None  # noqa: S101 a series always has one
    metrics = tuple(column.name for column in columns(shape.record) if not column.key and column.kind in (int, float))
    keys = tuple(column.name for column in columns(shape.record) if column.key)
    made = {tier: _tier(metadata, f"{name}_{tier.name}", history, keys, metrics) for tier in TIERS if metrics}
    every = {RAW: history, **made}
    for tier, table in every.items():
        table.info[CHUNK_SPEC] = Chunks(tier.chunk, ("node", *keys))
    return Series(metrics, keys, every)


def _tier(
    metadata: sa.MetaData, name: str, history: sa.Table, keys: tuple[str, ...], metrics: tuple[str, ...]
) -> sa.Table:
    # The node comes first: a plot reads one node over a long time. Rows as they came are in the order of time.
    identity = [
        sa.Column(column.name, column.type, primary_key=True, autoincrement=False, comment=column.comment, quote=True)
        for column in (history.c.node, history.c.at, *(history.c[key] for key in keys))
    ]
    values = [column for metric in metrics for column in _summaries(history.c[metric])]
    return sa.Table(name, metadata, *identity, *values, sqlite_with_rowid=False, quote=True)


def _summaries(metric: sa.Column[Any]) -> list[sa.Column[Any]]:
    kinds: dict[str, Any] = {"n": sa.Integer(), "sum": sa.Double(), "min": metric.type, "max": metric.type}
    words = {"n": "How many values.", "sum": "Their sum.", "min": "The least.", "max": "The greatest."}
    return [
        sa.Column(f"{metric.name}_{part}", kind, comment=f"{words[part]} {metric.comment}", quote=True)
        for part, kind in kinds.items()
    ]


def _first_rows(metadata: sa.MetaData, name: str, record: type[Record]) -> sa.Table:
    kinds: dict[type, Any] = {int: sa.BigInteger, float: sa.Double, bool: sa.Boolean, str: sa.String(LONGEST)}
    own = [
        sa.Column(
            column.name, kinds.get(column.kind, Moment), primary_key=column.key, autoincrement=False,
            nullable=not column.key, comment=f"{column.help} [{column.unit.name}]", quote=True,
        )
        for column in first_row_fields(record)
    ]  # fmt: skip
    at, node = sa.Column("at", Moment, primary_key=True), sa.Column("node", sa.String(NODE), primary_key=True)
    chunks = {CHUNK_SPEC: Chunks(_FIRST_ROWS_CHUNK, ("node",))}
    return sa.Table(f"{name}_top", metadata, at, node, *own, sqlite_with_rowid=False, quote=True, info=chunks)


def _rollup_progress(metadata: sa.MetaData) -> sa.Table:
    upto = (sa.Column(f"upto_{tier.name}", sa.BigInteger, nullable=False) for tier in TIERS)
    return sa.Table("rollup_progress", metadata, sa.Column("node", sa.String(NODE), primary_key=True), *upto)


def _horizon(metadata: sa.MetaData) -> sa.Table:
    since = sa.Column("since", sa.BigInteger, nullable=False)
    return sa.Table("retention_horizon", metadata, sa.Column("tier", sa.String(8), primary_key=True), since)


def _node_locks(metadata: sa.MetaData) -> sa.Table:
    return sa.Table("node_locks", metadata, sa.Column("node", sa.String(NODE), primary_key=True))


def _content_hash(metadata: sa.MetaData) -> sa.Table:
    key = (sa.Column(name, sa.String(NODE), primary_key=True) for name in ("node", "record"))
    return sa.Table("content_hash", metadata, *key, sa.Column("digest", sa.String(DIGEST)))


def _host_clocks(metadata: sa.MetaData) -> sa.Table:
    return sa.Table(
        "host_clocks",
        metadata,
        sa.Column("host", sa.String(NODE), primary_key=True, comment="The monitoring host."),
        sa.Column("boot", sa.String(36), comment="Its boot, by the kernel's word."),
        sa.Column("booted", sa.Double, comment="When that was, by the database's clock [s since 1970]."),
        sa.Column("ahead", sa.Double, nullable=False, comment="How far its clock is ahead of the database's [s]."),
        sa.Column("seen", sa.Double, nullable=False, comment="When it was looked at [s since 1970]."),
        sa.Column("set_at", sa.Double, nullable=False, comment="Since when the clock is set so [s since 1970]."),
        sa.Column("doubt", sa.Double, nullable=False, comment="By how much it may be ahead since [s]; 0: by none."),
    )


def _settings(metadata: sa.MetaData) -> sa.Table:
    """Return the table of what the SQL views must know of the configuration: those who read them have none."""
    return sa.Table(
        "settings",
        metadata,
        sa.Column("name", sa.String(64), primary_key=True, comment="The setting."),
        sa.Column("value", sa.Double, nullable=False, comment="Its value, as the last collection had it."),
    )
