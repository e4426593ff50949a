"""Drift: which machines differ from the largest set of machines that are alike, in what, and since when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property

from nicassh.query.installed import EXPERIMENT, NONE, SYSTEM, Cell, Installed, Machine
from nicassh.store import Row as Stored

_EVER = datetime.fromtimestamp(0, UTC)
_SEVERAL = 5
"""Machines of the reference whose history of kernels is read: one could have missed an update."""


class Drift:
    """The machines of a scene, compared with the largest set of them that is alike.

    Compared are the experiment's packages, system and drivers; with `everything` all packages.
    """

    def __init__(self, installed: Installed, everything: bool = False) -> None:
        self.installed = installed
        self._items: dict[str, dict[tuple[str, bool], datetime]] = {}
        names = EXPERIMENT if not everything else installed.packages
        self.compared = list(dict.fromkeys([*SYSTEM, *EXPERIMENT, *sorted(installed.drivers), *names]))

    @cached_property
    def reference(self) -> list[Machine]:
        """The largest set of machines that are alike; none where nothing is known of any."""
        sets: dict[tuple[object, ...], list[Machine]] = {}
        for machine in self.installed.machines.values():
            if machine.known:
                sets.setdefault(self.identity(machine), []).append(machine)
        # One of which all is known goes before one of which not.
        return max(sets.items(), key=lambda item: (None not in item[0], len(item[1])), default=((), []))[1]

    def identity(self, machine: Machine) -> tuple[object, ...]:
        """What makes a machine alike to others."""
        return tuple(machine.value(what) for what in self.compared)

    def differs(self, machine: Machine, what: str) -> bool:
        """Whether a machine differs from the reference in one thing that is known of both."""
        value, usual = machine.value(what), self._usual.get(what)
        return value is not None and usual is not None and value != usual

    @cached_property
    def _usual(self) -> dict[str, object]:
        """The values of the reference; of what is not compared the commonest."""
        usual = {}
        for what in [*SYSTEM, *EXPERIMENT, *self.installed.packages]:
            values = Counter(machine.value(what) for machine in self.reference)
            usual[what] = values.most_common(1)[0][0] if values else None
        return usual

    def odd(self, machine: Machine) -> list[str]:
        """In what a machine differs, of that which is compared."""
        return [what for what in self.compared if self.differs(machine, what)]

    def since(self, machine: Machine) -> datetime | None:
        """Since when a machine has differed, as far as is known; None where it does not."""
        times = [self._cell_since(machine, what) for what in self.odd(machine)]
        return min((time for time in times if time), default=None)

    def _cell_since(self, machine: Machine, what: str) -> datetime | None:
        """Since when one thing has differed: the later of the machine's own change and that of the others."""
        if what in SYSTEM:
            usual = [time for one in self.reference[:_SEVERAL] if (time := self._lasts(one.name, what))]
            own = self._lasts(machine.name, what)
            return max(filter(None, (own, min(usual, default=None))), default=None)
        here, usually = _items(machine.cells.get(what, NONE)), self._usual_items(what)
        own = min((time for item, time in here.items() if item not in usually), default=None)
        gone = self._gone.get(machine.name, {})
        lacking = min(
            (gone.get((what, *item), time) for item, time in usually.items() if item not in here), default=None
        )
        return max(filter(None, (own, lacking)), default=None)

    def _usual_items(self, what: str) -> dict[tuple[str, bool], datetime]:
        """The versions of a package that the reference has, and since when the first of it."""
        if what not in self._items:
            found: dict[tuple[str, bool], datetime] = {}
            for machine in self.reference:
                for item, time in _items(machine.cells.get(what, NONE)).items():
                    found[item] = min(time, found.get(item, time))
            self._items[what] = found
        return self._items[what]

    @cached_property
    def _strange(self) -> list[str]:
        """The names of the machines that differ."""
        return [name for name, machine in self.installed.machines.items() if machine.known and self.odd(machine)]

    @cached_property
    def _gone(self) -> dict[str, dict[tuple[str, str, bool], datetime]]:
        """What the machines that differ had once, and until when: node to package, version and default."""
        found: dict[str, dict[tuple[str, str, bool], datetime]] = {}
        missing = [
            what for what in self.compared
            if what not in SYSTEM
            and any(set(self._usual_items(what)) - set(_items(self.installed.machines[name].cells.get(what, NONE)))
                    for name in self._strange)
        ]  # fmt: skip
        for span in self._history("software", self._strange, package=missing) if missing else ():
            if span["until"]:
                item = (span["package"], span["version"] or "?", bool(span["default"]))
                times = found.setdefault(span["node"], {})
                times[item] = max(span["until"], times.get(item, span["until"]))
        return found

    def _lasts(self, node: str, what: str) -> datetime | None:
        """Since when a machine has had its system or kernel: a reboot begins an interval and changes neither."""
        since = None
        value = self.installed.machines[node].value(what)
        for span in self._systems.get(node, ()):
            if span[what] != value:
                break
            since = span["since"]
        return since

    @cached_property
    def _systems(self) -> dict[str, list[Stored]]:
        """The intervals of `system`, the last first, of the machines that differ in it and of some that do not."""
        odd = [name for name in self._strange if any(self.differs(self.installed.machines[name], w) for w in SYSTEM)]
        found: dict[str, list[Stored]] = {}
        for span in self._history("system", [*odd, *(one.name for one in self.reference[:_SEVERAL])]):
            found.setdefault(span["node"], []).append(span)
        return {node: sorted(spans, key=lambda span: span["since"], reverse=True) for node, spans in found.items()}

    def _history(self, record: str, nodes: Iterable[str], **where: Sequence[str]) -> list[Stored]:
        store = self.installed.scene.store
        return store.spans(record, nodes, _EVER, **where) if record in store.records else []


def _items(cell: Cell) -> dict[tuple[str, bool], datetime]:
    """The versions of a package, each with whether it is the default, and since when it has been so."""
    found: dict[tuple[str, bool], datetime] = {}
    for row in cell.rows:
        item = (row["version"] or "?", bool(row["default"]))
        found[item] = min(row["since"], found.get(item, row["since"]))
    return found
