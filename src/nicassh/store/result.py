"""An outcome as it is stored."""

from __future__ import annotations

from dataclasses import dataclass

from nicassh.model.outcome import State
from nicassh.model.records import Record, column
from nicassh.model.units import Seconds, Text


@dataclass(frozen=True)
class Result(Record):
    """An outcome as it is stored: kept as intervals, so each change of state has its since and until."""

    probe: Text = column("The probe, or `login` for the node itself.", key=True)
    state: Text = column("How it ended.", levels={state.value: 0 if state.is_ok else 2 for state in State})
    reason: Text = column("Why there are no records; empty where all is well.")
    seconds: Seconds | None = column("How long the node took for its whole answer.", volatile=True)
    text: Text = column("Output that could not be read.", shown=False, volatile=True)
    notes: Text | None = column("What of the output could not be read; all other rows are there.", volatile=True)
