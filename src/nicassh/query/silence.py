"""Silence: old values of most nodes mean that nobody collects. Then the nodes are not to blame."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from nicassh.inventory import Node
from nicassh.model.errors import StaleError
from nicassh.model.outcome import LOGIN
from nicassh.model.severity import Severity
from nicassh.model.units import counted, draw_moment, draw_seconds
from nicassh.query.findings import Finding
from nicassh.query.snapshot import Snapshot
from nicassh.store import Row as Stored

HINT = "is the collector running? See `nicamon tasks`"


class Silence:
    """Finds the nodes that were not asked for too long, and whether the reason is that nobody collects."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot

    @cached_property
    def _logins(self) -> dict[str, Stored]:
        names = [node.name for node in self.snapshot.all_nodes]
        rows = self.snapshot.store.newest("outcomes", names, probe=[LOGIN])
        return {row["node"]: row for row in rows}

    @cached_property
    def _stale(self) -> set[str]:
        return {name for name, login in self._logins.items() if self.snapshot.login_is_stale(login)}

    @cached_property
    def _ahead(self) -> set[str]:
        return {name for name, login in self._logins.items() if self.snapshot.age(login) is None}

    def concerns(self, nodes: Sequence[Node]) -> list[str]:
        """Return the names of the nodes of which nothing is known because nobody collects: most nodes are stale."""
        return [node.name for node in nodes if node.name in self._stale] if self._most_unknown else []

    def not_asked_lately(self, nodes: Sequence[Node]) -> list[str]:
        """Return the names of the nodes that were not asked for too long, while others were."""
        return [node.name for node in nodes if node.name in self._stale]

    def never_asked(self, nodes: Sequence[Node]) -> list[str]:
        """Return the names of the nodes that were never asked."""
        return [node.name for node in nodes if node.name not in self._logins]

    def ahead(self, nodes: Sequence[Node]) -> list[str]:
        """Return the names of the nodes that were asked while a clock was ahead, so that the age is unknown."""
        return [node.name for node in nodes if node.name in self._ahead]

    @property
    def _most_unknown(self) -> bool:
        return 2 * len(self._stale | self._ahead) > len(self._logins)

    @property
    def finding(self) -> Finding:
        """Return the one thing that is wrong where nobody collects. It concerns nicamon, and no node."""
        last = max(self._logins[name]["at"] for name in self._stale)
        ago = draw_seconds(self.snapshot.age({"at": last}) or 0)
        most, all_of = len(self._stale), len(self._logins)
        what = "nothing was" if most == all_of else f"of {most} of {counted(all_of, 'node')} nothing was"
        text = f"{what} collected since {draw_moment(last)} ({ago} ago); {HINT}"
        return Finding(Severity.UNKNOWN, 100, "nicamon", text, last)

    def require(self, nodes: Sequence[Node]) -> None:
        """Raise StaleError where nothing is known of some nodes, or all of them were never asked."""
        if self.concerns(nodes):
            what, _, hint = self.finding.what.partition("; ")
            raise StaleError(what, f"which nodes are bad now is not known; {hint}")
        ahead, unasked = self.ahead(nodes), self.never_asked(nodes)
        if ahead and (self._most_unknown or len(ahead) + len(unasked) == len(nodes)):
            what = f"{counted(len(ahead), 'node')} asked while the clock was ahead, so that nobody knows when"
            raise StaleError(what, "which nodes are bad now is not known; see `nicamon tasks`, then `nicamon collect`")
        if nodes and len(unasked) == len(nodes):
            raise StaleError("no data collected yet of these nodes", f"they were never asked; {HINT}")
