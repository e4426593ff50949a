"""The newest rows of the store at one moment, with their ages: what every table about nodes is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from nicassh.inventory import Node
from nicassh.model.outcome import LOGIN, State
from nicassh.model.records import Column, columns
from nicassh.store import Row as Stored
from nicassh.store import Store
from nicassh.store.clocks import MARGIN


@dataclass(frozen=True)
class Snapshot:
    """The newest rows of some nodes, as they are at one moment.

    A value is stale `stale_after` seconds after it was collected, or later where its probe runs less often.
    `inventory_nodes` are all nodes of the inventory, where `nodes` are only some of them: a batch system is asked on
    its submit node, whichever nodes are shown.
    """

    store: Store
    nodes: Sequence[Node]
    stale_after: float
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    inventory_nodes: Sequence[Node] = ()
    _judged: dict[tuple[str, str, datetime], bool] = field(default_factory=dict, init=False, repr=False)
    _columns: dict[tuple[str, str], Column] = field(default_factory=dict, init=False, repr=False)
    _periods: dict[str, tuple[str, float]] = field(default_factory=dict, init=False, repr=False)
    _by_node: dict[str, dict[str, list[Stored]]] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def names(self) -> list[str]:
        """Return the names of the nodes, in their order."""
        return [node.name for node in self.nodes]

    @cached_property
    def all_nodes(self) -> Sequence[Node]:
        """Return the nodes of the inventory; those of the snapshot where it was made without an inventory."""
        return self.inventory_nodes or self.nodes

    @property
    def is_partial(self) -> bool:
        """Say whether only some nodes of the inventory were asked for."""
        return len(self.nodes) < len(self.all_nodes)

    @cached_property
    def clusters(self) -> dict[str, str]:
        """Return the nodes that answer for a batch cluster, each with the name of the cluster."""
        return {node.name: node.batch_cluster for node in self.all_nodes if node.batch_cluster}

    @cached_property
    def outcomes(self) -> dict[str, dict[str, Stored]]:
        """Return how each probe ended on each node: by node and probe."""
        found: dict[str, dict[str, Stored]] = {name: {} for name in self.names}
        for row in self.store.newest("outcomes", self.names):
            found[row["node"]][row["probe"]] = row
        return found

    @cached_property
    def failures(self) -> dict[str, dict[str, Stored]]:
        """Return each login, and how each probe ended that failed: by node and probe. These are few of all outcomes."""
        found: dict[str, dict[str, Stored]] = {name: {} for name in self.names}
        failed = [state.value for state in State if not state.is_ok]
        for where in ({"probe": [LOGIN]}, {"state": failed}):
            for row in self.store.newest("outcomes", self.names, **where):
                found[row["node"]][row["probe"]] = row
        return found

    def login(self, node: str) -> Stored | None:
        """Return how the last login to a node ended; None where it was never asked."""
        return self.failures.get(node, {}).get(LOGIN)

    def has(self, record: str) -> bool:
        """Say whether a probe in force yields such a record."""
        return record in self.store.records

    def rows(self, record: str, **where: Sequence[Any]) -> list[Stored]:
        """Return the newest rows of a record on the nodes; none where no probe in force has such a record.

        `where` keeps rows whose column has one of some values.
        """
        if record in self._by_node and not where:
            return [row for rows in self._by_node[record].values() for row in rows]
        return self.store.newest(record, self.names, **where) if self.has(record) else []

    def by_node(self, record: str, **where: Sequence[Any]) -> dict[str, list[Stored]]:
        """Return the same rows by node. Without `where` they are read once."""
        if where:
            return _by_node(self.rows(record, **where))
        if record not in self._by_node:
            self._by_node[record] = _by_node(self.store.newest(record, self.names)) if self.has(record) else {}
        return self._by_node[record]

    def one(self, record: str, node: str) -> Stored:
        """Return the only row of a record on a node; an empty mapping where there is none."""
        rows = self.by_node(record).get(node)
        return rows[0] if rows else {}

    def fresh(self, record: str, node: str) -> list[Stored]:
        """Return the rows of a record on a node that are not stale."""
        return [row for row in self.by_node(record).get(node, []) if not self.is_stale(record, row)]

    def column(self, record: str, name: str) -> Column:
        """Return a column of a record, with the thresholds that it declares."""
        if (record, name) not in self._columns:
            shape = self.store.outcomes if record == "outcomes" else self.store.records[record]
            self._columns[record, name] = next(one for one in columns(shape.record) if one.name == name)
        return self._columns[record, name]

    def age(self, row: Stored) -> float | None:
        """Return how many seconds ago a row was true; see `seconds_since`."""
        return self.seconds_since(row["at"])

    def seconds_since(self, moment: datetime) -> float | None:
        """Return the seconds since a moment; None where it lies in the future: a clock was ahead."""
        seconds: float = (self.now - moment).total_seconds()
        return round(max(0.0, seconds), 1) if seconds > -MARGIN else None

    def is_stale(self, record: str, row: Stored) -> bool:
        """Say whether a row is out of date: its probe failed since, or ran too long ago for how often it runs."""
        key = (record, row["node"], row["at"])
        if key not in self._judged:
            probe, limit = self._periods.get(record) or self._period(record)
            outcome = self.failures.get(row["node"], {}).get(probe)
            failed = outcome is not None and not State(outcome["state"]).is_ok
            age = self.age(row)
            self._judged[key] = failed or age is None or age > limit
        return self._judged[key]

    def _period(self, record: str) -> tuple[str, float]:
        """Return the probe of a record, and the age in seconds from which its rows are stale."""
        limit = max(self.stale_after, 3 * self.store.every.get(record, 0))
        self._periods[record] = (self.store.probe_of(record), limit)
        return self._periods[record]

    def login_is_stale(self, login: Stored) -> bool:
        """Say whether a node was not asked for too long. One that is out of reach is tried less often: twice the time.

        A login of a time in the future has no age, and is not stale.
        """
        age = self.age(login)
        return age is not None and age > self.stale_after * (1 if login["state"] == State.OK else 2)

    def node_name(self, host: str) -> str:
        """Return the name in the inventory of a machine that a batch system calls by its full or its short name."""
        return self._labels.get(host.lower()) or self._labels.get(host.partition(".")[0].lower()) or host

    @cached_property
    def _labels(self) -> dict[str, str]:
        """Return names, and first labels where they are unique, each with the name in the inventory."""
        labels: dict[str, str] = {}
        for node in self.all_nodes:
            label = node.name.partition(".")[0].lower()
            labels[label] = "" if label in labels else node.name
        return labels | {node.name.lower(): node.name for node in self.all_nodes}


def in_words(outcome: Stored) -> str:
    """Return how an outcome ended, in words: `refused: nothing listens on port 22`."""
    state = outcome["state"].replace("_", " ")
    return f"{state}: {outcome['reason']}" if outcome["reason"] else state


def _by_node(rows: Sequence[Stored]) -> dict[str, list[Stored]]:
    found: dict[str, list[Stored]] = {}
    for row in rows:
        found.setdefault(row["node"], []).append(row)
    return found
