"""Transports: ways to run one script on many nodes.

`Connections` takes tasks and yields a reply for each as it arrives, whatever happens to the node. Which
transport serves a node is written in the inventory; both keep the promises of `task` and pass the
same tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from nicassh.transport import local
from nicassh.transport.task import Limits, Reply, Task

if TYPE_CHECKING:
    from nicassh.transport.libssh2 import Sessions

__all__ = ["Connections", "Limits", "Reply", "Task"]


class Connections:
    """The ways to the nodes, for as long as a worker lives: a node that answered well stays logged in.

    One thread uses them, for one run at a time; `stop` alone may be called from elsewhere.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._stopped = False
        self._sessions: Sessions | None = None

    def __enter__(self) -> Connections:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def run(self, tasks: Sequence[Task], started: Callable[[str], None] = lambda _name: None) -> Iterator[Reply]:
        """The replies of all tasks, in the order in which they arrive; a node's fault is a reply.

        `started` is told the name of each node when its turn comes. All nodes wait while the caller is at
        work between two replies. Raises ConfigError before any node is asked.
        """

        def begin(name: str) -> bool:
            if self._stopped:
                return False
            started(name)
            return True

        if all(task.node.transport == "local" for task in tasks):
            return local.run(tasks, self.limits, begin)
        if self._sessions is None:
            from nicassh.transport.libssh2 import Sessions  # gevent is loaded only where there is a node to reach

            self._sessions = Sessions(self.limits)
        return self._sessions.run(tasks, begin)

    def stop(self) -> None:
        """Begins with no further node, now and for good; those under way finish, the others have no reply.

        For handlers of signals and other threads.
        """
        self._stopped = True

    def close(self) -> None:
        """Ends what is under way and logs out everywhere, for good."""
        self.stop()
        if self._sessions is not None:
            self._sessions.close()
            self._sessions = None
