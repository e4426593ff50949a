"""What may come of asking a node: the states of an outcome.

A node's failure is a value and never an exception, so that one dead node cannot stop a farm.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """How one question to one node ended."""

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
    def well(self) -> bool:
        """True where nothing is wrong: the exit code of a collection counts the others."""
        return self in (State.OK, State.ABSENT)


LOGIN = "login"
"""The name under which a node's own outcome stands beside those of its probes: could we log in and read?"""
