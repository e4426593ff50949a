"""Compare records with those of the collection before: a probe's `advance` turns counters into rates.

The time between two values is the difference of the node's own uptimes, never that of two arrivals: a session may go
on for long after a value was read. Each row of before has a time of its own, for some were unknown since.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from nicassh.collection.judge import incomparable
from nicassh.model.notes import Note, joined
from nicassh.model.outcome import Outcome, State, Unknown
from nicassh.model.records import Keep, Record, as_dict, keys
from nicassh.probes.loader import Probe
from nicassh.probes.reading import Found, fit

_MOST_AGES = 8
"""Different ages of earlier rows with which records are compared; each costs one call of `advance`."""


class EarlierRow(Protocol):
    """A record of an earlier collection, with when it was true: by our clock, and by the node's uptime in seconds."""

    @property
    def record(self) -> Record: ...
    @property
    def at(self) -> datetime: ...
    @property
    def uptime(self) -> float | None: ...


def advance(probe: Probe, outcomes: Iterable[Outcome], earlier: Mapping[str, Sequence[EarlierRow]]) -> list[Outcome]:
    """Return the outcomes of one probe with what its `advance` makes of their records.

    `earlier` has the newest rows that are stored, by node. Where `advance` fails, the outcome is unreadable.
    """
    advanced = []
    for outcome in outcomes:
        rows = [
            row for row in earlier.get(outcome.node, [])
            if not any(_is_unknown(row.record, gap) for gap in outcome.unknown)
        ]  # fmt: skip
        if outcome.state is State.OK and rows:
            try:
                outcome = _compared(probe, outcome, rows)  # noqa: PLW2901
            except Exception as error:  # noqa: BLE001 a site's probe may fail in any way; that is an outcome too
                outcome = incomparable(probe, outcome, error)  # noqa: PLW2901
        advanced.append(outcome)
    return advanced


def _compared(probe: Probe, outcome: Outcome, rows: Sequence[EarlierRow]) -> Outcome:
    by_arrival = probe.keep[probe.name] is Keep.INTERVALS
    ages = {_identity(row.record): _age(outcome, row, by_arrival) for row in rows}
    found = list(fit(_advanced(probe, outcome.records, [row.record for row in rows], _few(ages))))
    records = tuple(record for record in found if isinstance(record, Record))
    unknown = (*outcome.unknown, *(gap for gap in found if isinstance(gap, Unknown)))
    notes = "; ".join(filter(None, [outcome.notes, joined(one for one in found if isinstance(one, Note))]))
    return replace(outcome, records=records, unknown=unknown, notes=notes or None)


def _advanced(
    probe: Probe, now: Sequence[Record], before: Sequence[Record], ages: Mapping[Any, float]
) -> Iterable[Found]:
    """Return what `advance` returns. Where the earlier rows differ in age, each record is made with its own."""
    assert probe.advance  # noqa: S101 the caller asked
    first, *others = sorted(set(ages.values()))
    found: list[Found] = list(probe.advance(now, before, first))
    for seconds in others:
        again = {_identity(one): one for one in probe.advance(now, before, seconds) if isinstance(one, Record)}
        for index, one in enumerate(found):
            if isinstance(one, Record) and ages.get(identity := _identity(one)) == seconds:
                found[index] = again.get(identity, one)
    return found


def _age(outcome: Outcome, row: EarlierRow, by_arrival: bool) -> float:
    """Return the seconds from an earlier row to this outcome by the node's own clock; 0 where they are not known.

    They are not known when the node was booted between the two, and for a row that an older version stored. Where
    there is no uptime, the time of our clock is taken: records that are kept as intervals have none, nor has a node
    that cannot tell it.
    """
    apart = max(0.0, (outcome.at - row.at).total_seconds())
    if outcome.uptime is None:
        return apart if row.uptime is None else 0.0
    if by_arrival:
        return apart if apart < outcome.uptime else 0.0
    if row.uptime is None or outcome.uptime < row.uptime:
        return 0.0
    age = outcome.uptime - row.uptime
    # After a boot the whole uptime lies between the two: far more time by our clock than by the node's.
    return age if apart - age < max(row.uptime / 2, 1) else 0.0


def _few(ages: Mapping[Any, float]) -> dict[Any, float]:
    """Return the ages with at most _MOST_AGES different values; those of the oldest rows become 0, which is unknown."""
    least = sorted(set(ages.values()))[:_MOST_AGES]
    return {identity: age if age <= least[-1] else 0.0 for identity, age in ages.items()}


def _identity(record: Record) -> tuple[Any, ...]:
    """Return what tells a record from all others of its node."""
    return (type(record), *(getattr(record, column.name) for column in keys(type(record))))


def _is_unknown(record: Record, gap: Unknown) -> bool:
    """Say whether a stored record is one that the probe could not learn this time: it may be there or gone."""
    return isinstance(record, gap.record) and as_dict(record) in gap
