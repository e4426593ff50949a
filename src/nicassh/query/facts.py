"""What the store knows of some nodes that may be wrong with them, gathered once for all."""

from __future__ import annotations

from functools import cached_property

from nicassh.inventory import Node
from nicassh.model.records import Column, columns
from nicassh.query.batch import Batch
from nicassh.query.scene import Scene
from nicassh.store import Row as Stored


class Facts:
    """The newest rows of each record by node, for the judgement of many nodes at once."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.batch = Batch(scene)
        self._grouped: dict[str, dict[str, list[Stored]]] = {}

    def of(self, node: Node, record: str) -> list[Stored]:
        """The rows of a record on a node that are no old news."""
        if record not in self._grouped:
            self._grouped[record] = self.scene.grouped(record)
        rows = self._grouped[record].get(node.name, [])
        return [row for row in rows if not self.scene.is_old(record, row)]

    def column(self, record: str, name: str) -> Column:
        """A column of a record, for the thresholds that it declares."""
        shape = self.scene.store.records[record]
        return next(column for column in columns(shape.record) if column.name == name)

    @cached_property
    def hosts(self) -> dict[str, list[Stored]]:
        """What the batch systems say of each node."""
        found: dict[str, list[Stored]] = {}
        for host in self.batch.hosts:
            found.setdefault(self.scene.known_as(host["host"]), []).append(host)
        return found

    @cached_property
    def stuck(self) -> dict[str, list[Stored]]:
        """Processes in state D or Z by node, without old news."""
        found = self.scene.grouped("processes", state=("D", "Z"))
        return {
            node: fresh for node, rows in found.items()
            if (fresh := [row for row in rows if not self.scene.is_old("processes", row)])
        }  # fmt: skip
