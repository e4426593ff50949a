"""Measures by how much a slow probe and dead nodes delay the load probe, with real collectors on the demo farm.

    python tests/bench/fair.py [--minutes 4]     (root: the nodes live in namespaces)

A probe of class low sleeps for 60 s on each of 14 nodes, all the time; after the first minute 4 nodes answer no
more. The load probe (critical) is due at each full minute: its delay is how many seconds later it was stored.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from nicassh import demo
from nicassh.demo.farm import Farm

BOUND = 2
NAP = """from dataclasses import dataclass
from nicassh.model.records import Record, column
from nicassh.model.units import Text

every, priority, timeout, keep = 60, "low", 75, "latest"


@dataclass(frozen=True)
class Nap(Record):
    word: Text = column("What it said.")


def parse(output):
    yield Nap(output.strip())
"""
DEAD = ("nc12", "nc13", "nc14", "nc15")


def main() -> None:
    """Runs the collectors for some minutes and prints the delays; exit code 1 where one is beyond the bound."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--minutes", type=int, default=4)
    minutes = arguments.parse_args().minutes
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        farm = demo.up(folder / "farm")
        try:
            config = _configured(folder, farm)
            _work(config, farm, minutes)
        finally:
            demo.down(farm.folder)
        sys.exit(0 if _told(folder / "nicamon.db") else 1)


def _configured(folder: Path, farm: Farm) -> Path:
    nap = folder / "probes" / "nap"
    nap.mkdir(parents=True)
    (nap / "probe.sh").write_text("sleep 60\necho 1\n")
    (nap / "record.py").write_text(NAP)
    config = folder / "nicamon.toml"
    config.write_text(
        f'database = "sqlite:///{folder}/nicamon.db"\ninventory = ["{farm.inventory}"]\nprobes = ["probes"]\n'
        "timeout = 90\n"
    )
    return config


def _work(config: Path, farm: Farm, minutes: int) -> None:
    command = [sys.executable, "-m", "nicassh", "daemon", "--processes", "2", "--quiet"]
    environment = {**os.environ, "NICAMON_CONFIG": str(config)}
    gateway = farm.nodes[0].address.rpartition(".")[0] + ".1"
    collector = subprocess.Popen(command, env=environment)
    try:
        time.sleep(90)
        for name in DEAD:
            farm.enter(name, ["ip", "route", "add", "blackhole", gateway])
        time.sleep(60 * minutes - 90)
    finally:
        collector.terminate()
        collector.wait()


def _told(file: Path) -> bool:
    with sqlite3.connect(file) as database:
        rows = database.execute("SELECT node, at FROM load_series ORDER BY node, at").fetchall()
        away = "SELECT node, sum(attempts), sum(state = 'paused') FROM tasks WHERE state = 'paused' OR failures > 0"
        tries = database.execute(f"{away} GROUP BY node").fetchall()
    times: dict[str, list[int]] = {}
    for node, at in rows:
        times.setdefault(node, []).append(at)
    # The first answer came when the collectors began, the others are due at full minutes.
    delays = [at % 60 for moments in times.values() for at in moments[1:]]
    print(f"load probe: {len(delays)} runs on {len(times)} nodes beside sleepers and dead nodes\n")
    print(f"longest delay {max(delays)} s, mean {sum(delays) / len(delays):.2f} s   (bound {BOUND} s)")
    for node, attempts, paused in tries:
        print(f"{node}: {attempts} runs begun since its last answer, {paused} tasks paused")
    return max(delays) <= BOUND


if __name__ == "__main__":
    main()
