"""The writer: what collections found is stored in one transaction, all or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import sqlalchemy as sa

from nicassh.database import BulkTable, RowTuple, chunks, dialect_of, stored_form, with_retry
from nicassh.model.outcome import Outcome
from nicassh.model.records import Keep, Record
from nicassh.store.layout import Layout
from nicassh.store.rows import Current, FirstRows, IntervalRows, ReplacedRows
from nicassh.store.tiers import RAW, TIERS, seconds


class Writer:
    """Writes outcomes and their records within a transaction."""

    def __init__(self, layout: Layout, dialect: sa.Dialect) -> None:
        """Prepare the statements of every table."""
        self._layout = layout
        self.locks = NodeLocks(layout.node_locks)
        self._digests = BulkTable(layout.content_hash, ("node", "record", "digest"), dialect)
        self._results = IntervalRows(layout.outcomes, dialect)
        kinds = layout.records.items()
        self._intervals = {name: IntervalRows(one, dialect) for name, one in kinds if one.keep is Keep.INTERVALS}
        self._replaced = {name: ReplacedRows(one, dialect) for name, one in kinds if one.keep is not Keep.INTERVALS}
        self._first = [
            FirstRows(shape.probe, shape.record, layout.first_rows[name], dialect)
            for name, shape in kinds
            if name in layout.first_rows
        ]

    def write(self, connection: sa.Connection, outcomes: Sequence[Outcome], latest: int) -> None:
        """Store outcomes; of several of a probe and node the latest counts, also beside those that are stored.

        A stored time after `latest` [s since 1970] is of a wrong clock: any time that is not after it counts as later.
        """
        nodes = [outcome.node for outcome in outcomes]
        self.locks.lock(connection, nodes)
        known = self._results.stored(connection, nodes)
        current: dict[RowTuple, Outcome] = {}
        late: list[Outcome] = []
        for outcome in sorted(outcomes, key=lambda outcome: outcome.at):
            key = (outcome.node, outcome.probe)
            if key in known and _overtaken(stored_form(outcome.at), known[key][-1], latest):
                late.append(outcome)  # overtaken by a quicker collection, it is history already
                continue
            late += [current[key]] if key in current else []
            current[key] = outcome
        # An outcome has the fields of a Result.
        self._results.update(connection, [(outcome, [outcome]) for outcome in current.values()], known)
        # What is overtaken comes first: of two within one second a series has the later one's row.
        for name, some in self._parted(late).items():
            if name in self._replaced:
                self._replaced[name].append(connection, some)
        self._replace(connection, self._parted(current.values()))
        requeue_rollup(connection, self._layout, outcomes)
        for first in self._first:
            first.write(connection, outcomes)

    def _replace(self, connection: sa.Connection, parts: Mapping[str, Current]) -> None:
        nodes = [outcome.node for name in parts if name in self._intervals for outcome, _ in parts[name]]
        digests = {row[:2]: row[2] for row in self._digests.read(connection, nodes)}
        changed: list[RowTuple] = []
        for name, some in parts.items():
            if name in self._intervals:
                changed += self._intervals[name].replace(connection, some, digests)
            else:
                self._replaced[name].replace(connection, some)
        self._digests.upsert(connection, changed)

    def _parted(self, outcomes: Iterable[Outcome]) -> dict[str, list[tuple[Outcome, Sequence[Record]]]]:
        """Return the outcomes that ended well, each with its records of one table, by the names of the tables."""
        parts: dict[str, list[tuple[Outcome, Sequence[Record]]]] = {}
        for outcome in outcomes:
            if outcome.state.is_ok:
                names = self._layout.probes.get(outcome.probe, ())
                for name in names:
                    kind = self._layout.records[name].record
                    alone = len(names) == 1
                    own = outcome.records if alone else [one for one in outcome.records if type(one) is kind]
                    parts.setdefault(name, []).append((outcome, own))
        return parts


class NodeLocks:
    """The table `node_locks`: one row a node, for good. A transaction that writes the rows of a node locks its row.

    Without it two collections at once would leave the rows of both, and two intervals open. SQLite needs none of it:
    its writing transactions come one after another as they are.
    """

    def __init__(self, table: sa.Table) -> None:
        """Take the table; nothing is read yet."""
        self.table = table
        self._registered: set[str] = set()

    def register(self, engine: sa.Engine, nodes: Iterable[str]) -> None:
        """Give new nodes their rows, in a transaction of its own. Raises DatabaseError.

        Two that locked some nodes while they add others would wait for each other, a second until a server notices.
        """
        new = set(nodes) - self._registered
        if new and dialect_of(engine).concurrent:
            with_retry(engine, lambda connection: self._add(connection, sorted(new)))
            self._registered |= new

    def lock(self, connection: sa.Connection, nodes: Iterable[str]) -> None:
        """Wait until no other transaction has one of these nodes locked, and lock them until this one ends.

        All take the nodes in one order, so that no two wait for each other.
        """
        if not dialect_of(connection).concurrent:
            return
        for part in chunks(sorted(nodes)):
            query = sa.select(self.table.c.node).where(self.table.c.node.in_(part)).order_by(self.table.c.node)
            # Some may still be missing: another database has been restored over this one.
            if len(connection.scalars(query.with_for_update()).all()) < len(part):
                self._add(connection, part)
                connection.execute(query.with_for_update())

    def _add(self, connection: sa.Connection, nodes: list[str]) -> None:
        for part in chunks(nodes):
            known = set(connection.scalars(sa.select(self.table.c.node).where(self.table.c.node.in_(part))))
            if new := [{"node": node} for node in part if node not in known]:
                # Another may have added some meanwhile.
                connection.execute(dialect_of(connection).insert_ignore(self.table), new)


def requeue_rollup(connection: sa.Connection, layout: Layout, outcomes: Sequence[Outcome]) -> None:
    """Make the roll-up begin again at the buckets of rows that came late; the last step of a write.

    A row for a time whose rows are deleted is taken out again: what is left of its bucket would be taken for the whole.
    """
    measuring = {probe for probe, names in layout.probes.items() if not layout.series.keys().isdisjoint(names)}
    times: dict[str, list[int]] = {}
    for outcome in outcomes:
        if outcome.probe in measuring and outcome.state.is_ok:
            times.setdefault(outcome.node, []).append(int(outcome.at.timestamp()))
    upto = _rolled_up_to(connection, layout, times)
    late = {node: moments for node, moments in times.items() if min(moments) < upto.get(node, min(moments) + 1)}
    if not late:
        return
    # Locked until the end of the write, so that no deletion moves on meanwhile.
    table = layout.retention_horizon
    horizon = layout.horizons(connection, sa.select(table).where(table.c.tier == RAW.name).with_for_update(read=True))[
        RAW.name
    ]
    if gone := [node for node, moments in late.items() if min(moments) < horizon]:
        _take_out(connection, layout, gone, horizon)
    back = {node: min((at for at in late[node] if at >= horizon), default=None) for node in late if node in upto}
    _set_back(connection, layout, [(node, at) for node, at in back.items() if at is not None])


def _rolled_up_to(connection: sa.Connection, layout: Layout, nodes: Iterable[str]) -> dict[str, int]:
    """Return how far each node is in the first tier; a node that no roll-up has met is missing."""
    progress, first = layout.rollup_progress, layout.upto(TIERS[0])
    found: dict[str, int] = {}
    for part in chunks(nodes):
        query = sa.select(progress.c.node, first).where(progress.c.node.in_(part))
        found |= {row.node: row[1] for row in connection.execute(query)}
    return found


def _take_out(connection: sa.Connection, layout: Layout, nodes: Sequence[str], horizon: int) -> None:
    for series in layout.series.values():
        table = series.tables[RAW]
        for part in chunks(nodes):
            connection.execute(sa.delete(table).where(table.c.node.in_(part), seconds(table.c.at) < horizon))


def _set_back(connection: sa.Connection, layout: Layout, moments: Sequence[tuple[str, int]]) -> None:
    if not moments:
        return
    progress = layout.rollup_progress
    least = {}
    for tier in TIERS:
        column, bucket = layout.upto(tier), sa.bindparam(f"to_{tier.name}", type_=sa.BigInteger)
        least[column.name] = sa.case((column > bucket, bucket), else_=column)
    update = sa.update(progress).where(progress.c.node == sa.bindparam("this")).values(least)
    buckets = [{"this": node, **{f"to_{tier.name}": tier.start(at) for tier in TIERS}} for node, at in moments]
    connection.execute(update, buckets)


def _overtaken(at: int, stored: int, latest: int) -> bool:
    """Say whether what is stored is of a later time, which is believed unless it is still to come."""
    return at < stored and not at <= latest < stored
