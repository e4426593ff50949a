"""The reader: newest rows, sums over them, intervals, first values and first rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from nicassh.database import RowTuple, as_dicts, chunks, converted, driver_rows, translate_errors
from nicassh.model.records import UPTIME, Record, columns
from nicassh.store.layout import Layout, Series
from nicassh.store.tiers import RAW, TIERS, seconds

Row = Mapping[str, Any] | sa.RowMapping
_FINEST = TIERS[0]


@dataclass(frozen=True)
class Stored:
    """A newest record, the time at which it was true, and the node's uptime then; None where it is not known."""

    record: Record
    at: datetime
    uptime: float | None


class Reader:
    """Reads from one database. A table that no collection has made yet has no rows."""

    def __init__(self, layout: Layout, engine: sa.Engine) -> None:
        """Take the tables and where they are; nothing is read yet."""
        self._layout, self._engine = layout, engine
        self._present: set[str] = set()

    def newest(self, name: str, nodes: Iterable[str], where: Mapping[str, Sequence[Any]]) -> list[Row]:
        """Return the newest rows of a record, see Store.newest."""
        table = self._layout.shape(name).newest
        # The uptime is of use to rates alone, and older versions had none: their databases can be read all the same.
        query = sa.select(*(column for column in table.c if column.name != UPTIME))
        return self.select(query, table, nodes, where)

    def tally(
        self, name: str, nodes: Iterable[str], by: Sequence[str], where: Mapping[str, Sequence[Any]]
    ) -> list[Row]:
        """Return how many newest rows there are, see Store.tally."""
        table = self._layout.shape(name).newest
        groups = [table.c.node, *(table.c[column] for column in by)]
        query = sa.select(*groups, sa.func.count().label("number")).group_by(*groups)
        return self.select(query, table, nodes, where)

    def sums(
        self, name: str, nodes: Iterable[str], by: Sequence[str], of: Sequence[str], where: Mapping[str, Sequence[Any]]
    ) -> list[Row]:
        """Return sums over newest rows, see Store.sums."""
        table = self._layout.shape(name).newest
        groups = [table.c.node, *(table.c[column] for column in by)]
        # PostgreSQL and MariaDB add whole numbers up to decimal ones.
        totals = [sa.cast(sa.func.sum(table.c[column]), table.c[column].type).label(column) for column in of]
        query = sa.select(*groups, *totals, sa.func.count().label("number")).where(groups[1].is_not(None))
        return self.select(query.group_by(*groups), table, nodes, where)

    def pairs(self, name: str, nodes: Iterable[str], text: str, number: str) -> dict[str, dict[str, int]]:
        """Return sums of a whole number by a text, by node, see Store.pairs."""
        table = self._layout.shape(name).newest
        pair = table.c[text] + "\n" + sa.cast(table.c[number], sa.String(20))
        query = sa.select(table.c.node, sa.func.aggregate_strings(pair, "\n")).group_by(table.c.node)
        found: dict[str, dict[str, int]] = {}
        for node, lines in self._read(query, table, nodes):
            parts = lines.split("\n")
            found[node] = _sums(parts[::2], list(map(int, parts[1::2])))
        return found

    def spans(self, name: str, nodes: Iterable[str], after: datetime, where: Mapping[str, Sequence[Any]]) -> list[Row]:
        """Return intervals of a record, see Store.spans."""
        table = self._layout.shape(name).history
        assert table is not None, name  # noqa: S101 what a record keeps is known where it is asked for
        query = sa.select(table).where(sa.or_(table.c.until.is_(None), table.c.until > after))
        return self.select(query, table, nodes, where)

    def top(self, name: str, nodes: Iterable[str], since: datetime, until: datetime) -> list[Row]:
        """Return first rows of a listing, see Store.top."""
        table = self._layout.first_rows[name]
        other = table.alias()
        times = sa.select(other.c.node, sa.func.max(other.c.at).label("at"))
        newest = times.where(other.c.at > since, other.c.at <= until).group_by(other.c.node).subquery()
        query = sa.select(table).join(newest, sa.and_(newest.c.node == table.c.node, newest.c.at == table.c.at))
        return self.select(query, table, nodes, {})

    def before(self, name: str, nodes: Iterable[str]) -> dict[str, list[Stored]]:
        """Return the newest records of each node as objects, see Store.before."""
        shape, table = self._layout.records[name], self._layout.records[name].newest
        fields = [table.c[column.name] for column in columns(shape.record)]
        uptime = table.c[UPTIME] if UPTIME in table.c else sa.null()
        found: dict[str, list[Stored]] = {}
        query = sa.select(table.c.node, table.c.at, uptime, *fields)
        for row in converted(query, self._read(query, table, nodes), self._engine.dialect):
            found.setdefault(row[0], []).append(Stored(shape.record(*row[3:]), row[1], row[2]))
        return found

    def first_values(self, name: str, nodes: Sequence[str], after: datetime) -> list[Row]:
        """Return the first row of each key of a series, see Store.earliest."""
        layout, series, begin = self._layout, self._layout.series[name], int(after.timestamp())
        found: dict[tuple[Any, ...], Row] = {}
        with translate_errors(self._engine), self._engine.connect() as connection:
            if not self.has(connection, layout.rollup_progress):
                return []
            for part in chunks(nodes):
                upto = sa.select(sa.func.min(layout.upto(_FINEST))).where(layout.rollup_progress.c.node.in_(part))
                fresh = max(begin, connection.scalar(upto) or 0)
                raw = connection.execute(_first(series, series.tables[RAW], fresh, part)).mappings()
                rows: list[Row] = [dict(row) for row in raw]
                buckets = connection.execute(_first(series, series.tables[_FINEST], begin, part)).mappings()
                rows += [_mean(series, row) for row in buckets]
                found |= {(row["node"], *(row[key] for key in series.keys)): row for row in rows}
        return list(found.values())

    def clock_rows(self) -> list[Row]:
        """Return the clocks of the monitoring hosts, see Store.clock_rows."""
        table = self._layout.host_clocks
        with translate_errors(self._engine), self._engine.connect() as connection:
            if not self.has(connection, table):
                return []
            return [row._mapping for row in connection.execute(sa.select(table))]

    def has(self, connection: sa.Connection, table: sa.Table) -> bool:
        """Say whether a table is there; of one that was seen once no more is asked, for no program removes any."""
        if table.name not in self._present and sa.inspect(connection).has_table(table.name):
            self._present.add(table.name)
        return table.name in self._present

    def select(
        self, query: sa.Select[Any], table: sa.Table, nodes: Iterable[str], where: Mapping[str, Sequence[Any]]
    ) -> list[Row]:
        """Return the rows of a query whose columns have one of the values of `where`."""
        for name, values in where.items():
            query = query.where(table.c[name].in_(values))
        return list(as_dicts(query, self._read(query, table, nodes), self._engine.dialect))

    def _read(self, query: sa.Select[Any], table: sa.Table, nodes: Iterable[str]) -> list[RowTuple]:
        rows: list[RowTuple] = []
        with translate_errors(self._engine), self._engine.connect() as connection:
            if not self.has(connection, table):
                return []
            for part in chunks(nodes):
                rows += driver_rows(connection.execute(query.where(table.c.node.in_(part))))
        return rows


def _sums(values: Sequence[str], numbers: Sequence[int]) -> dict[str, int]:
    """Return the sum of the numbers of each value."""
    sums = dict(zip(values, numbers, strict=True))
    if len(sums) < len(values):  # seldom: a user has processes of several kinds
        sums = dict.fromkeys(sums, 0)
        for value, number in zip(values, numbers, strict=True):
            sums[value] += number
    return sums


def _first(series: Series, table: sa.Table, begin: int, nodes: Sequence[str]) -> sa.Select[Any]:
    """Return the first row of each key in one table."""
    keys = [table.c.node, *(table.c[key] for key in series.keys)]
    least = sa.select(*keys, sa.func.min(table.c.at).label("at"))
    ours = least.where(table.c.node.in_(nodes), seconds(table.c.at) >= begin).group_by(*keys).subquery()
    same = sa.and_(*(ours.c[key.name] == key for key in keys), ours.c.at == table.c.at)
    return sa.select(table).join(ours, same)


def _mean(series: Series, bucket: Row) -> Row:
    values = {
        metric: bucket[f"{metric}_sum"] / bucket[f"{metric}_n"] if bucket[f"{metric}_n"] else None
        for metric in series.metrics
    }
    middle = bucket["at"] + timedelta(seconds=_FINEST.width / 2)
    return {"node": bucket["node"], "at": middle, **{key: bucket[key] for key in series.keys}, **values}
