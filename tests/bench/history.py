"""Measures what history costs: bytes for a node and day in each tier, and the roll-up of a day of 1,000 nodes.

    python tests/bench/history.py [--nodes 1000] [--hours 24] [--mounts 5] [--database URL]

The raw tables are filled directly, with loads, memory and file systems as nodes have them (values that wander, some
that never change). While it is rolled up, a collection of one node is written every tenth of a second: how long
these had to wait is what the roll-up costs others. `narrow.py` has the same numbers in a table of another shape.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from nicassh.config.settings import Config
from nicassh.database import BulkTable, writing
from nicassh.model.outcome import LOGIN, Outcome, State
from nicassh.probes import loader as probe
from nicassh.store import Store, sizes
from nicassh.store.tiers import RAW, TIERS

BOUND = 0.2
DAY = 86400
MIDNIGHT = 20_000 * DAY
G = 1024**3
PERIODS = {"load": 60, "memory": 60, "disks": 300}


def main() -> None:
    """Fills, rolls up, prints; exit code 1 where a writer waited for longer than the bound."""
    arguments = argparse.ArgumentParser(description=__doc__)
    for name, value in (("nodes", 1000), ("hours", 24), ("mounts", 5)):
        arguments.add_argument(f"--{name}", type=int, default=value)
    arguments.add_argument("--database", help="URL of an empty database; else an SQLite file")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = options.database or f"sqlite:///{folder}/nicamon.db"
        store = Store(url, [one for one in probe.load_all() if one.name in PERIODS])
        store.create()
        nodes = [f"nc{number}.jinr.ru" for number in range(options.nodes)]
        fill(store, nodes, options.hours, options.mounts)
        waits = _roll(store, options.hours)
        _sizes(store, options)
        _reads(store, nodes[0], options.hours)
        _prune(store, options.hours)
        store.engine.dispose()
    sys.exit(0 if max(waits) < BOUND else 1)


def fill(store: Store, nodes: list[str], hours: int, mounts: int) -> list[float]:
    """One row for each period, node and key; how long each minute took, in seconds."""
    moment = datetime.fromtimestamp(MIDNIGHT, UTC)
    store.write([Outcome(node, LOGIN, moment, State.OK, "", 0.3) for node in nodes])
    sheets = {}
    for name in PERIODS:
        table = store.layout.series[name].tables[RAW]
        sheets[name] = BulkTable(table, [column.name for column in table.c], store.engine.dialect)
    taken = []
    for minute in minutes(nodes, hours, mounts):
        begun = time.perf_counter()
        with writing(store.engine).begin() as connection:
            for name, rows in minute.items():
                sheets[name].upsert(connection, rows)
        taken.append(time.perf_counter() - begun)
    print(f"{len(nodes)} nodes over {hours} h filled in {sum(taken):.0f} s\n", flush=True)
    return taken


def minutes(nodes: list[str], hours: int, mounts: int) -> Iterator[dict[str, list[tuple[Any, ...]]]]:
    """The rows of each minute by record, in the order of the tables' columns; the same at each call."""
    chance = random.Random(1)
    for at in range(MIDNIGHT, MIDNIGHT + hours * 3600, 60):
        yield {
            name: [row for node in nodes for row in _rows(name, at, node, mounts, chance)]
            for name, every in PERIODS.items()
            if at % every == 0
        }


def _rows(name: str, at: int, node: str, mounts: int, chance: random.Random) -> Iterator[tuple[Any, ...]]:
    """Time, node, keys, values."""
    if name == "load":
        load = chance.randrange(4000) / 100
        yield at, node, load, load / 2, load / 4, 300 + chance.randrange(50), chance.randrange(48), 0
    elif name == "memory":
        free = chance.randrange(64 * G)
        yield at, node, 64 * G, free, round(100 * free / (64 * G), 2), False, 8 * G, 0
    else:
        for number in range(mounts):
            used = 40 * G + chance.randrange(G)
            yield (
                at, node, f"/data{number}", f"/dev/sd{number}", "xfs", False, 100 * G, used, 100 * G - used,
                round((100 * G - used) / G, 2), 50_000_000, 40_000_000 - chance.randrange(1000),
            )  # fmt: skip


def _roll(store: Store, hours: int) -> list[float]:
    """Rolls all of it up; what others waited for meanwhile."""
    waits: list[float] = []
    done = threading.Event()

    def write() -> None:
        moment = datetime.fromtimestamp(MIDNIGHT + 3 * DAY, UTC)
        record = store.records["load"].record(load1=1.0, load5=1.0, load15=1.0, processes=1, running=1, blocked=0)
        while not done.wait(0.1):
            moment += timedelta(seconds=1)
            begun = time.monotonic()
            store.write([Outcome("writer", "load", moment, State.OK, "", 0.3, (record,))])
            waits.append(time.monotonic() - begun)

    writer = threading.Thread(target=write)
    writer.start()
    cpu, wall = time.process_time(), time.monotonic()
    store.rollup(MIDNIGHT + hours * 3600 + DAY)
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    done.set()
    writer.join()
    print(f"roll-up of all of it: {wall:.1f} s, {cpu:.1f} s of them CPU of this process, half of them pauses")
    median, most, longest = (1000 * sorted(waits)[int(share * (len(waits) - 1))] for share in (0.5, 0.99, 1))
    print(f"{len(waits)} writes meanwhile: median {median:.0f} ms, 99 % below {most:.0f} ms, longest {longest:.0f} ms")
    return waits


def _sizes(store: Store, options: argparse.Namespace) -> None:
    found = {size.table: size for size in sizes(store.engine, store.metadata)}
    days = options.nodes * options.hours / 24
    print(f"\n{'bytes for a node and day':28}{'raw':>9}" + "".join(f"{tier.name:>9}" for tier in TIERS))
    totals = [0.0] * 4
    for name, series in store.layout.series.items():
        each = [(found[table.name].bytes or 0) / days for table in series.tables.values()]
        totals = [total + one for total, one in zip(totals, each, strict=True)]
        print(f"{name:28}" + "".join(f"{one:9.0f}" for one in each))
    print(f"{'all':28}" + "".join(f"{one:9.0f}" for one in totals))
    keeps = Config()
    kept = (keeps.keep_raw, keeps.keep_5m, keeps.keep_1h, keeps.keep_1d)
    whole = sum(total * length for total, length in zip(totals, kept, strict=True))
    print(f"a node with all its tiers full: {whole / 2**20:.1f} MiB; ten years raw: {totals[0] * 3650 / 2**20:.0f} MiB")


def _reads(store: Store, node: str, hours: int) -> None:
    begin = datetime.fromtimestamp(MIDNIGHT, UTC)
    print(f"\n{'reading load1 of a node, all of it':36}{'points':>8}{'ms':>8}")
    for step in (0, 300, 3600, DAY):
        begun = time.monotonic()
        points = store.history("load", "load1", [node], begin, begin + timedelta(hours=hours), step)
        print(f"  in steps of {step:<6} s{'':16}{len(points):8}{1000 * (time.monotonic() - begun):8.1f}")


def _prune(store: Store, hours: int) -> None:
    store.rollup(MIDNIGHT + hours * 3600 + 4 * DAY)
    begun = time.monotonic()
    deleted = store.prune(Config(), MIDNIGHT + hours * 3600 + 4 * DAY)
    print(f"\nprune: {sum(deleted.values())} rows in {time.monotonic() - begun:.1f} s")


if __name__ == "__main__":
    main()
