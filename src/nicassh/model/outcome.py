"""What a probe gave on a node at one moment: the state in which it ended, and its records.

The failure of a node is a value and never an exception, so that one dead node cannot stop the collection of a farm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from nicassh.model.records import Record


class State(StrEnum):
    """How one probe on one node ended."""

    OK = "ok"
    ABSENT = "absent"
    """The probe does not apply to this node (no GPU, no Slurm): not a failure."""
    FAILED = "failed"
    """The probe ended with an error; the reason is what it said. Of a login: the account's shell did."""
    UNREADABLE = "unreadable"
    """The probe answered, and its answer could not be understood; the text is kept."""
    TIMEOUT = "timeout"
    """A time limit ran out; the reason says in which phase."""
    TRUNCATED = "truncated"
    """The answer was cut: the connection broke, or it grew past its limit."""
    UNREACHABLE = "unreachable"
    """No way to the node: no address, no route, nobody answers."""
    REFUSED = "refused"
    """The node is there and nothing listens on the port."""
    HOST_KEY_UNKNOWN = "host_key_unknown"
    HOST_KEY_CHANGED = "host_key_changed"
    HOST_KEY_REVOKED = "host_key_revoked"
    AUTH_FAILED = "auth_failed"

    @property
    def is_ok(self) -> bool:
        """Say whether nothing is wrong. The exit code of a collection is 1 where a state is not ok."""
        return self in (State.OK, State.ABSENT)


LOGIN = "login"
"""The name of a node's own outcome, which stands beside those of its probes: could we log in and read?"""


@dataclass(frozen=True)
class Unknown:
    """Says, among the records of a probe, that some rows could not be learned this time: the store keeps those it has.

    They are the rows of the type `record` that have the values of `where`: for example the jobs of a batch system that
    is down, or the packages below a mount that hangs.
    """

    record: type[Record]
    where: tuple[tuple[str, Any], ...] = ()

    def __contains__(self, row: Mapping[str, Any]) -> bool:
        return all(row[name] == value for name, value in self.where)


@dataclass(frozen=True)
class Outcome:
    """What one probe gave on one node at one moment: records, or the reason why there are none.

    at:      when it was taken, by the clock of the monitoring host
    seconds: how long the node took for its whole answer, with all its probes; `at` may be late by as much
    uptime:  the node's own time when the probe began, in seconds since its boot; None where it is not known
    text:    output that could not be read, kept for the operator
    unknown: rows that the probe could not learn although it ran well
    notes:   which parts of its output could not be read; the other records are good
    """

    node: str
    probe: str
    at: datetime
    state: State
    reason: str = ""
    seconds: float | None = None
    records: tuple[Record, ...] = ()
    text: str = ""
    unknown: tuple[Unknown, ...] = ()
    uptime: float | None = None
    notes: str | None = None
