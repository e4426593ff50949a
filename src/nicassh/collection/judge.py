"""Judge what a node printed: the section of a probe becomes an outcome with records, or with the reason for none."""

from __future__ import annotations

import traceback
from dataclasses import replace
from pathlib import Path

from nicassh.collection.bundle import Section
from nicassh.model.notes import Note, Unreadable, joined
from nicassh.model.outcome import Outcome, State, Unknown
from nicassh.model.records import Record
from nicassh.model.text import clean
from nicassh.model.units import draw_bytes
from nicassh.probes.loader import ABSENT, Probe, read

_KEPT = 2000
"""Characters of an unreadable output that are kept for the operator."""
_REASON = 300
"""Characters of a reason."""


def to_outcome(probe: Probe, section: Section, missing: Outcome) -> Outcome:
    """Return the outcome of one section. `missing` is the outcome that the probe would have without the section."""
    said = clean(section.errors, _REASON)
    if section.timed_out:
        return replace(missing, state=State.TIMEOUT, reason=f"ran longer than its {probe.timeout} s")
    if not section.whole and len(section.output) >= probe.size - len("nicamon") * 8:
        return replace(missing, state=State.TRUNCATED, reason=f"printed more than {draw_bytes(probe.size)}")
    if not section.whole:
        lost = missing.state is not State.OK
        reason = missing.reason if lost else "its shell was killed"
        return replace(missing, state=missing.state if lost else State.TRUNCATED, reason=reason)
    if section.status == ABSENT:
        return replace(missing, state=State.ABSENT, reason=said)
    if section.status != 0:
        return replace(missing, state=State.FAILED, reason=said or f"exit status {section.status}")
    return _parsed(probe, section, missing)


def _parsed(probe: Probe, section: Section, missing: Outcome) -> Outcome:
    """Return the outcome of a complete section: its records, if they can be read."""
    try:
        found = read(probe, section.output)
    except (Exception, SystemExit) as error:  # noqa: BLE001 a parser may fail in any way; that is an outcome too
        reason, text = _in_words(probe, error), clean(section.output, _KEPT)
        return replace(missing, state=State.UNREADABLE, reason=reason, text=f"{_place(probe, error)}{text}")
    records = tuple(record for record in found if isinstance(record, Record))
    notes = joined(one for one in found if isinstance(one, Note))
    if notes and not records:
        reason = clean(f"no row could be read: {notes}", _REASON)
        return replace(missing, state=State.UNREADABLE, reason=reason, text=clean(section.output, _KEPT))
    unknown = tuple(gap for gap in found if isinstance(gap, Unknown))
    return replace(missing, state=State.OK, reason="", records=records, unknown=unknown, notes=notes)


def incomparable(probe: Probe, outcome: Outcome, error: Exception) -> Outcome:
    """Return the outcome of a probe whose `advance` raised an error."""
    reason = clean(f"it could not be compared with the time before: {_in_words(probe, error)}", _REASON)
    failed = replace(outcome, state=State.UNREADABLE, reason=reason, text=_place(probe, error))
    return replace(failed, records=(), unknown=(), notes=None)


def _in_words(probe: Probe, error: BaseException) -> str:
    """Say in plain words why an output could not be read."""
    if isinstance(error, Unreadable):
        return clean(str(error), _REASON)
    return f"the output of {probe.name} is not what its parser expects; `text` says where the parser ended"


def _place(probe: Probe, error: BaseException) -> str:
    """Say for the author of a probe in which line of its files an error arose; empty where the parser said why."""
    if isinstance(error, Unreadable):
        return ""
    steps = [step for step in traceback.extract_tb(error.__traceback__) if probe.folder in Path(step.filename).parents]
    where = f"{Path(steps[-1].filename).name} line {steps[-1].lineno}: " if steps else ""
    return clean(f"{where}{type(error).__name__}: {error}", _REASON) + " in: "
