"""Measures what sessions save that a worker keeps: client CPU and wall time a node, for the first batch and later ones.

    python tests/bench/kept.py [--nodes 50] [--batches 3]     (root: the nodes live in namespaces)

Each line is one set of probes over connections of its own. CPU is user + system of this process,
divided by the nodes; the nodes' own work is not in it. The last number is memory.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from nicassh import demo
from nicassh import inventory as nodes
from nicassh.collection import run as collect
from nicassh.config.settings import Config
from nicassh.inventory import Node
from nicassh.probes import loader as probe
from nicassh.probes.loader import Probe
from nicassh.transport import Connections


def main() -> None:
    """Brings a farm up, measures, prints the table, takes the farm down."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--nodes", type=int, default=50)
    arguments.add_argument("--batches", type=int, default=3)
    options = arguments.parse_args()
    every = [item for item in probe.load_all() if item.where == "nodes"]
    load = [item for item in every if item.name == "load"]
    with tempfile.TemporaryDirectory() as folder:
        farm = demo.up(Path(folder) / "farm", options.nodes)
        try:
            asked = list(nodes.load([farm.inventory]).nodes.values())
            _measure(asked, load, 1)  # imports, and reads the files of keys
            print(f"{len(asked)} nodes, window {Config().fanout}: CPU and wall in ms a node, batch by batch\n")
            for name, probes in (("load", load), (f"all {len(every)}", every)):
                print(f"{name:8}", *_measure(asked, probes, options.batches))
        finally:
            demo.down(farm.folder)


def _measure(asked: Sequence[Node], probes: Sequence[Probe], batches: int) -> list[str]:
    """CPU and wall of each batch, and the memory of a session."""
    figures = []
    gc.collect()
    before = _resident()
    with Connections(collect.transport_limits(Config())) as connections:
        for _ in range(batches):
            cpu, wall = time.process_time(), time.monotonic()
            answers = list(collect.collect(collect.plan(asked, probes), connections, {}))
            cpu, wall = time.process_time() - cpu, time.monotonic() - wall
            if len(answers) != len(asked) or not all(answered.login.state.is_ok for answered in answers):
                sys.exit("some node did not answer: this is no measure")
            figures.append(f"{1000 * cpu / len(asked):6.2f}{1000 * wall / len(asked):7.1f}")
        del answers
        gc.collect()
        figures.append(f"   {max(0, _resident() - before) / len(asked) / 1024:.0f} KiB")
    return figures


def _resident() -> int:
    """Resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
