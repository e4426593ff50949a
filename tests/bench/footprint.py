"""Counts what all probes together cost a node: processes forked and CPU, on a node with 300 processes.

    python tests/bench/footprint.py [--processes 300] [--rounds 7]     (root: the node is a pid namespace)

The node has so many processes of ordinary users besides what runs the probes. Forks are counted by the
last process id of the namespace, CPU is user + system of the shell that runs the bundle and all that it
started (getrusage). The median of the rounds, for each shell; and each probe alone under the first one.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from statistics import median

from nicassh.collection import bundle
from nicassh.config.settings import Config
from nicassh.probes import loader as probe
from nicassh.probes.loader import Probe

FORKS, CPU = 40, 60.0
SHELLS = ("dash", "bash", "busybox")
SCRIPT = """
i=0
while [ $i -lt $1 ]; do setpriv --reuid $((1000 + i % 20)) --clear-groups sleep 1000 & i=$((i + 1)); done
shift
sleep 1
read -r _ _ _ _ before </proc/loadavg
"$@"
read -r _ _ _ _ after </proc/loadavg
echo "forks $((after - before - 1))" >&2
"""


def main() -> None:
    """Measures, prints the table; exit code 1 where a bound is missed under any shell."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--processes", type=int, default=300)
    arguments.add_argument("--rounds", type=int, default=7)
    options = arguments.parse_args()
    probes = [one for one in probe.load_all() if one.where == "nodes"]
    print(f"all {len(probes)} probes on a node with {options.processes} processes, median of {options.rounds} rounds\n")
    print(f"{'':24}{'forks':>7}{'CPU ms':>8}   (bounds {FORKS}, {CPU:g})")
    well = True
    for shell in SHELLS:
        forks, cpu = _measure(_shell(shell), probes, options.processes, options.rounds)
        well = well and forks <= FORKS and cpu <= CPU
        print(f"{shell:24}{forks:7.0f}{cpu:8.1f}")
    print(f"\neach alone under {SHELLS[0]}, the frame with it")
    empty = _measure(_shell(SHELLS[0]), [], options.processes, options.rounds)
    print(f"{'no probe':24}{empty[0]:7.0f}{empty[1]:8.1f}")
    for one in probes:
        forks, cpu = _measure(_shell(SHELLS[0]), [one], options.processes, options.rounds)
        print(f"{one.name:24}{forks:7.0f}{cpu:8.1f}")
    sys.exit(0 if well else 1)


def _shell(name: str) -> list[str]:
    """The command that reads a bundle; of busybox its shell alone, with the machine's own tools."""
    program = shutil.which(name) or sys.exit(f"{name} is not installed: make packages")
    return [program, "ash", "-s"] if name == "busybox" else [program, "-s"]


def _measure(shell: Sequence[str], probes: Sequence[Probe], processes: int, rounds: int) -> tuple[float, float]:
    """Median forks and CPU milliseconds of one bundle, less what the namespace and its processes cost."""
    runs = [_run(shell, probes, processes) for _ in range(rounds)]
    return median(forks for forks, _ in runs), median(cpu for _, cpu in runs)


def _run(shell: Sequence[str], probes: Sequence[Probe], processes: int) -> tuple[int, float]:
    mark = bundle.new_mark()
    script = bundle.with_mark(bundle.build_script(probes, 60, {"roots": "\n".join(Config().roots)}), mark)
    argv = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", SCRIPT, "sh", str(processes)]
    done = subprocess.run([*argv, sys.executable, "-c", _TIMED, *shell], input=script, capture_output=True, check=False)
    sections = bundle.parse_output(done.stdout, done.stderr, mark, probes)
    bad = {name: section.errors for name, section in sections.items() if section.status not in (0, 77)}
    if bad or len(sections) != len(probes):
        sys.exit(f"some probes failed: {bad or done.stderr.decode()}")
    forks, cpu = re.search(rb"forks (\d+)", done.stderr), re.search(rb"cpu ([\d.]+)", done.stderr)
    assert forks and cpu, done.stderr
    return int(forks[1]) - 1, float(cpu[1])


_TIMED = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
sys.stderr.write(f"cpu {1000 * (used.ru_utime + used.ru_stime):.1f}\\n")
"""
"""Runs the shell as its only child: python itself is process one fork of the count, which is taken off."""


if __name__ == "__main__":
    if os.geteuid():
        sys.exit("this needs root: the node is a namespace of its own")
    main()
