"""Measures what `nicamon collect` costs before the first node is asked: 1,000 nodes whose tasks are armed and all due.

    python tests/bench/task_start.py [--nodes 1000] [--rounds 3] [--kinds sqlite mariadb postgresql]

A new process does what the command does, with its modules: it reads configuration, inventory and probes, opens the
database, reaps, arms, and claims batch after batch until nothing is due. A batch is ended before the next one is
claimed, as its nodes would be kept back from others; that is not counted. CPU is user + system of the process from
its start, in seconds; the median of the rounds.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import crew

BOUND = 1.0


def main() -> None:
    """Measures and prints the table; exit code 1 where it costs more than the bound."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--nodes", type=int, default=1000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--kinds", nargs="+", default=crew.KINDS)
    options = arguments.parse_args()
    print(f"{options.nodes} nodes: CPU seconds, median of {options.rounds}\n")
    print(f"{'':12}{'tasks':>8}{'started':>9}{'armed':>8}{'claimed':>9}   (bound {BOUND:g})")
    well = True
    for kind in options.kinds:
        with crew.fresh(kind) as fresh:
            rounds = []
            for _ in range(options.rounds):
                with fresh() as url, tempfile.TemporaryDirectory() as folder:
                    config = _config(Path(folder), url, options.nodes)
                    _run(config, "--arm")
                    rounds.append(_run(config))
            number, *seconds = (median(column) for column in zip(*rounds, strict=True))
            well = well and seconds[-1] < BOUND
            print(f"{kind:12}{number:8.0f}{seconds[0]:9.2f}{seconds[1]:8.2f}{seconds[2]:9.2f}", flush=True)
    sys.exit(0 if well else 1)


def _config(folder: Path, url: str, number: int) -> Path:
    (folder / "inventory.toml").write_text(f'[[nodes]]\nnames = "n[1-{number}]"\nrole = "batch"\n')
    config = folder / "nicamon.toml"
    config.write_text(f'database = "{url}"\n')
    return config


def _run(config: Path, *more: str) -> list[float]:
    command = [sys.executable, __file__, "--child", str(config), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return [float(word) for word in done.stdout.split()]


def _child(config: Path, only_arm: bool) -> None:
    """Prints how many tasks were claimed, and the CPU seconds up to three moments."""
    from nicassh import tasks
    from nicassh.cli import collect as _command  # noqa: F401 what it imports counts
    from nicassh.cli.session import Session
    from nicassh.collection import run as collect
    from nicassh.collector import Collector, periodic_tasks
    from nicassh.tasks import TaskResult

    session = Session(config)
    collect.plan(session.select(), session.probes())
    session.store.create()
    session.task_list.create()
    task_list, settings = session.task_list, session.config
    collector = Collector(task_list, session.store, session.select(), session.probes(), settings)
    started = time.process_time()
    tasks.reap(task_list)
    tasks.sync_periodic(task_list, periodic_tasks(session.select(), session.probes()))
    if only_arm:
        return
    tasks.due_node_count(task_list)
    armed = time.process_time()
    number, aside, due_by = 0, 0.0, task_list.now()
    with collector:
        while batch := tasks.claim(
            task_list, collector.registration, settings.fetch_limit, settings.fanout, due_by=due_by
        ):
            number += len(batch.tasks)
            begin = time.process_time()
            tasks.complete(task_list, collector.registration, batch, [TaskResult(task) for task in batch.tasks])
            collector.registration.batch = None
            aside += time.process_time() - begin
        print(number, started, armed, time.process_time() - aside)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        _child(Path(sys.argv[2]), sys.argv[3:] == ["--arm"])
    else:
        main()
