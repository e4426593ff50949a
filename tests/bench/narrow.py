"""Compares the tables of records, a column for each number, with one narrow table of all numbers: (series, at, value).

    python tests/bench/narrow.py [--nodes 200] [--hours 24] [--mounts 5] [--database URL]

Both hold a day of loads, memory and file systems of the same nodes. The narrow one has a table of its series and, like
the records, a tier of five minutes with n, sum, least and greatest, which one statement an hour makes. Times of the
roll-up are without the pauses that let writers in.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import sqlalchemy as sa
from history import MIDNIGHT, PERIODS, fill, minutes

from nicassh.database import BulkTable, writing
from nicassh.model.outcome import Outcome, State
from nicassh.probes import loader as probe
from nicassh.store import Store, sizes
from nicassh.store.tiers import RAW, TIERS

METADATA = sa.MetaData()
FIVE = 300


def _number(name: str, *, key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=key, autoincrement=False)


SERIES = sa.Table("narrow_series", METADATA, _number("series", key=True), sa.Column("name", sa.String(255)))
VALUES = sa.Table(
    "narrow", METADATA, _number("series", key=True), _number("at", key=True), sa.Column("value", sa.Double),
    sqlite_with_rowid=False,
)  # fmt: skip
ROLLED = sa.Table(
    "narrow_5m", METADATA, _number("series", key=True), _number("at", key=True), _number("n"),
    *(sa.Column(part, sa.Double) for part in ("sum", "min", "max")), sqlite_with_rowid=False,
)  # fmt: skip


def main() -> None:
    """Fills both and prints what each costs."""
    arguments = argparse.ArgumentParser(description=__doc__)
    for name, value in (("nodes", 200), ("hours", 24), ("mounts", 5)):
        arguments.add_argument(f"--{name}", type=int, default=value)
    arguments.add_argument("--database", help="URL of an empty database; else an SQLite file")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(options.database or f"sqlite:///{folder}/nicamon.db", [
            one for one in probe.load_all() if one.name in PERIODS
        ])  # fmt: skip
        store.create()
        METADATA.create_all(store.engine)
        nodes = [f"nc{number}.jinr.ru" for number in range(options.nodes)]
        wide, narrow = _records(store, nodes, options), _narrow(store, nodes, options)
        print(f"{'':44}{'records':>12}{'narrow':>12}")
        for what in wide:
            print(f"{what:44}{wide[what]:12,.1f}{narrow[what]:12,.1f}")
        store.engine.dispose()


def _records(store: Store, nodes: list[str], options: argparse.Namespace) -> dict[str, float]:
    taken = fill(store, nodes, options.hours, options.mounts)
    begun = time.process_time()
    store.rollup(MIDNIGHT + options.hours * 3600 + 900)
    rolled = time.process_time() - begun
    begin = datetime.fromtimestamp(MIDNIGHT, UTC)
    until = begin + timedelta(hours=options.hours)
    load = store.records["load"].record(load1=1.0, load5=1.0, load15=1.0, processes=1, running=1, blocked=0)
    store.write([Outcome(node, "load", until, State.OK, "", 0.3, (load,)) for node in nodes])
    series = store.layout.series.values()
    tables = [[one.tables[tier].name for one in series] for tier in (RAW, TIERS[0])]
    return _figures(
        store, options, tables, taken, rolled,
        lambda: store.newest("load", nodes),
        lambda: store.history("load", "load1", nodes[:1], begin, until, FIVE),
    )  # fmt: skip


def _narrow(store: Store, nodes: list[str], options: argparse.Namespace) -> dict[str, float]:
    numbers: dict[str, int] = {}
    taken = [_write(store, rows, numbers) for rows in minutes(nodes, options.hours, options.mounts)]
    begun = time.process_time()
    for hour in range(options.hours):
        _roll(store, MIDNIGHT + hour * 3600)
    rolled = time.process_time() - begun
    one = numbers[f"{nodes[0]}/load/load1"]
    other = VALUES.alias()
    last = sa.select(sa.func.max(other.c.at)).where(other.c.series == SERIES.c.series).scalar_subquery()
    newest = sa.select(SERIES.c.name, VALUES.c.value).join(VALUES, VALUES.c.series == SERIES.c.series)
    newest = newest.where(VALUES.c.at == last, SERIES.c.name.like("%/load/%"))
    plot = sa.select(ROLLED.c.at, ROLLED.c.n, ROLLED.c.sum, ROLLED.c.min, ROLLED.c.max).where(ROLLED.c.series == one)
    tables = [[VALUES.name, SERIES.name], [ROLLED.name]]
    return _figures(store, options, tables, taken, rolled, lambda: _all(store, newest), lambda: _all(store, plot))


def _write(store: Store, rows: dict[str, list[tuple[Any, ...]]], numbers: dict[str, int]) -> float:
    """Stores a minute; the seconds it took."""
    begun = time.perf_counter()
    values, fresh = [], []
    for record, some in rows.items():
        series = store.layout.series[record]
        names = [column.name for column in series.tables[RAW].c]
        metrics = [(index, name) for index, name in enumerate(names) if name in series.metrics]
        keys = [names.index(key) for key in series.keys]
        for row in some:
            whose = "/".join([row[1], record, *(str(row[key]) for key in keys)])
            for index, name in metrics:
                if (number := numbers.get(f"{whose}/{name}")) is None:
                    number = numbers[f"{whose}/{name}"] = len(numbers)
                    fresh.append((number, f"{whose}/{name}"))
                values.append((number, row[0], row[index]))
    with writing(store.engine).begin() as connection:
        BulkTable(SERIES, ["series", "name"], store.engine.dialect).upsert(connection, fresh)
        BulkTable(VALUES, ["series", "at", "value"], store.engine.dialect).upsert(connection, values)
    return time.perf_counter() - begun


def _roll(store: Store, begin: int) -> None:
    value, start = VALUES.c.value, VALUES.c.at - VALUES.c.at % sa.literal_column(str(FIVE))
    parts = [part(value) for part in (sa.func.count, sa.func.sum, sa.func.min, sa.func.max)]
    query = sa.select(VALUES.c.series, start, *parts).where(VALUES.c.at >= begin, VALUES.c.at < begin + 3600)
    with writing(store.engine).begin() as connection:
        insert = sa.insert(ROLLED).from_select([column.name for column in ROLLED.c], query.group_by("series", start))
        connection.execute(insert)


def _figures(
    store: Store, options: argparse.Namespace, tables: list[list[str]], taken: list[float], rolled: float,
    newest: Callable[[], object], plot: Callable[[], object],
) -> dict[str, float]:  # fmt: skip
    found = {size.table: size for size in sizes(store.engine, store.metadata)}
    days = options.nodes * options.hours / 24
    raw, five = (sum(found[name].bytes or 0 for name in names) / days for names in tables)
    return {
        "rows for a node and day": sum(found[name].rows for name in tables[0][: len(PERIODS)]) / days,
        "bytes for a node and day, raw": raw,
        "bytes for a node and day, five minutes": five,
        "ms to write a minute, median": 1000 * median(taken),
        "ms to write a minute, slowest of 20": 1000 * sorted(taken)[-max(1, len(taken) // 20)],
        "s of CPU for the roll-up": rolled,
        "ms for the newest load of all nodes": 1000 * _least(newest),
        "ms for a day of load1 of one node": 1000 * _least(plot),
    }


def _all(store: Store, query: sa.Select[Any]) -> list[Any]:
    with store.engine.connect() as connection:
        return list(connection.execute(query).all())


def _least(work: Callable[[], object]) -> float:
    """Seconds, the least of five: later ones find all in memory."""
    times = []
    for _ in itertools.repeat(None, 5):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)


if __name__ == "__main__":
    main()
