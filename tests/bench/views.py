"""Times every view, as a whole command, over a farm of 1,000 nodes with 200,000 stored processes.

    python tests/bench/views.py [--nodes 1000] [--processes 200] [--jobs 10000] [--rounds 3]

The database is made by the store itself from records such as the probes give. Times are wall seconds of
`nicamon show NAME` as a process of its own, its output drawn for a terminal of 200 columns; the median. One question
is also timed inside a process that stays.
"""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from rows import Farm

from nicassh import cli
from nicassh.app import App
from nicassh.probes import loader as probe
from nicassh.store import Store

BOUND, QUERY_BOUND = 1.0, 0.15
NOW = datetime.now(UTC).replace(microsecond=0)
COMMANDS = (
    "show farm", "show batch-nodes", "show users", "show jobs", "show queues", "show services", "show mounts",
    "show storage", "show software", "show software --all", "show diff n2 n500", "show diff ROOT", "show outcomes",
    "show bad", "explain n500", "show node n500", "procs --cached --user user7",
)  # fmt: skip


def main() -> None:
    """Fills a database, times the views, prints the table; exit code 1 where one is slower than the bound."""
    arguments = argparse.ArgumentParser(description=__doc__)
    for name, value in (("nodes", 1000), ("processes", 200), ("jobs", 10_000), ("rounds", 3)):
        arguments.add_argument(f"--{name}", type=int, default=value)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        config = _fill(Path(folder), options)
        total = options.nodes * options.processes
        print(f"{options.nodes} nodes, {total} processes, {options.jobs} jobs, median of {options.rounds} rounds\n")
        print(f"{'':32}{'wall s':>8}   (bound {BOUND:g})")
        with get_context("spawn").Pool(1) as fresh:  # the filling leaves this process with a heap that is full of holes
            seconds = fresh.apply(_query, (config, options.rounds))
        well = seconds < QUERY_BOUND
        print(f"{'app.query(farm), in process':32}{seconds:8.3f}   (bound {QUERY_BOUND:g})", flush=True)
        for command in COMMANDS:
            seconds = median(_time(command, config) for _ in range(options.rounds))
            well = well and seconds < BOUND
            print(f"{command:32}{seconds:8.2f}", flush=True)
    sys.exit(0 if well else 1)


def _query(config: Path, rounds: int) -> float:
    """Seconds of one question in a process that stays, as a web server's; the median."""
    gc.set_threshold(cli.THRESHOLD)  # as the program does
    app = App(config)
    app.query("farm")
    seconds = []
    for _ in range(rounds):
        start = time.monotonic()
        app.query("farm")
        seconds.append(time.monotonic() - start)
    return median(seconds)


def _time(command: str, config: Path) -> float:
    environment = {**os.environ, "NICAMON_CONFIG": str(config), "COLUMNS": "200"}
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "nicassh", *command.split()], env=environment, capture_output=True, check=False
    )
    if done.returncode or not done.stdout:
        sys.exit(f"{command}: {done.stderr.decode()}")
    return time.monotonic() - start


def _fill(folder: Path, options: argparse.Namespace) -> Path:
    """A configuration whose database has one collection of all nodes."""
    (folder / "inventory.toml").write_text(
        f'[[nodes]]\nnames = "n1"\naddress = "10.0.0.1"\nbatch_cluster = "farm"\nrole = "interactive"\n'
        f'[[nodes]]\nnames = "n[2-{options.nodes}]"\nrole = "batch"\n'
    )
    config = folder / "nicamon.toml"
    config.write_text(f'database = "sqlite:///{folder}/nicamon.db"\ninventory = ["inventory.toml"]\n')
    probes = probe.load_all()
    store = Store(f"sqlite:///{folder}/nicamon.db", probes)
    store.create()
    store.write(Farm(probes, NOW, options.nodes, options.processes, options.jobs).outcomes())
    return config


if __name__ == "__main__":
    main()
