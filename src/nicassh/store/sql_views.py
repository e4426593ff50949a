"""The SQL views: what Grafana and people may rely on, whatever becomes of the tables below.

Each shows times as times; `collected` is there in seconds since 1970 too, as `at`. A view of records has the
columns of their probe; those of `history` have each number's mean, least and greatest value, row by row of the
tier that the column `tier` names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from nicassh.database import Moment, Tables, with_retry
from nicassh.database.views import PREFIX, Now, Utc
from nicassh.model.outcome import LOGIN, State
from nicassh.model.records import UPTIME, columns
from nicassh.probes.filesystems import MEMORY
from nicassh.store.clocks import MARGIN
from nicassh.store.layout import Layout
from nicassh.store.tiers import TIERS

STALE = 900.0
"""Seconds after which a value is old where the configuration says nothing else."""
_NAME = "stale"
_WELL = [state.value for state in State if state.is_ok]


def store_stale(engine: sa.Engine, settings: sa.Table, seconds: float) -> None:
    """Store the age from which on a value is stale, for the views, where it has changed. Raises DatabaseError."""
    table = settings
    row = table.c.name == _NAME
    with engine.connect() as connection:
        found = connection.scalar(sa.select(table.c.value).where(row))
    if found == seconds:
        return

    def work(connection: sa.Connection) -> None:
        if not connection.execute(sa.update(table).where(row).values(value=seconds)).rowcount:
            connection.execute(sa.delete(table).where(row))
            connection.execute(sa.insert(table), [{"name": _NAME, "value": seconds}])

    with_retry(engine, work)


@dataclass(frozen=True)
class Published:
    """One view: what its rows are, the query, and what those of its columns are that no probe describes."""

    name: str
    help: str
    query: sa.Select[Any] | sa.CompoundSelect[Any]
    notes: Mapping[str, str] = field(default_factory=dict)

    def described(self) -> Iterator[tuple[str, str]]:
        """Return the columns in order, each with what it is."""
        for column in self.query.selected_columns:
            inner = (part for part in sa.sql.visitors.iterate(column) if isinstance(part, sa.ColumnClause))
            source = next((base for part in inner for base in part.base_columns), None)
            told = self.notes.get(column.name) or _COMMON.get(column.name) or getattr(source, "comment", None)
            yield column.name, str(told or "")


def queries(layout: Layout) -> dict[str, Any]:
    """Return the query of each view by its name."""
    return {one.name: one.query for one in published(layout)}


def published(layout: Layout) -> list[Published]:
    """Return all views whose tables the layout has, by name."""
    tables, records = layout.metadata.tables, layout.records
    found = [make(layout) for make, needs in _MADE if all(name in tables for name in needs)]
    found += [
        Published(f"{PREFIX}{view}", text, sa.select(*_plain(tables[name]), _stale(layout, records[name])), _STALE)
        for view, (name, text) in _ROWS.items()
        if name in tables
    ]
    found += [_history(name, shape, tables) for name, shape in records.items() if f"{name}_series" in tables]
    return sorted(found, key=lambda view: view.name)


def _stale(layout: Layout, shape: Tables) -> sa.Label[bool]:
    return is_stale(layout, shape, shape.newest).label("stale")


def _farm(layout: Layout) -> Published:
    tables, records = layout.metadata.tables, layout.records
    login, disks, processes = tables["outcomes"].alias("login"), tables["disks"], tables["processes_user"]
    system, load, memory = tables["system"], tables["load"], tables["memory"]
    space = sa.select(disks.c.node, sa.func.sum(disks.c.size).label("size"), sa.func.sum(disks.c.free).label("free"))
    space = space.where(sa.or_(disks.c.mount == "/", disks.c.type.not_in(MEMORY)))
    space_of = space.group_by(disks.c.node).subquery("space")
    people = sa.select(
        processes.c.node, _total(processes.c.processes).label("number"),
        sa.func.count(processes.c.user.distinct()).label("users"),
    )  # fmt: skip
    people_of = people.group_by(processes.c.node).subquery("people")
    source: Any = login
    for other in (system, load, memory, space_of, people_of):
        source = source.outerjoin(other, other.c.node == login.c.node)
    state = sa.case((login.c.state != "ok", "down"), (is_aged(layout, login.c.at), "stale"), else_="up").label("state")
    shown = {"system": system, "load": load, "memory": memory}
    lost = (sa.func.coalesce(is_stale(layout, records[name], rows), sa.false()) for name, rows in shown.items())
    stale = sa.or_(login.c.state != "ok", is_aged(layout, login.c.at), *lost)
    return Published(
        f"{PREFIX}farm", "One row a node: whether it could be reached, and its newest values.",
        sa.select(
            login.c.node, state, login.c.reason, *_times(login), Utc(login.c.since).label("since"),
            system.c.os, system.c.kernel, system.c.cpu, system.c.cpus, Utc(system.c.boot_time).label("boot_time"),
            load.c.load1, load.c.load5, load.c.load15, load.c.processes, memory.c.total.label("memory"),
            memory.c.available.label("memory_available"), memory.c.available_percent.label("memory_available_percent"),
            space_of.c.size.label("disk"), space_of.c.free.label("disk_free"), people_of.c.users,
            people_of.c.number.label("processes_of_users"), stale.label("stale"),
        ).select_from(source).where(login.c.probe == LOGIN),
        {
            "state": "up or down, as the last login went; stale: that is too long ago to say.",
            "since": "Since when it has been in this state.",
            "disk": "Size of its local disks. [bytes]", "disk_free": "What is free on them. [bytes]",
            "users": "Ordinary users with processes. [count]", "processes_of_users": "Their processes. [count]",
            "stale": "Whether its values are old: it is not up, or one of its probes has failed since. [yes or no]",
        },
    )  # fmt: skip


def _users(layout: Layout) -> Published:
    rows = layout.metadata.tables["processes_user"]

    def of(kind: str) -> sa.Label[Any]:
        return _total(sa.case((rows.c.kind == kind, rows.c.processes), else_=0)).label(kind)

    return Published(
        f"{PREFIX}users", "One row a user: what runs on all nodes. Rows that are old do not count.",
        sa.select(
            rows.c.user, sa.func.count(rows.c.node.distinct()).label("nodes"),
            _total(rows.c.processes).label("processes"), sa.func.sum(rows.c.cpu_percent).label("cpu_percent"),
            of("batch"), of("interactive"), of("background"), *_times(rows, sa.func.min(rows.c.at)),
        ).where(sa.not_(is_stale(layout, layout.records["processes_user"], rows))).group_by(rows.c.user),
        {
            "nodes": "Nodes with processes of this user. [count]", "processes": "Processes. [count]",
            "cpu_percent": "Their use of processors; 100 is one. [percent]",
            "batch": "Those that belong to a batch job. [count]",
            "background": "Those that nobody is logged in for. [count]",
            "interactive": "Those of a login. [count]", "collected": "When the oldest of these rows was collected.",
        },
    )  # fmt: skip


def _total(number: Any) -> sa.ColumnElement[int]:
    """Add whole numbers up to a whole number, of which PostgreSQL and MariaDB make a decimal one."""
    return sa.cast(sa.func.sum(number), sa.BigInteger)


def _downtimes(layout: Layout) -> Published:
    rows = layout.metadata.tables["outcomes_intervals"]
    return Published(
        f"{PREFIX}downtimes", "One row for each time in which a node could not be reached.",
        sa.select(
            rows.c.node, Utc(rows.c.since).label("since"), Utc(rows.c.until).label("until"),
            rows.c.state, rows.c.reason, rows.c.since.label("at"),
        ).where(rows.c.probe == LOGIN, rows.c.state != "ok"),
        {"until": "When it ended; null: it lasts.", "at": "The same as since, in seconds since 1970."},
    )  # fmt: skip


def _troubles(layout: Layout) -> Published:
    rows = layout.metadata.tables["outcomes"]
    query = sa.select(rows.c.node, rows.c.probe, rows.c.state, rows.c.reason, *_times(rows))
    return Published(
        f"{PREFIX}troubles",
        "One row for each probe that failed on a node when it ran last.",
        query.add_columns(Utc(rows.c.since).label("since")).where(rows.c.state.not_in(("ok", "absent"))),
    )


def _history(name: str, shape: Tables, tables: Mapping[str, sa.Table]) -> Published:
    """Return the view of rows as they came, and the buckets of the tiers that the series has."""
    keys = [column.name for column in columns(shape.record) if column.key]
    numbers = [column.name for column in columns(shape.record) if not column.key and column.kind in (int, float)]
    raw = tables[f"{name}_series"]
    parts = [_tier("raw", raw, keys, (sa.cast(raw.c[n], sa.Double).label(n + end) for n in numbers for end in _ENDS))]
    parts += [
        _tier(tier.name, rolled, keys, (value for number in numbers for value in _rolled(rolled, number)))
        for tier in TIERS
        if (rolled := tables.get(f"{name}_{tier.name}")) is not None
    ]
    helps = {column.name: f"{column.help} [{column.unit.name}]" for column in columns(shape.record)}
    notes = {
        n + end: f"{word} {helps[n]}" for n in numbers for end, word in (("_min", "Least."), ("_max", "Greatest."))
    }
    query = sa.union_all(*parts) if len(parts) > 1 else parts[0]
    return Published(
        f"{PREFIX}history_{name}", f"The history of `{name}`: one row for each time and key.", query,
        {**helps, **notes, "tier": "raw: as collected; 5m, 1h, 1d: means of so long. Choose one: they overlap."},
    )  # fmt: skip


def _tier(tier: str, table: sa.Table, keys: Sequence[str], values: Iterable[Any]) -> sa.Select[Any]:
    named = [sa.literal(tier).label("tier"), table.c.node, *_times(table), *(table.c[key] for key in keys), *values]
    # A probe may have a field of one of our names: ours goes first, and its own is left out.
    first: dict[str, Any] = {}
    for column in named:
        first.setdefault(column.name, column)
    return sa.select(*first.values())


def _rolled(table: sa.Table, number: str) -> Iterator[sa.Label[Any]]:
    total, count = table.c[f"{number}_sum"], table.c[f"{number}_n"]
    yield (total / sa.func.nullif(count, 0)).label(number)
    for end in _ENDS[1:]:
        yield sa.cast(table.c[number + end], sa.Double).label(number + end)


def _plain(table: sa.Table) -> Iterator[Any]:
    """Return all columns of a table but the store's own; times as times."""
    for column in table.c:
        if column.name == "at":
            yield from _times(table)
        elif column.name != UPTIME:
            yield Utc(column).label(column.name) if isinstance(column.type, Moment) else column


def _times(table: Any, at: Any = None) -> tuple[Any, Any]:
    at = table.c.at if at is None else at
    return Utc(at).label("collected"), sa.type_coerce(at, sa.BigInteger).label("at")


def is_aged(layout: Layout, at: sa.ColumnElement[Any], every: int = 0) -> sa.ColumnElement[bool]:
    """Say whether a time is longer ago than the setting `stale`, and than three periods of a probe that runs rarely.

    A time that is still to come is of a clock that was ahead: it counts as out of date too.
    """
    table = layout.settings
    value = sa.select(table.c.value).where(table.c.name == _NAME).scalar_subquery()
    limit: Any = sa.func.coalesce(value, STALE)
    if every:
        limit = sa.case((limit < 3 * every, sa.literal(3.0 * every)), else_=limit)
    seconds = sa.type_coerce(at, sa.BigInteger)
    return sa.or_(seconds < Now() - limit, seconds > Now() + MARGIN)


def is_stale(layout: Layout, shape: Tables, rows: Any) -> sa.ColumnElement[bool]:
    """Say whether the newest rows of a record are out of date: by their age, or because their probe failed since."""
    outcomes = layout.outcomes.newest.alias(f"outcome_{shape.newest.name}")
    failed = sa.exists().where(
        outcomes.c.node == rows.c.node, outcomes.c.probe == shape.probe, outcomes.c.state.not_in(_WELL)
    )
    return sa.or_(is_aged(layout, rows.c.at, shape.every), failed)


_ENDS = ("", "_min", "_max")
_COMMON = {
    "node": "The node.", "collected": "When it was collected; of a bucket, when that begins.",
    "at": "The same in seconds since 1970.", "since": "Since when it has been so.",
}  # fmt: skip
_STALE = {"stale": "Whether it is old: collected too long ago, or its probe failed since. [yes or no]"}
_MADE = (
    (_farm, ("outcomes", "system", "load", "memory", "disks", "processes_user")),
    (_users, ("processes_user",)),
    (_downtimes, ("outcomes_intervals",)),
    (_troubles, ("outcomes",)),
)
_ROWS = {
    "jobs": ("batch_job", "One row for each job, or for each part of an array that is alike."),
    "workers": ("batch_host", "One row for each host of a batch system."),
    "disks": ("disks", "One row for each local disk of a node."),
    "services": ("services", "One row for each service."),
    "mounts": ("mounts", "One row for each network mount of a node."),
    "software": ("software", "One row for each installed package."),
    "gpus": ("gpus", "One row for each GPU."),
    "processes": ("processes", "One row for each process of the newest listing."),
}
