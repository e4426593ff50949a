"""Times every view, as a whole command, over a farm of 1,000 nodes with 200,000 stored processes.

    python tests/bench/views.py [--nodes 1000] [--processes 200] [--jobs 10000] [--rounds 3]

The database is made by the store itself from records such as the probes give. Times are wall seconds of
`nicamon show NAME` as a process of its own, its output drawn for a terminal of 200 columns; the median.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from nicassh import probe
from nicassh.probe import Outcome, Probe
from nicassh.record import Record
from nicassh.state import LOGIN, State
from nicassh.store import Store

BOUND = 1.0
NOW = datetime.now(UTC).replace(microsecond=0)
G = 1024**3
COMMANDS = (
    "show farm", "show workers", "show users", "show jobs", "show queues", "show services", "show mounts",
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
        well = True
        for command in COMMANDS:
            seconds = median(_time(command, config) for _ in range(options.rounds))
            well = well and seconds < BOUND
            print(f"{command:32}{seconds:8.2f}", flush=True)
    sys.exit(0 if well else 1)


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
        f'[[nodes]]\nnames = "n1"\naddress = "10.0.0.1"\nhead = "farm"\nrole = "interactive"\n'
        f'[[nodes]]\nnames = "n[2-{options.nodes}]"\nrole = "batch"\n'
    )
    config = folder / "nicamon.toml"
    config.write_text(f'database = "sqlite:///{folder}/nicamon.db"\ninventory = ["inventory.toml"]\n')
    probes = probe.load_all()
    store = Store(f"sqlite:///{folder}/nicamon.db", probes)
    store.create()
    for first in range(0, options.nodes, 100):
        outcomes = [
            outcome
            for number in range(first + 1, min(first + 100, options.nodes) + 1)
            for outcome in _node(f"n{number}", number, probes, options)
        ]
        store.write(outcomes)
    return config


def _node(name: str, number: int, probes: list[Probe], options: argparse.Namespace) -> Iterator[Outcome]:
    yield Outcome(name, LOGIN, NOW, State.OK, "", 0.3)
    made = {**_OWN, "processes": lambda one, n: _processes(one, n, options.processes)}
    for one in probes:
        if one.where == "head" and number > 1:
            continue
        if one.name == "batch":
            records = list(_batch(one, options))
        else:
            build = made.get(one.name)
            records = list(build(one, number)) if build else _sampled(one)
        yield Outcome(name, one.name, NOW, State.OK, "", 0.3, tuple(records))


def _sampled(one: Probe) -> list[Record]:
    """What the probe reads in its largest sample: every node alike."""
    sample = max(one.folder.glob("samples/*.out"), key=lambda file: file.stat().st_size)
    if one.name not in _SAMPLES:
        found = [record for record in probe.read(one, sample.read_bytes()) if isinstance(record, Record)]
        _SAMPLES[one.name] = found
    return _SAMPLES[one.name]


_SAMPLES: dict[str, list[Record]] = {}


def _processes(one: Probe, number: int, count: int) -> Iterator[Record]:
    process = one.records["processes"]
    names = ("root.exe", "mpdroot", "python3", "bash", "urqmd")
    for pid in range(1, count + 1):
        batch = pid % 3 == 0
        values: dict[str, Any] = {
            "pid": pid, "user": f"user{(pid + number) % 60}",
            "command": f"{names[pid % 5]} -l -b reco.C -q run{pid}.root",
            "memory_percent": 0.4, "cpu_percent": float(pid % 100), "state": "Z" if pid == 7 else "S", "time": 60.0,
            "started": NOW - timedelta(hours=3), "kind": "batch" if batch else "interactive",
            "batch": "sge" if batch else None, "job": f"{number * 10 + pid % 10}.1" if batch else None,
            "login": None if batch else "pts/3", "software": "ROOT" if pid % 5 == 0 else None, "ordinary": pid > 100,
            "parent": 1, "name": names[pid % 5],
        }  # fmt: skip
        yield process(**values)
    yield one.records["processes_census"](hidden=False, visible=count, total=None)


def _batch(one: Probe, options: argparse.Namespace) -> Iterator[Record]:
    yield one.records["batch"](system="sge", state="up", reason=None, version="SGE 8.1.9")
    for number in range(2, options.nodes + 1):
        yield one.records["batch_host"](
            system="sge", host=f"n{number}", state="drained" if number % 50 == 0 else "busy", words="d", reason=None,
            by=None, marked=None, queues="all.q", cpus=48, slots=48, used=10, load=9.5, memory=64 * G, memory_used=G,
        )  # fmt: skip
    yield one.records["batch_queue"](
        system="sge", queue="all.q", state=None, slots=48 * options.nodes, used=options.jobs, free=0, broken=0,
        load=0.9, limit=None,
    )  # fmt: skip
    for number in range(options.jobs):
        yield one.records["batch_job"](
            system="sge", job=str(number), task="", tasks=1, user=f"user{number % 60}", name=f"reco_{number}",
            state="running", words="r", queue="all.q", slots=1, hosts=f"n{2 + number % (options.nodes - 1)}",
            submitted=NOW - timedelta(hours=5), started=NOW - timedelta(hours=3), limit=None, reason=None,
            tie=f"{number}.1",
        )  # fmt: skip


_OWN: dict[str, Any] = {
    "system": lambda one, n: [one.records["system"](
        hostname=f"n{n}", os="AlmaLinux 9.4", kernel="5.14.0", cpu="AMD EPYC", cpus=48, boot_time=NOW
    )],
    "load": lambda one, n: [one.records["load"](
        load1=float(n % 60), load5=9.0, load15=9.0, processes=400, running=9, blocked=0
    )],
}  # fmt: skip


if __name__ == "__main__":
    main()
