"""Compares `nicamon collect --now` with `pdsh -R ssh` on real nodes: client CPU and wall time, in one run.

    python tests/bench/fanout.py [--nodes 100] [--rounds 3]     (root: the nodes live in namespaces)

Both ask the same nodes with the same window for the same sources: pdsh runs one script in which the
probes stand one after the other, without limits and frames. CPU is user + system of the whole
process tree of the client (getrusage); the nodes' own work is not in it. The median of the rounds.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from nicassh import demo
from nicassh.config.settings import Config
from nicassh.demo.farm import Farm
from nicassh.probes import loader as probe

CPU_SHARE, WALL_SHARE, VERSION_CPU = 1 / 6, 0.8, 0.15
Cost = tuple[float, float]


def main() -> None:
    """Brings a farm up, measures, prints the table, takes the farm down; exit code 1 where a bound is missed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--nodes", type=int, default=100)
    arguments.add_argument("--rounds", type=int, default=3)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        farm = demo.up(Path(folder) / "farm", options.nodes)
        try:
            sys.exit(0 if _compare(farm, options.rounds) else 1)
        finally:
            demo.down(farm.folder)


def _compare(farm: Farm, rounds: int) -> bool:
    window = Config().fanout
    nicamon = [sys.executable, "-m", "nicassh", "collect", "--now"]
    costs: dict[str, list[Cost]] = {"pdsh -R ssh": [], "nicamon collect --now": []}
    for _ in range(rounds):
        costs["pdsh -R ssh"].append(_measure(_pdsh(farm, window), {}, len(farm.nodes)))
        costs["nicamon collect --now"].append(_measure(nicamon, {"NICAMON_CONFIG": str(farm.config)}))
    version = median(_measure([sys.executable, "-m", "nicassh", "--version"], {})[0] for _ in range(5))
    count = len(farm.nodes)
    print(f"{count} nodes, window {window}, median of {rounds} rounds, {os.cpu_count()} processors\n")
    print(f"{'':22}{'CPU s':>8}{'ms/node':>9}{'wall s':>8}")
    cpu, wall = {}, {}
    for name, values in costs.items():
        cpu[name], wall[name] = median(value[0] for value in values), median(value[1] for value in values)
        print(f"{name:22}{cpu[name]:8.2f}{1000 * cpu[name] / count:9.1f}{wall[name]:8.2f}")
    shares = (cpu["nicamon collect --now"] / cpu["pdsh -R ssh"], wall["nicamon collect --now"] / wall["pdsh -R ssh"])
    print(f"\nCPU  nicamon / pdsh    {shares[0]:.3f}   (bound {CPU_SHARE:.3f})")
    print(f"wall nicamon / pdsh    {shares[1]:.3f}   (bound {WALL_SHARE:.3f})")
    print(f"nicamon --version      {version:.3f} s of CPU   (bound {VERSION_CPU})")
    return shares[0] <= CPU_SHARE and shares[1] <= WALL_SHARE and version <= VERSION_CPU


def _pdsh(farm: Farm, window: int) -> list[str]:
    """The command line by which pdsh collects the same sources."""
    options = f"-i {farm.key} -o UserKnownHostsFile={farm.known_hosts} -o BatchMode=yes -l {farm.user}"
    os.environ["PDSH_SSH_ARGS_APPEND"] = options
    parameters = "roots='" + "\n".join(Config().roots) + "'\n"
    guards = 'guarded() { shift; "$@"; }; await() { :; }; decode() { path=$1; }\n'
    probes = [item for item in probe.load_all() if item.where == "nodes"]
    script = parameters + guards + "\n".join(f"(\n{item.script}\n)" for item in probes)
    addresses = ",".join(node.address for node in farm.nodes)
    return ["pdsh", "-R", "ssh", "-f", str(window), "-w", addresses, script]


def _measure(command: Sequence[str], environment: dict[str, str], loads: int = 0) -> Cost:
    """CPU and wall seconds of one run. Ends the comparison where it fails, or prints fewer load averages than nodes."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | environment, stdin=subprocess.DEVNULL, check=False
    )
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode or done.stdout.count("loadavg ") < loads:
        sys.exit(f"{command[0]} ended with {done.returncode} and is no measure: {done.stderr[-500:]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


if __name__ == "__main__":
    main()
