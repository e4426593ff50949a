"""Drift: which machines differ from the reference, in what, and since when.

The reference is the largest set of machines that are alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property

from nicassh.query.installed import EXPERIMENT, MISSING, SYSTEM, Installation, Installed, Machine
from nicassh.store import Row as Stored

_EVER = datetime.fromtimestamp(0, UTC)
_SEVERAL = 5
"""Machines of the reference whose history of kernels is read: a single one may have missed an update."""


class Drift:
    """Compares the machines of a snapshot with the largest set of them that is alike.

    It compares the packages of the experiment, system and drivers; with `everything`, all packages.
    """

    def __init__(self, installed: Installed, everything: bool = False) -> None:
        self.installed = installed
        self._items: dict[str, dict[tuple[str, bool], datetime]] = {}
        names = EXPERIMENT if not everything else installed.packages
        self.compared = list(dict.fromkeys([*SYSTEM, *EXPERIMENT, *sorted(installed.drivers), *names]))

    @cached_property
    def reference(self) -> list[Machine]:
        """Return the largest set of machines that are alike; an empty list where nothing is known of any machine."""
        sets: dict[tuple[object, ...], list[Machine]] = {}
        for machine in self.installed.machines.values():
            if machine.known:
                sets.setdefault(self.identity(machine), []).append(machine)
        # A set of which everything is known goes before one of which something is unknown.
        return max(sets.items(), key=lambda item: (None not in item[0], len(item[1])), default=((), []))[1]

    def identity(self, machine: Machine) -> tuple[object, ...]:
        """Return the values that are equal in machines that are alike."""
        return tuple(machine.value(what) for what in self.compared)

    def differs(self, machine: Machine, what: str) -> bool:
        """Say whether a machine differs from the reference in one thing. An unknown value is no difference."""
        value, reference = machine.value(what), self._reference_values.get(what)
        return value is not None and reference is not None and value != reference

    @cached_property
    def _reference_values(self) -> dict[str, object]:
        """Return the values of the reference; of what is not compared, the most frequent one."""
        found = {}
        for what in [*SYSTEM, *EXPERIMENT, *self.installed.packages]:
            values = Counter(machine.value(what) for machine in self.reference)
            found[what] = values.most_common(1)[0][0] if values else None
        return found

    def deviations(self, machine: Machine) -> list[str]:
        """Return in what a machine differs from the reference."""
        return [what for what in self.compared if self.differs(machine, what)]

    def since(self, machine: Machine) -> datetime | None:
        """Return since when a machine has differed, as far as is known; None where it does not differ."""
        times = [self._deviation_since(machine, what) for what in self.deviations(machine)]
        return min((time for time in times if time), default=None)

    def _deviation_since(self, machine: Machine, what: str) -> datetime | None:
        """Return since when one thing has differed: the later of the change of the machine and that of the others."""
        if what in SYSTEM:
            others = [time for one in self.reference[:_SEVERAL] if (time := self._system_since(one.name, what))]
            own = self._system_since(machine.name, what)
            return max(filter(None, (own, min(others, default=None))), default=None)
        here, reference = _items(machine.packages.get(what, MISSING)), self._reference_items(what)
        own = min((time for item, time in here.items() if item not in reference), default=None)
        removed = self._removed.get(machine.name, {})
        lacking = min(
            (removed.get((what, *item), time) for item, time in reference.items() if item not in here), default=None
        )
        return max(filter(None, (own, lacking)), default=None)

    def _reference_items(self, what: str) -> dict[tuple[str, bool], datetime]:
        """Return the versions of a package that the reference has, and since when its first machine has each."""
        if what not in self._items:
            found: dict[tuple[str, bool], datetime] = {}
            for machine in self.reference:
                for item, time in _items(machine.packages.get(what, MISSING)).items():
                    found[item] = min(time, found.get(item, time))
            self._items[what] = found
        return self._items[what]

    @cached_property
    def _deviating(self) -> list[str]:
        """Return the names of the machines that differ."""
        return [name for name, machine in self.installed.machines.items() if machine.known and self.deviations(machine)]

    def _package(self, node: str, name: str) -> Installation:
        return self.installed.machines[node].packages.get(name, MISSING)

    @cached_property
    def _removed(self) -> dict[str, dict[tuple[str, str, bool], datetime]]:
        """Return what the machines that differ had once, and until when: by node and package, version and default."""
        found: dict[str, dict[tuple[str, str, bool], datetime]] = {}
        missing = [
            what for what in self.compared
            if what not in SYSTEM
            and any(set(self._reference_items(what)) - set(_items(self._package(name, what)))
                    for name in self._deviating)
        ]  # fmt: skip
        for span in self._history("software", self._deviating, package=missing) if missing else ():
            if span["until"]:
                item = (span["package"], span["version"] or "?", bool(span["default"]))
                times = found.setdefault(span["node"], {})
                times[item] = max(span["until"], times.get(item, span["until"]))
        return found

    def _system_since(self, node: str, what: str) -> datetime | None:
        """Return since when a machine has had its system or kernel. A reboot begins an interval and changes neither."""
        since = None
        value = self.installed.machines[node].value(what)
        for span in self._systems.get(node, ()):
            if span[what] != value:
                break
            since = span["since"]
        return since

    @cached_property
    def _systems(self) -> dict[str, list[Stored]]:
        """Return the intervals of `system`, the last first: of machines that differ in it, and of some others."""
        names = [
            name for name in self._deviating if any(self.differs(self.installed.machines[name], w) for w in SYSTEM)
        ]
        found: dict[str, list[Stored]] = {}
        for span in self._history("system", [*names, *(one.name for one in self.reference[:_SEVERAL])]):
            found.setdefault(span["node"], []).append(span)
        return {node: sorted(spans, key=lambda span: span["since"], reverse=True) for node, spans in found.items()}

    def _history(self, record: str, nodes: Iterable[str], **where: Sequence[str]) -> list[Stored]:
        store = self.installed.snapshot.store
        return store.spans(record, nodes, _EVER, **where) if record in store.records else []


def _items(package: Installation) -> dict[tuple[str, bool], datetime]:
    """Return the versions of a package, each with whether it is the default, and since when it is so."""
    found: dict[tuple[str, bool], datetime] = {}
    for row in package.rows:
        item = (row["version"] or "?", bool(row["default"]))
        found[item] = min(row["since"], found.get(item, row["since"]))
    return found
