"""Measures what workers cost the machine that asks, minute by minute, and how punctual they are, over real SSH.

    python tests/bench/scale.py [--hosts 100] [--names 1 10] [--minutes 5] [--processes 4] [--kinds sqlite postgresql]

`hosts` are real nodes in namespaces (root), and each has so many names: to nicamon these are nodes of their own, with
their own sessions, jobs and rows. CPU is user + system of all workers after the first two minutes, in which all nodes
are met; the nodes' work, which is done on the same machine, is not in it. A load probe is due at each full minute; its
delay is how many seconds later it was stored. Memory is that of the workers, what they share counted once (Pss).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import crew
import sqlalchemy as sa

from nicassh import demo
from nicassh.demo.farm import Farm
from nicassh.probes import loader as probe
from nicassh.store import Store

FIRST = 120
"""Seconds until every node has been met and every probe has run."""
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Brings a farm up, has workers look after it, and prints a line for each number of nodes and database."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--hosts", type=int, default=100)
    arguments.add_argument("--names", type=int, nargs="+", default=[1, 10])
    arguments.add_argument("--minutes", type=int, default=5)
    arguments.add_argument("--processes", type=int, default=4)
    arguments.add_argument("--kinds", nargs="+", default=["sqlite", "postgresql"])
    options = arguments.parse_args()
    print(f"{options.processes} workers, {options.minutes} minutes, {os.cpu_count()} processors\n")
    print(
        f"{'':12}{'nodes':>7}{'CPU s/min':>11}{'ms/node':>9}{'MiB':>7}{'load probes':>13}   delay s: median  99 %  most"
    )
    with tempfile.TemporaryDirectory() as name:
        farm = demo.up(Path(name) / "farm", options.hosts)
        try:
            for kind in options.kinds:
                for names in options.names:
                    with crew.fresh(kind) as fresh, fresh() as url, tempfile.TemporaryDirectory() as folder:
                        _measure(kind, url, _configured(Path(folder), farm, names, url), farm, names, options)
        finally:
            demo.down(farm.folder)


def _configured(folder: Path, farm: Farm, names: int, url: str) -> Path:
    blocks = [
        f'[[nodes]]\nnames = "{node.short}x{number}"\naddress = "{node.address}"\nrole = "batch"\n'
        for node in farm.nodes
        for number in range(names)
    ]
    defaults = farm.inventory.read_text().partition("[[nodes]]")[0]
    (folder / "inventory.toml").write_text("\n".join([defaults, *blocks]))
    config = folder / "nicamon.toml"
    # This machine does the work of all nodes too: its own load is no reason to rest.
    config.write_text(f'database = "{url}"\ninventory = ["inventory.toml"]\nmax_load = 1000\n')
    return config


def _measure(kind: str, url: str, config: Path, farm: Farm, names: int, options: argparse.Namespace) -> None:
    number = len(farm.nodes) * names
    environment = {**os.environ, "NICAMON_CONFIG": str(config)}
    command = [sys.executable, "-m", "nicassh", "daemon", "--quiet", "--processes", str(options.processes)]
    worker = subprocess.Popen(command, env=environment)
    try:
        time.sleep(FIRST)
        begun, before = time.time(), _cpu(worker.pid)
        time.sleep(60 * options.minutes - FIRST)
        spent, memory, ended = _cpu(worker.pid) - before, _memory(worker.pid), time.time()
    finally:
        worker.terminate()
        worker.wait()
    delays = sorted(at % 60 for at in _times(url) if begun // 60 * 60 + 60 <= at < ended // 60 * 60)
    minute = spent / ((ended - begun) / 60)
    median, most = (delays[int(share * (len(delays) - 1))] for share in (0.5, 0.99))
    print(f"{kind:12}{number:7}{minute:11.2f}{1000 * minute / number:9.2f}{memory:7.0f}{len(delays):13}", end="")
    print(f"{median:18}{most:6}{delays[-1]:6}", flush=True)


def _family(process: int) -> Iterator[int]:
    """A process and all that descend from it."""
    yield process
    for task in Path(f"/proc/{process}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _family(int(child))


def _cpu(process: int) -> float:
    """Seconds of CPU that a family has used, those of its ended members included."""
    total = 0
    for member in _family(process):
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(") ")[2].split()
        total += sum(int(field) for field in fields[11:15])
    return total / TICKS


def _memory(process: int) -> float:
    """MiB of a family; what it shares counts once."""
    lines = (
        line for member in _family(process) for line in Path(f"/proc/{member}/smaps_rollup").read_text().splitlines()
    )
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _times(url: str) -> list[int]:
    """When the load probes were stored, in seconds since 1970."""
    store = Store(url, probe.load_all())
    with store.engine.connect() as connection:
        times = list(connection.scalars(sa.text("SELECT at FROM load_series")))
    store.engine.dispose()
    return times


if __name__ == "__main__":
    main()
