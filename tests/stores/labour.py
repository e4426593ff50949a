"""A collector as a process of its own: this machine as nodes that are asked one by one, with one probe that naps.

    python labour.py URL FOLDER SECONDS

In FOLDER is the probe. A task of class high may run for so many SECONDS, instead of ten minutes.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from task_rows import rows, wanted

from nicassh import tasks
from nicassh.collector import Collector
from nicassh.config.settings import Config
from nicassh.database import connect
from nicassh.inventory import Node
from nicassh.probes import loader as probe
from nicassh.store import Store
from nicassh.tasks import Priority, TaskList
from nicassh.tasks.scheduler import TIME_LIMITS

LEASE = 2.0
NODES = "n1 n2 n3 n4 n5"
MANY = " ".join(f"n{number}" for number in range(1, 41))
RECORD = '''"""A probe that naps."""

from dataclasses import dataclass

from nicassh.model.records import Record, column
from nicassh.model.units import Text

every, priority, timeout, keep = 3600, "high", 50, "latest"


@dataclass(frozen=True)
class Nap(Record):
    word: Text = column("What it says when it wakes up.")


def parse(output):
    yield Nap(output.strip())
'''


def add_nap(folder: Path, seconds: float) -> None:
    """The probe, which sleeps for so long."""
    (folder / "nap").mkdir()
    (folder / "nap" / "probe.sh").write_text(f"sleep {seconds}\necho refreshed\n")
    (folder / "nap" / "record.py").write_text(RECORD)


def hired(url: str, folder: Path, nap: float, nodes: str, seconds: float = 600) -> subprocess.Popen[str]:
    """Begins such a collector, with the naps of these nodes due."""
    add_nap(folder, nap)
    task_list = TaskList(connect(url))
    task_list.create()
    tasks.sync_periodic(task_list, wanted(nodes, "nap", Priority.HIGH, 3600))
    task_list.engine.dispose()
    argv = [sys.executable, str(Path(__file__)), url, str(folder / "nap"), str(seconds)]
    return subprocess.Popen(argv, stderr=subprocess.PIPE, text=True)


def awaited(task_list: TaskList, test: Callable[[list[Any]], bool], patience: float = 20) -> list[Any]:
    """The rows of the tasks as soon as they are as they should be."""
    end = time.monotonic() + patience
    while not test(found := rows(task_list)):
        assert time.monotonic() < end, found
        time.sleep(0.02)
    return found


def main() -> None:
    """Works until nothing is due."""
    url, folder, seconds = sys.argv[1:]
    TIME_LIMITS[Priority.HIGH] = float(seconds)  # type: ignore[assignment]
    known = [probe.load(Path(folder))]
    store = Store(url, known)
    store.create()
    task_list = TaskList(store.engine, lease=LEASE)
    task_list.create()
    nodes = [Node(name, "", transport="local") for name in MANY.split()]
    with Collector(task_list, store, nodes, known, Config(fanout=1)) as collector:
        collector.work()


if __name__ == "__main__":
    main()
