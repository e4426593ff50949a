"""Compares our tasks with procrastinate on one PostgreSQL: tasks that do nothing, each claimed and completed by itself.

    python tests/bench/tasks_rival.py [--rounds 3] [--collectors 4] [--tasks 1500]

procrastinate fetches one task at a time, so batches of 1 are the comparison: with its finished tasks kept or deleted,
whichever is quicker. Its tasks are coroutines, and it has no notifications to wait for; nicamon's concern no
node, like its housekeeping. Further lines: its way to do several tasks at once in a process; nicamon's batches; and
tasks of which no two of a node may run: that is a lock with procrastinate, and all probes with nicamon.
Both get the same server at its default durability and the same number of processes. Tasks a second, median of rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import crew
import procrastinate
import tasks_rate
from sqlalchemy.engine import make_url

from nicassh.config.settings import Config


def main() -> None:
    """Measures and prints the table; exit code 1 where nicamon is not quicker at equal batches."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--collectors", type=int, default=Config().collectors)
    arguments.add_argument("--tasks", type=int, default=1500)
    options = arguments.parse_args()
    collectors, number = options.collectors, options.tasks
    print(f"tasks a second of {collectors} collector processes on one PostgreSQL; median of {options.rounds}\n")
    contests: dict[str, Callable[[str], float]] = {
        "procrastinate, tasks are kept": lambda url: _rate(url, collectors, number, 1, "never"),
        "procrastinate, tasks are deleted": lambda url: _rate(url, collectors, number, 1, "always"),
        "nicamon, batches of 1": lambda url: tasks_rate.rate(url, collectors, 1, number, housekeeping=True),
        "procrastinate, 10 at once": lambda url: _rate(url, collectors, number, 10, "always"),
        "nicamon, batches of 10": lambda url: tasks_rate.rate(url, collectors, 10, 4 * number, housekeeping=True),
        "nicamon, batches of 100": lambda url: tasks_rate.rate(url, collectors, 100, 20 * number, housekeeping=True),
        "procrastinate, a lock for each node": lambda url: _rate(url, collectors, number, 1, "always", locked=True),
        "nicamon, probes, batches of 1": lambda url: tasks_rate.rate(url, collectors, 1, number),
    }
    found: dict[str, list[float]] = {name: [] for name in contests}
    with crew.fresh("postgresql") as fresh:
        # In turns: whatever else this machine does meanwhile meets all of them.
        for _ in range(options.rounds):
            for name, contest in contests.items():
                with fresh() as url:
                    found[name].append(contest(url))
    rates = {name: median(rounds) for name, rounds in found.items()}
    for name, rate in rates.items():
        print(f"{name:36}{rate:10,.0f}")
    theirs = max(rate for name, rate in rates.items() if name.startswith("procrastinate, tasks"))
    sys.exit(0 if rates["nicamon, batches of 1"] > theirs else 1)


def _rate(url: str, collectors: int, number: int, at_once: int, delete: str, *, locked: bool = False) -> float:
    """Tasks a second of so many collectors of procrastinate, each of which does so many tasks at once."""
    asyncio.run(_fill(url, number, locked))
    found = crew.together(collectors, _work, url, at_once, delete)
    done = [one for _, _, ids in found for one in ids]
    if len(done) != number or len(set(done)) != number:
        sys.exit(f"procrastinate: {len(done)} runs of {len(set(done))} of {number} tasks: this is no measure")
    return number / (max(end for _, end, _ in found) - min(begin for begin, _, _ in found))


def _app(url: str, connections: int) -> procrastinate.App:
    logging.getLogger("procrastinate").setLevel(logging.ERROR)  # it warns of programs that are one file
    conninfo = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return procrastinate.App(
        connector=procrastinate.PsycopgConnector(conninfo=conninfo, min_size=connections, max_size=connections)
    )


async def _fill(url: str, number: int, locked: bool) -> None:
    app = _app(url, 1)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        for one in range(number):
            lock = f"n{one}" if locked else None
            await app.configure_task("nothing", lock=lock).defer_async(number=one)


def _work(wait: Callable[[], object], url: str, at_once: int, delete: str) -> tuple[float, float, list[int]]:
    """When a collector began and ended, and the tasks it did."""
    return asyncio.run(_serve(wait, url, at_once, delete))


async def _serve(wait: Callable[[], object], url: str, at_once: int, delete: Any) -> tuple[float, float, list[int]]:
    app, done = _app(url, at_once + 1), []

    @app.task(name="nothing")
    async def nothing(number: int) -> None:
        done.append(number)

    async with app.open_async():
        wait()
        begin = time.monotonic()
        await app.run_collector_async(
            concurrency=at_once, wait=False, listen_notify=False, delete_tasks=delete, install_signal_handlers=False
        )
        return begin, time.monotonic(), done


if __name__ == "__main__":
    main()
