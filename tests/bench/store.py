"""Measures what a collection of 1,000 nodes x all probes takes to be written.

    python tests/bench/store.py [--nodes 1000] [--rounds 5] [--kinds sqlite mariadb postgresql] [--processes 40 200]

A following collection is one a minute after another, in which has changed what changes on a farm (`rows.Farm`).
All of it at once is what `nicamon collect` writes; a class of probes, or 20 of its nodes, is what a worker of the queue
writes. `save` is the same with the rates and the memory of probes, which read what was there. Figures are the
median; rows are those of the collection, bytes those of the whole database after the last of them, by its own word.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from statistics import median

import crew
from rows import Farm

from nicassh import cli
from nicassh.collection.run import NodeResult
from nicassh.collector.saving import save
from nicassh.inventory import Node
from nicassh.model.outcome import LOGIN, Outcome
from nicassh.probes import loader as probe
from nicassh.probes.loader import PRIORITIES
from nicassh.store import Store

BOUND = 0.5
"""Seconds for a following collection on SQLite, of 40 processes a node."""
PROBES = probe.load_all()
BEGIN = datetime(2026, 11, 21, 12, tzinfo=UTC)


def main() -> None:
    """Prints the tables; exit code 1 where a bound is missed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--nodes", type=int, default=1000)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--kinds", nargs="*", default=crew.KINDS)
    arguments.add_argument("--processes", type=int, nargs="+", default=[40, 200], help="of users, on each node")
    options = arguments.parse_args()
    gc.set_threshold(cli.THRESHOLD)  # as the program does
    print(f"{options.nodes} nodes; seconds of wall and of our own CPU, median of {options.rounds}\n")
    print(f"{'':12}{'processes':>10}  {'':34}{'rows':>9}{'wall s':>8}{'CPU s':>8}{'MB':>8}")
    well = True
    for kind in options.kinds:
        with crew.fresh(kind) as fresh:
            for processes in options.processes:
                with fresh() as url:
                    found = measured(url, Farm(PROBES, BEGIN, options.nodes, processes), options.rounds)
                    for what, rows, wall, cpu, size in found:
                        print(f"{kind:12}{processes:10}  {what:34}{rows:9,}{wall:8.3f}{cpu:8.3f}{size / 1e6:8.1f}")
                        if (kind, processes, what) == ("sqlite", 40, ALL):
                            well = well and wall < BOUND
    print(f"\nbound: {BOUND} s for {ALL!r} on SQLite with 40 processes a node\n")
    sys.exit(0 if well else 1)


ALL = "following, all probes"
_Figures = tuple[str, int, float, float, int]
_SIZES = {
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
    "mysql": "SELECT sum(data_length + index_length) FROM information_schema.tables WHERE table_schema = database()",
    "postgresql": "SELECT pg_database_size(current_database())",
}
"""What asks each kind of database how large it is."""


def measured(url: str, farm: Farm, rounds: int) -> Iterator[_Figures]:
    """What is written, its rows, the seconds of wall and CPU that it takes, and bytes of the database."""
    store = Store(url, PROBES)
    store.create()
    minutes = iter(range(10**6))
    yield _median("first, all probes", store, farm, [], minutes, 1, store.write)
    yield _median(ALL, store, farm, [], minutes, rounds, store.write)
    yield _median("the same, with save", store, farm, [], minutes, rounds, lambda found: save_all(store, found))
    for priority in PRIORITIES:
        if some := [one.name for one in PROBES if one.priority == priority]:
            yield _median(f"{priority}: {' '.join(some)}", store, farm, some, minutes, rounds, store.write)
            yield _median(f"{priority}, 20 nodes", store, farm, some, minutes, rounds, store.write, 20)
    store.engine.dispose()


def _median(
    what: str,
    store: Store,
    farm: Farm,
    some: Sequence[str],
    minutes: Iterator[int],
    rounds: int,
    write: Callable[[list[Outcome]], None],
    nodes: int = 0,
) -> _Figures:
    """The median of some following collections, of the last nodes only where a number is given."""
    names = farm.names()[-nodes:]
    walls, cpus, rows = [], [], 0
    for minute in [next(minutes) for _ in range(rounds)]:
        outcomes = [one for one in farm.outcomes(minute, some) if not nodes or one.node in names]
        wall, cpu = time.perf_counter(), time.process_time()
        write(outcomes)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
        rows = sum(len(outcome.records) + 1 for outcome in outcomes)
    with store.engine.connect() as connection:
        size = connection.exec_driver_sql(_SIZES[connection.dialect.name.replace("mariadb", "mysql")]).scalar()
    return what, rows, median(walls), median(cpus), int(size or 0)


def save_all(store: Store, outcomes: Sequence[Outcome]) -> None:
    """Writes outcomes as a collection does, through what probes make of those before."""
    nodes: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        nodes.setdefault(outcome.node, []).append(outcome)
    save(store, PROBES, [
        NodeResult(Node(name, name), next(one for one in found if one.probe == LOGIN),
                 tuple(one for one in found if one.probe != LOGIN), None)
        for name, found in nodes.items()
    ])  # fmt: skip


if __name__ == "__main__":
    main()
