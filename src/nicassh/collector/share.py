"""What a question to a node is about: the tasks of a batch that one session answers."""

from __future__ import annotations

from dataclasses import dataclass

from nicassh.tasks import ClaimedBatch, Task


@dataclass(frozen=True)
class Share:
    """Some tasks of a batch that begin together."""

    batch: ClaimedBatch
    tasks: tuple[Task, ...]
