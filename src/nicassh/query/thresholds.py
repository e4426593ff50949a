"""Thresholds of values that no record has, because tables compute them. Those of records stand in the record."""

from __future__ import annotations

from nicassh.model.severity import Severity
from nicassh.model.units import Number, Percent, Seconds
from nicassh.query.table import computed

LOAD_PER_CPU = computed("load_per_cpu", float, Number, "Load average over 1 minute per processor.", high=(1.5, 3.0))
CPU_PER_SLOT = computed(
    "cpu_per_slot", float, Percent, "CPU of its processes in percent of one processor, for each slot.",
    low=(40, 10),
)  # fmt: skip
DAYS_LEFT = computed("days_left", float, Number, "Days until it is full, at that rate.", low=(30, 7))
OLDEST_WAIT = computed(
    "oldest_wait", float, Seconds, "How long the first of the waiting tasks has been due.",
    high=(60.0, 300.0),
)  # fmt: skip
PROCESS_STATES = {"D": Severity.WARNING, "Z": Severity.WARNING, "T": Severity.WARNING}
"""States of a process other than those of one that works: it waits for a device, has ended, or is stopped."""


def load_severity(deviation: float | None, cpus: int | None) -> Severity:
    """Return how bad it is that the load of a batch node differs from one process for each used slot.

    It may be too high, because of a process that runs away, or too low, because jobs only wait.
    """
    if deviation is None:
        return Severity.OK
    size = abs(deviation)
    if size > max(3.0, 0.5 * (cpus or 1)):
        return Severity.CRITICAL
    return Severity.WARNING if size > max(1.5, 0.2 * (cpus or 1)) else Severity.OK
