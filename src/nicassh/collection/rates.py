"""What a probe's `advance` makes of its records and of those that are stored: rates, and what is gone.

The time between two values is the difference of the node's own uptimes, never that of two arrivals: a session may go
on for long after a value was read. Each stored row has a time of its own, for some were left unknown since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from nicassh.model.notes import Note, joined
from nicassh.model.outcome import Outcome, State, Unknown
from nicassh.model.records import Keep, Record, keys, plain
from nicassh.probes.loader import Probe
from nicassh.probes.reading import Found, fit
from nicassh.store import Store, Stored

_AGES = 8
"""Different ages of stored rows with which records are compared; each costs one call of `advance`."""


def advance(
    store: Store, probe: Probe, outcomes: Iterable[Outcome], failed: Callable[[Probe, Outcome, Exception], Outcome]
) -> list[Outcome]:
    """The outcomes with what `advance` makes of their records and those of the previous collection.

    `failed` says what becomes of an outcome that could not be compared. Raises DatabaseError.
    """
    outcomes = list(outcomes)
    before = store.before(probe.name, [outcome.node for outcome in outcomes])
    advanced = []
    for outcome in outcomes:
        told = [
            row for row in before.get(outcome.node, []) if not any(_unknown(row.record, o) for o in outcome.unknown)
        ]
        if outcome.state is State.OK and told:
            try:
                outcome = _compared(probe, outcome, told)  # noqa: PLW2901
            except Exception as error:  # noqa: BLE001 a site's probe: its trouble is an outcome, as with a parser
                outcome = failed(probe, outcome, error)  # noqa: PLW2901
        advanced.append(outcome)
    return advanced


def _compared(probe: Probe, outcome: Outcome, told: Sequence[Stored]) -> Outcome:
    by_arrival = probe.keep[probe.name] is Keep.INTERVALS
    ages = {_identity(row.record): _age(outcome, row, by_arrival) for row in told}
    found = list(fit(_advanced(probe, outcome.records, [row.record for row in told], _few(ages))))
    records = tuple(record for record in found if isinstance(record, Record))
    unknown = (*outcome.unknown, *(gap for gap in found if isinstance(gap, Unknown)))
    notes = "; ".join(filter(None, [outcome.notes, joined(one for one in found if isinstance(one, Note))]))
    return replace(outcome, records=records, unknown=unknown, notes=notes or None)


def _advanced(
    probe: Probe, now: Sequence[Record], before: Sequence[Record], ages: Mapping[Any, float]
) -> Iterable[Found]:
    """What `advance` gives; where the stored rows are of several ages, each record as its own row's age makes it."""
    assert probe.advance  # noqa: S101 the caller asked
    first, *others = sorted(set(ages.values()))
    found: list[Found] = list(probe.advance(now, before, first))
    for seconds in others:
        again = {_identity(one): one for one in probe.advance(now, before, seconds) if isinstance(one, Record)}
        for index, one in enumerate(found):
            if isinstance(one, Record) and ages.get(identity := _identity(one)) == seconds:
                found[index] = again.get(identity, one)
    return found


def _age(outcome: Outcome, row: Stored, by_arrival: bool) -> float:
    """Seconds from a stored row to this outcome by the node's own clock; 0 where they cannot be told.

    So it is when the node was booted between the two, and for a row that an older version stored. Where there is no
    uptime, which what is kept as intervals has not nor a node that cannot tell it, the time of our clock has to do.
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
    """The ages, of which only some may differ; those of the oldest rows are not known any more."""
    least = sorted(set(ages.values()))[:_AGES]
    return {identity: age if age <= least[-1] else 0.0 for identity, age in ages.items()}


def _identity(record: Record) -> tuple[Any, ...]:
    """What tells a record from all others of its node."""
    return (type(record), *(getattr(record, column.name) for column in keys(type(record))))


def _unknown(record: Record, gap: Unknown) -> bool:
    """Whether a stored record is one that the probe could not learn this time: it is neither there nor gone."""
    return isinstance(record, gap.record) and plain(record) in gap
