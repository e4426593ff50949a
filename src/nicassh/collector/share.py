"""What a question to a node is about: the jobs of a batch that one session answers."""

from __future__ import annotations

from dataclasses import dataclass

from nicassh.tasks import Batch, Job


@dataclass(frozen=True)
class Share:
    """Some jobs of a batch that begin together."""

    batch: Batch
    jobs: tuple[Job, ...]
