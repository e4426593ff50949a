"""Whether nicamon itself looks at the nodes: old values of most nodes are the collector's trouble, not theirs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from nicassh.inventory import Node
from nicassh.model.errors import StaleError
from nicassh.model.outcome import LOGIN, State
from nicassh.model.units import counted, draw_seconds, draw_time
from nicassh.query.findings import Finding
from nicassh.query.scene import Scene
from nicassh.store import Row as Stored

HINT = "is the collector running? See `nicamon tasks`"


def is_stale(scene: Scene, login: Stored) -> bool:
    """Say whether a node was not asked for too long. One out of reach is tried less often: it has twice the time."""
    age = scene.age(login)
    return age is not None and age > scene.stale * (1 if login["state"] == State.OK else 2)


class Silence:
    """The nodes that were not asked for too long, and whether that is because nobody collects."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    @cached_property
    def _logins(self) -> dict[str, Stored]:
        nodes = self.scene.everyone or self.scene.nodes
        rows = self.scene.store.newest("outcomes", [node.name for node in nodes], probe=[LOGIN])
        return {row["node"]: row for row in rows}

    @cached_property
    def _stale(self) -> set[str]:
        return {name for name, login in self._logins.items() if is_stale(self.scene, login)}

    @cached_property
    def _ahead(self) -> set[str]:
        return {name for name, login in self._logins.items() if self.scene.age(login) is None}

    def concerns(self, nodes: Sequence[Node]) -> list[str]:
        """The names of those among some nodes of which nothing is known because nobody collects: most are stale."""
        return [node.name for node in nodes if node.name in self._stale] if self._most_unknown else []

    def unasked(self, nodes: Sequence[Node]) -> list[str]:
        """The names of those among some nodes that were never asked."""
        return [node.name for node in nodes if node.name not in self._logins]

    def ahead(self, nodes: Sequence[Node]) -> list[str]:
        """The names of those among some nodes that were asked while a clock was ahead: their age is unknown."""
        return [node.name for node in nodes if node.name in self._ahead]

    @property
    def _most_unknown(self) -> bool:
        return 2 * len(self._stale | self._ahead) > len(self._logins)

    @property
    def finding(self) -> Finding:
        """The one thing that is wrong where nobody collects: a matter of nicamon, and of no node."""
        last = max(self._logins[name]["at"] for name in self._stale)
        ago = draw_seconds(self.scene.age({"at": last}) or 0)
        most, all_of = len(self._stale), len(self._logins)
        what = "nothing was" if most == all_of else f"of {most} of {counted(all_of, 'node')} nothing was"
        return Finding(100, "nicamon", f"{what} collected since {draw_time(last)} UTC ({ago} ago); {HINT}", last)

    def require(self, nodes: Sequence[Node]) -> None:
        """Raises StaleError where nothing can be said of some nodes, or all of them were never asked."""
        if self.concerns(nodes):
            what, _, hint = self.finding.what.partition("; ")
            raise StaleError(what, f"which nodes are bad now is not known; {hint}")
        ahead, unasked = self.ahead(nodes), self.unasked(nodes)
        if ahead and (self._most_unknown or len(ahead) + len(unasked) == len(nodes)):
            what = f"{counted(len(ahead), 'node')} asked while the clock was ahead, so that nobody knows when"
            raise StaleError(what, "which nodes are bad now is not known; see `nicamon tasks`, then `nicamon collect`")
        if nodes and len(unasked) == len(nodes):
            raise StaleError("no data collected yet of these nodes", f"they were never asked; {HINT}")
