"""Times what looks back, as whole commands, over 30 days of history of 1,000 nodes.

    python tests/bench/looking_back.py [--nodes 1000] [--days 30] [--rounds 3]

The series of load are made in the database itself: three days of rows as they came, a minute apart, and 30 days of
five minutes, hours and days, marked as rolled up and pruned. The newest rows of all probes
are written by the store. Times are wall seconds of a process of its own with a terminal of 200 columns; the median.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import sqlalchemy as sa
from rows import Farm

from nicassh.probes import loader as probe
from nicassh.store import Store
from nicassh.store.tiers import RAW, TIERS, Tier

BOUND = 0.7
DAY = 86400
NOW = datetime.now(UTC).replace(microsecond=0)
BOUNDED = ("show farm", "history n50 load1 --since 30d --plot")
FURTHER = (
    "show farm --columns +load1~", "history n50 load1 --since 1d --plot", "history n[1-8] load1 --since 30d --plot",
    "history @* load1 --mean --since 30d --plot", "history n50 load1 --since 30d --json",
)  # fmt: skip


def main() -> None:
    """Fills a database, times the commands, prints the table; exit code 1 where a bound is missed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    for name, value in (("nodes", 1000), ("days", 30), ("rounds", 3)):
        arguments.add_argument(f"--{name}", type=int, default=value)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = _fill(Path(folder), options.nodes, options.days)
        size = (Path(folder) / "nicamon.db").stat().st_size / 1024**2
        print(f"{options.nodes} nodes, {options.days} days, {size:.0f} MiB, median of {options.rounds} rounds\n")
        print(f"{'':44}{'wall s':>8}   (bound {BOUND:g} for the first {len(BOUNDED)})")
        slow = False
        for command in (*BOUNDED, *FURTHER):
            seconds = median(_time(command, config) for _ in range(options.rounds))
            slow = slow or (command in BOUNDED and seconds >= BOUND)
            print(f"{command:44}{seconds:8.2f}", flush=True)
    sys.exit(1 if slow else 0)


def _time(command: str, config: Path) -> float:
    environment = {**os.environ, "NICAMON_CONFIG": str(config), "COLUMNS": "200"}
    begin = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "nicassh", *command.split()], env=environment, capture_output=True)
    if done.returncode or not done.stdout:
        sys.exit(f"{command}: {done.stderr.decode()}")
    return time.monotonic() - begin


def _fill(folder: Path, nodes: int, days: int) -> Path:
    """A configuration whose database has that history."""
    (folder / "inventory.toml").write_text(f'[[nodes]]\nnames = "n[1-{nodes}]"\nrole = "batch"\n')
    config = folder / "nicamon.toml"
    config.write_text(f'database = "sqlite:///{folder}/nicamon.db"\ninventory = ["inventory.toml"]\n')
    probes = probe.load_all()
    store = Store(f"sqlite:///{folder}/nicamon.db", probes)
    store.create()
    store.write(Farm(probes, NOW, nodes).outcomes())
    now = int(NOW.timestamp())
    begins = {RAW: now - 3 * DAY} | dict.fromkeys(TIERS, now - days * DAY)
    with store.engine.begin() as connection:
        for tier, begin in begins.items():
            _series(connection, store, tier, tier.start(begin), now - tier.width, nodes)
        upto = {f"upto_{tier.name}": tier.start(now) for tier in TIERS}
        connection.execute(
            sa.insert(store.layout.rollup_progress), [{"node": f"n{n}", **upto} for n in range(1, nodes + 1)]
        )
        kept = [{"tier": tier.name, "since": tier.start(begin)} for tier, begin in begins.items()]
        connection.execute(sa.insert(store.layout.retention_horizon), kept)
    store.engine.dispose()
    return config


def _series(connection: sa.Connection, store: Store, tier: Tier, begin: int, end: int, nodes: int) -> None:
    """Rows of load of all nodes in one tier, made by one statement; load1 goes up and down with the time."""
    series = store.layout.series["load"]
    table, step = series.tables[tier], 60 if tier is RAW else tier.width
    value = "abs((t.at / 60 + n.i * 37) % 120 - 60)"
    parts = {"n": str(step // 60), "sum": f"{value} * {step // 60}.0", "min": f"{value} - 1", "max": f"{value} + 1"}
    values = {"node": "'n' || n.i", "at": "t.at", **dict.fromkeys(series.metrics, value)}
    values |= {f"{metric}_{part}": text for metric in series.metrics for part, text in parts.items()}
    columns = [column.name for column in table.c]
    # A table is filled fastest in the order of its key.
    order = "t.at, n.i" if tier is RAW else "1, t.at"
    connection.exec_driver_sql(
        f"INSERT INTO {table.name} ({', '.join(columns)}) WITH RECURSIVE"
        f" t(at) AS (SELECT {begin} UNION ALL SELECT at + {step} FROM t WHERE at + {step} <= {end}),"
        f" n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {nodes})"
        f" SELECT {', '.join(values[name] for name in columns)} FROM t, n ORDER BY {order}"
    )


if __name__ == "__main__":
    main()
