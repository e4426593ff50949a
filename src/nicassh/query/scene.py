"""What every view is made of: a store, the nodes that were asked for, and the moment of the look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from nicassh.inventory import Node
from nicassh.model.outcome import State
from nicassh.store import Row as Stored
from nicassh.store import Store
from nicassh.store.clocks import MARGIN


@dataclass(frozen=True)
class Scene:
    """The newest rows of some nodes, seen at one moment.

    `stale` is the age in seconds from which a value is old. `everyone` are all nodes of the inventory,
    where `nodes` are only some of them: a batch system is asked on its submit node, whichever nodes are shown.
    """

    store: Store
    nodes: Sequence[Node]
    stale: float
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    everyone: Sequence[Node] = ()
    _judged: dict[tuple[str, str, datetime], bool] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def names(self) -> list[str]:
        """The names of the nodes, in their order."""
        return [node.name for node in self.nodes]

    @cached_property
    def clusters(self) -> dict[str, str]:
        """The nodes that answer for a batch cluster, each with the cluster's name."""
        return {node.name: node.batch_cluster for node in self.everyone or self.nodes if node.batch_cluster}

    @cached_property
    def outcomes(self) -> dict[str, dict[str, Stored]]:
        """How each probe ended on each node: by node and probe."""
        found: dict[str, dict[str, Stored]] = {name: {} for name in self.names}
        for row in self.store.newest("outcomes", self.names):
            found[row["node"]][row["probe"]] = row
        return found

    def rows(self, record: str, **where: Sequence[Any]) -> list[Stored]:
        """The newest rows of a record on the nodes; none where no probe in force has such a record.

        `where` keeps rows whose column has one of some values.
        """
        return self.store.newest(record, self.names, **where) if record in self.store.records else []

    def grouped(self, record: str, **where: Sequence[Any]) -> dict[str, list[Stored]]:
        """The same by node."""
        found: dict[str, list[Stored]] = {}
        for row in self.rows(record, **where):
            found.setdefault(row["node"], []).append(row)
        return found

    def age(self, row: Stored) -> float | None:
        """How many seconds ago a row was true, see `since`."""
        return self.since(row["at"])

    def since(self, moment: datetime) -> float | None:
        """The seconds since a moment; None where it is still to come: a clock was ahead, and its age is unknown."""
        seconds: float = (self.now - moment).total_seconds()
        return round(max(0.0, seconds), 1) if seconds > -MARGIN else None

    def is_old(self, record: str, row: Stored) -> bool:
        """Whether a row is no news: collected long ago for its probe, or not renewed by an outcome that failed.

        What is collected once an hour is not old after a quarter of one.
        """
        key = (record, row["node"], row["at"])
        if key not in self._judged:
            outcome = self.outcomes.get(row["node"], {}).get(self.store.probe_of(record))
            failed = outcome is not None and not State(outcome["state"]).is_ok
            age = self.age(row)
            self._judged[key] = failed or age is None or age > max(self.stale, 3 * self.store.every.get(record, 0))
        return self._judged[key]

    def known_as(self, host: str) -> str:
        """The inventory's name for a machine that a batch system calls by its full or its short name."""
        return self._labels.get(host.lower()) or self._labels.get(host.partition(".")[0].lower()) or host

    @cached_property
    def _labels(self) -> dict[str, str]:
        """Names, and first labels where they are unique, to names."""
        labels: dict[str, str] = {}
        for node in self.everyone or self.nodes:
            label = node.name.partition(".")[0].lower()
            labels[label] = "" if label in labels else node.name
        return labels | {node.name.lower(): node.name for node in self.everyone or self.nodes}
