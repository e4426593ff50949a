"""The nodes of a demo farm: names, roles and addresses.

The cluster is the one of 2014: nc2 to nc9 for interactive work, nc10 and up for batch jobs.
"""

from __future__ import annotations

from dataclasses import dataclass

from nicassh.model.errors import SetupError

DOMAIN = "jinr.ru"
FIRST = 2
INTERACTIVE = 8
LIMIT = 240
USUAL = 14


@dataclass
class Node:
    """One node of the farm; `pid` and `started` name its process on this machine, 0 when it has none.

    `started` is in clock ticks since boot, as in /proc/PID/stat: with the pid it names one process.
    `batch_cluster` is the name of the cluster that the node answers for, if it does for one.
    """

    name: str
    number: int
    address: str
    port: int
    role: str
    pid: int = 0
    started: int = 0
    batch_cluster: str = ""

    @property
    def short(self) -> str:
        """Return the name without its domain."""
        return self.name.partition(".")[0]


def nodes(count: int, network: str, port: int) -> list[Node]:
    """`count` nodes from nc2 on, with addresses in `network` (three octets, as "10.63.0").

    Raises SetupError when there are too few or too many.
    """
    if not 1 <= count <= LIMIT:
        raise SetupError(f"a demo farm has 1 to {LIMIT} nodes, not {count}", "try --nodes 14")
    last = FIRST + count
    return [
        Node(f"nc{number}.{DOMAIN}", number, f"{network}.{number}", port, role(number)) for number in range(FIRST, last)
    ]


def role(number: int) -> str:
    """Return what a node is for: "interactive" or "batch"."""
    return "interactive" if number < FIRST + INTERACTIVE else "batch"
