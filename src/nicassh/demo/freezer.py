"""Control groups for nodes: Slurm keeps the processes of a job together in one.

A node's group is in the hierarchy `freezer` of the whole machine, named after the farm's hardware
address, so nobody else's. The node itself sees nothing above its group (cgroup_namespaces(7)).
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from nicassh.demo.farm import Farm
from nicassh.demo.plan import Node

SCRIPT = Path(__file__).with_name("freezer.sh")


def groups(farm: Farm, nodes: Iterable[Node]) -> list[str]:
    """Return the names of these nodes' control groups; none where the farm does without."""
    mark = farm.mark.replace(":", "")
    return [f"nicamon-{mark}-{node.short}" for node in nodes] if "slurm" in farm.systems else []


def inside(farm: Farm, node: Node) -> list[str]:
    """Return the words before a command that put it into a node's group, made if there is none."""
    found = groups(farm, [node])
    return ["/bin/sh", str(SCRIPT), "enter", *found] if found else []


def available() -> bool:
    """Say whether this machine has the hierarchy."""
    return run("check").returncode == 0


def thaw(names: Sequence[str]) -> None:
    """Have the processes in these groups go on: a frozen one cannot be killed."""
    if names:
        run("thaw", names)


def remove(names: Sequence[str]) -> str:
    """Remove these groups, in which nothing runs any more; gives the complaint, or nothing."""
    done = run("remove", names) if names else None
    return done.stderr.strip() if done and done.returncode else ""


def run(order: str, names: Iterable[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run the script where the hierarchy can be mounted without anyone seeing it."""
    argv = ["unshare", "--mount", "/bin/sh", str(SCRIPT), order, *names]
    return subprocess.run(argv, capture_output=True, text=True, check=False)
