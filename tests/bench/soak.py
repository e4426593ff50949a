"""Watches collectors for half an hour: whether their memory and their descriptors grow.

    python tests/bench/soak.py [--minutes 30] [--collectors 4] [--nodes 4] [--cycle 2] [--settle 5]   (root: namespaces)

All tasks of all nodes of a demo farm are due anew each cycle, in seconds. The curve has one line a minute: resident
memory of all processes of the pool together, that of the largest, their descriptors, and how many tasks have ended.
After the minutes to settle neither sum may grow by more than the bound: the median of the first three lines after them
is compared with that of the last three.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from nicassh import demo, tasks
from nicassh.database import connect
from nicassh.demo.farm import Farm
from nicassh.tasks import TaskList

BOUND = 3.0
"""Per cent by which resident memory and descriptors may grow after the minutes to settle."""
_AGREE = 3
"""Lines whose median is compared."""


@dataclass(frozen=True)
class Look:
    """The pool at one moment: MiB of all and of the largest process, descriptors, processes, and what went on."""

    minute: float
    memory: float
    largest: float
    descriptors: int
    processes: int
    ended: float
    troubled: int


def main() -> None:
    """Brings a farm and its collectors up, prints the curve, takes both down; exit code 1 where something grows."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--minutes", type=float, default=30)
    arguments.add_argument("--collectors", type=int, default=4)
    arguments.add_argument("--nodes", type=int, default=4)
    arguments.add_argument("--cycle", type=float, default=2)
    arguments.add_argument("--settle", type=float, default=5)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        farm = demo.up(Path(name) / "farm", options.nodes)
        try:
            looks = list(_watched(Path(name), farm, options))
        finally:
            demo.down(farm.folder)
    after = [look for look in looks if look.minute > options.settle]
    sys.exit(0 if _told(after) else 1)


def _watched(folder: Path, farm: Farm, options: argparse.Namespace) -> Iterator[Look]:
    """One look a minute at the collectors, which have all tasks due again each cycle."""
    config = folder / "nicamon.toml"
    config.write_text(
        f'database = "sqlite:///{folder}/nicamon.db"\ninventory = ["{farm.inventory}"]\n'
        f"collectors = {options.collectors}\nmax_load = 100000.0\nload_exponent = 0\nmin_memory = 0\n"
    )
    command = [sys.executable, "-m", "nicassh", "daemon", "--quiet"]
    pool = subprocess.Popen(command, env={**os.environ, "NICAMON_CONFIG": str(config)})
    print(f"{options.collectors} collectors, {options.nodes} nodes, all tasks due each {options.cycle:g} s\n")
    print(
        f"{'minute':>6}{'MiB':>9}{'largest':>9}{'files':>7}{'processes':>11}{'tasks/min':>10}{'troubled':>10}",
        flush=True,
    )
    task_list = TaskList(connect(f"sqlite:///{folder}/nicamon.db"))
    task_list.create()
    begin = time.monotonic()
    minute = 0
    try:
        while pool.poll() is None and time.monotonic() - begin < 60 * options.minutes + 1:
            tasks.run_now(task_list)
            time.sleep(options.cycle)
            if time.monotonic() - begin >= 60 * (minute + 1):
                minute += 1
                yield _shown(_look(task_list, pool.pid, minute))
    finally:
        pool.terminate()
        print(f"\nended with code {pool.wait(60)} after SIGTERM")


def _look(task_list: TaskList, pid: int, minute: float) -> Look:
    family = [pid, *_children(pid)]
    memory = [_resident(one) / 2**20 for one in family]
    ended = sum(count.rates[0] for count in tasks.class_counts(task_list))
    files = sum(len(list(Path(f"/proc/{one}/fd").iterdir())) for one in family)
    return Look(minute, sum(memory), max(memory), files, len(family), ended, len(tasks.task_rows(task_list, True)))


def _shown(look: Look) -> Look:
    print(
        f"{look.minute:6.0f}{look.memory:9.1f}{look.largest:9.1f}{look.descriptors:7}{look.processes:11}"
        f"{look.ended:10.0f}{look.troubled:10}",
        flush=True,
    )
    return look


def _children(pid: int) -> list[int]:
    """The processes that the pool has begun, from each of its threads."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(word) for task in tasks for word in (task / "children").read_text().split()]


def _resident(pid: int) -> int:
    """Resident memory of a process in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _told(looks: list[Look]) -> bool:
    """Prints by how much the sums have grown; whether that is within the bound."""
    if len(looks) < 2 * _AGREE:
        print("too few minutes after the first ones to compare")
        return False
    well = True
    for name in ("memory", "descriptors"):
        first, last = (median(getattr(look, name) for look in some) for some in (looks[:_AGREE], looks[-_AGREE:]))
        grown = 100 * (last - first) / first
        well = well and grown <= BOUND
        print(f"{name}: {first:.1f} to {last:.1f}, {grown:+.2f} %   (bound {BOUND:g} %)")
    return well


if __name__ == "__main__":
    if os.geteuid():
        sys.exit("this needs root: the nodes are namespaces of their own")
    main()
