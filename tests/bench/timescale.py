"""Measures what TimescaleDB changes: bytes, the time to write a collection, a plot of 30 days, and what goes by age.

    python tests/bench/timescale.py [--nodes 1000] [--hours 24] [--days 30] [--rounds 10]

Two databases of one PostgreSQL at default durability, one of them with the extension, are filled by themselves with the
same kind of rows: so many hours of load, memory and five file systems of each node as they came, and so many days of
load in steps of five minutes and an hour. Numbers wander, some never change. Then the same is done to both. Where the
extension is not installed it says so and measures nothing.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median

import sqlalchemy as sa
from rows import Farm

sys.path.insert(0, str(Path(__file__).parent.parent / "needs"))

import servers

from nicassh.config.settings import Config
from nicassh.model.errors import SetupError
from nicassh.probes import loader as probe
from nicassh.store import Store, sizes
from nicassh.store.tiers import RAW, TIERS, Tier

DAY = 86400
END = 20_000 * DAY
G = 1024**3
PROBES = [one for one in probe.load_all() if one.name in ("load", "memory", "disks")]
PERIODS = {"load": 60, "memory": 60, "disks": 300}
_FREE = f"({G} * (32 + 20 * sin(at / 9000.0 + n)) + {G} * random())::bigint"
_USED = f"({40 * G}::bigint + n * 1000003::bigint + (at - {END - DAY}) / 600 * 1048576 + mod(n, 7) * 4096)"
_LOAD = "round((20 + 15 * sin(at / 9000.0 + n) + 3 * random())::numeric, 2)"
VALUES = {
    "load1": _LOAD, "load5": _LOAD, "load15": _LOAD, "processes": "300 + floor(50 * random())",
    "running": "floor(20 * random())", "blocked": "0", "total": f"{64 * G}", "available": _FREE,
    "available_percent": f"round({_FREE}::numeric * 100 / {64 * G}, 2)", "estimated": "false", "swap_total": f"{8 * G}",
    "swap_used": "0", "mount": "'/data' || m", "device": "'/dev/sd' || m", "type": "'xfs'", "read_only": "false",
    "size": f"{100 * G}", "used": _USED, "free": f"{100 * G} - {_USED}",
    "free_percent": f"round(({100 * G} - {_USED})::numeric * 100 / {100 * G}, 2)", "inodes": "50000000",
    "inodes_free": "40000000 - floor(1000 * random())",
}  # fmt: skip
"""What is in a column, as SQL of the time, the number of the node and that of the file system."""
_Figures = dict[str, str]


def main() -> None:
    """Prints the table."""
    arguments = argparse.ArgumentParser(description=__doc__)
    for name, value in (("nodes", 1000), ("hours", 24), ("days", 30), ("rounds", 10)):
        arguments.add_argument(f"--{name}", type=int, default=value)
    options = arguments.parse_args()
    found: dict[str, _Figures] = {}
    try:
        serving = servers.timescale()
    except SetupError as error:
        print(f"nothing to measure: {error.what}; {error.hint}")
        return
    with serving as server:
        for kind in ("plain", "timescale"):
            with server.fresh() as url:
                if kind == "timescale":
                    server.run("CREATE EXTENSION timescaledb", database=url.rpartition("/")[2])
                found[kind] = dict(_measured(url, options))
    print(f"{options.nodes} nodes, {options.hours} h as they came, {options.days} days of load\n")
    print(f"{'':44}" + "".join(f"{kind:>12}" for kind in found))
    for what in found["timescale"]:
        print(f"{what:44}" + "".join(f"{figures.get(what, '–'):>12}" for figures in found.values()))


def _measured(url: str, options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """What was measured, and the figure."""
    store = Store(url, PROBES)
    store.create()
    _fill(store, options)
    farm = Farm(PROBES, datetime.fromtimestamp(END, UTC), options.nodes)
    yield from _bytes(store, "as written")
    collections = iter([farm.outcomes(minute) for minute in range(options.rounds)])
    yield "writing a collection, ms", _ms(lambda: store.write(next(collections)), options.rounds)
    seconds, _ = _pruned(store, Config(keep_raw=30.0, keep_5m=100.0), END + 3 * DAY)
    yield "compressing, s", seconds
    yield from _bytes(store, "compressed")
    yield from _reads(store, options)
    late = Farm(PROBES, datetime.fromtimestamp(END - DAY // 2 + 7, UTC), options.nodes)
    one = iter([late.outcomes(minute)[:4] for minute in range(options.rounds)])
    yield "a late collection of one node, ms", _ms(lambda: store.write(next(one)), options.rounds)
    some = iter([late.outcomes(minute + 100) for minute in range(3)])
    yield "a late collection of all nodes, ms", _ms(lambda: store.write(next(some)), 3)
    _rolled(store, options.nodes)
    seconds, number = _pruned(store, Config(keep_raw=0.5, keep_5m=100.0), END + DAY)
    yield "a day of rows as they came goes, s", seconds
    yield "  rows that have gone", number
    store.engine.dispose()


def _fill(store: Store, options: argparse.Namespace) -> None:
    for name, every in PERIODS.items():
        _insert(store, name, RAW, range(END - options.hours * 3600, END, every), options.nodes)
    for tier in TIERS[:2]:
        _insert(store, "load", tier, range(END - options.days * DAY, END, tier.width), options.nodes)
    _rolled(store, options.nodes)
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")


def _insert(store: Store, name: str, tier: Tier, times: range, nodes: int) -> None:
    """Rows of a tier, in the order of time."""
    table = store.layout.series[name].tables[tier]
    values = {column.name: _value(column.name) for column in table.c if column.name not in ("at", "node")}
    columns = ", ".join(f'"{column}"' for column in ("at", "node", *values))
    query = f"SELECT at, 'n' || n, {', '.join(values.values())} FROM generate_series({times.start}, {times[-1]}, "
    query += f"{times.step}) at, generate_series(1, {nodes}) n, generate_series(1, {5 if name == 'disks' else 1}) m"
    with store.engine.begin() as connection:
        connection.exec_driver_sql(f'INSERT INTO "{table.name}" ({columns}) {query} ORDER BY at')


def _value(column: str) -> str:
    metric, _, part = column.rpartition("_")
    if column in VALUES:
        return VALUES[column]
    return "5" if part == "n" else f"5 * {VALUES[metric]}" if part == "sum" else VALUES[metric]


def _rolled(store: Store, nodes: int) -> None:
    """Says that all of it is rolled up."""
    rolled = store.layout.rollup_progress
    with store.engine.begin() as connection:
        connection.execute(sa.delete(rolled))
        upto = {store.layout.upto(tier).name: END for tier in TIERS}
        connection.execute(sa.insert(rolled), [{"node": f"n{number}", **upto} for number in range(1, nodes + 1)])


def _bytes(store: Store, when: str) -> Iterator[tuple[str, str]]:
    found = {size.table: size for size in sizes(store.engine, store.metadata)}
    for name in ("load_series", "memory_series", "disks_series", "load_5m", "load_1h"):
        yield f"{name}, {when}, bytes a row", f"{(found[name].bytes or 0) / found[name].rows:.1f}"
    yield f"all of them, {when}, MB", f"{sum(size.bytes or 0 for size in found.values()) / 1e6:.0f}"


def _reads(store: Store, options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    for what, hours, step in (
        ("the last hours as they came", options.hours, 0), (f"{options.days} days by 5 min", options.days * 24, 300),
        (f"{options.days} days by 1 h", options.days * 24, 3600),
    ):  # fmt: skip
        since, until = (datetime.fromtimestamp(END - before, UTC) for before in (hours * 3600, 0))
        read = partial(store.history, "load", "load1", [f"n{options.nodes // 2}"], since, until, step)
        yield f"load1 of a node, {what}, ms", _ms(read, options.rounds)


def _pruned(store: Store, keeps: Config, now: float) -> tuple[str, str]:
    """Seconds that it took, and the rows that have gone."""
    begun = time.monotonic()
    deleted = store.prune(keeps, now)
    return f"{time.monotonic() - begun:.1f}", f"{sum(deleted.values())}"


def _ms(work: Callable[[], object], rounds: int) -> str:
    """The median of some rounds."""
    times = []
    for _ in range(rounds):
        begun = time.monotonic()
        work()
        times.append(time.monotonic() - begun)
    return f"{1000 * median(times):.1f}"


if __name__ == "__main__":
    main()
