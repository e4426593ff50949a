"""Transports: ways to run one script on many nodes.

`Connections` takes tasks and yields a reply for each as it arrives, whatever happens to the node. Which
transport serves a node is written in the inventory; both keep the promises of `task` and pass the
same tests.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING

from nicassh.transport.task import Limits, Reply, Task

if TYPE_CHECKING:
    from nicassh.transport.libssh2 import Clients

__all__ = ["Connections", "Limits", "Reply", "Task"]

GRACE = 3.0
"""Seconds for which nodes that are being asked may still answer after `stop`."""


class Connections:
    """The ways to the nodes, for as long as a worker lives: a node that answered well stays logged in.

    One thread uses them, for one run at a time; `stop` alone may be called from elsewhere.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._stopped = float("inf")
        self._clients: Clients | None = None

    def __enter__(self) -> Connections:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def run(self, tasks: Iterable[Task], started: Callable[[Task], None] = lambda _task: None) -> Iterator[Reply]:
        """The replies of all tasks, in the order in which they arrive; a node's fault is a reply.

        A task is taken when there is room for it, in a thread, so that an iterator may wait for more to do.
        `started` is told of each when its turn comes. All nodes wait while the caller is at work between
        two replies. Raises ConfigError before the node is asked, and what the iterator raises, in the end.
        """

        def begin(task: Task) -> bool:
            if time.monotonic() >= self._stopped:
                return False
            started(task)
            return True

        if self._clients is None:
            from nicassh.transport.libssh2 import Clients  # gevent is loaded only where there is a node to reach

            self._clients = Clients(self.limits)
        return self._clients.run(tasks, begin, lambda: time.monotonic() - self._stopped > GRACE)

    def stalled(self) -> float:
        """Seconds for which the event loop of a run has stood still; 0 while there is none. For other threads."""
        return self._clients.stalled() if self._clients else 0.0

    def stop(self) -> None:
        """Begins with no further node, now and for good; those under way finish, the others have no reply.

        What has not finished after GRACE is broken off, without a reply. For handlers of signals and other threads.
        """
        self._stopped = min(self._stopped, time.monotonic())

    def close(self) -> None:
        """Ends what is under way and logs out everywhere, for good."""
        self.stop()
        if self._clients is not None:
            self._clients.close()
            self._clients = None
