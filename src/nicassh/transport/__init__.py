"""Transports: ways to run one script on many nodes.

`run` takes tasks and yields a reply for each as it arrives, whatever happens to the node. Which
transport serves a node is written in the inventory; both keep the promises of `task` and pass the
same tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nicassh.transport import local
from nicassh.transport.task import Limits, Reply, Task

__all__ = ["Limits", "Reply", "Task", "run"]


def run(tasks: Sequence[Task], limits: Limits) -> Iterator[Reply]:
    """The replies of all tasks, in the order in which they arrive."""
    if all(task.node.transport == "local" for task in tasks):
        return local.run(tasks, limits)
    from nicassh.transport import libssh2  # gevent is loaded only where there is a node to reach

    return libssh2.run(tasks, limits)
