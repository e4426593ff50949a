"""A job that a worker holds, and the batch it came in."""

from __future__ import annotations

from dataclasses import dataclass

PROBE = "probe"
"""The kind of the jobs that run a probe on a node; every other kind is a chore of the monitoring host."""


@dataclass(frozen=True)
class Job:
    """One claimed job. `every` is None for one that is done once; `attempts` are the runs before this claim."""

    id: int
    kind: str
    node: str
    argument: str
    priority: int
    every: int | None
    created: float
    retrial: int
    attempts: int


@dataclass(frozen=True)
class Batch:
    """Jobs of one class that were claimed together; `token` proves the claim."""

    priority: int
    token: str
    jobs: tuple[Job, ...]


@dataclass(frozen=True)
class Wanted:
    """A permanent job that ought to be in the queue: a probe on a node, or a chore of the monitoring host."""

    kind: str
    node: str
    argument: str
    priority: int
    every: int

    @property
    def key(self) -> str:
        """What makes it one of its kind."""
        return f"{self.kind} {self.node} {self.argument}"
