"""The fence of a save: what a collector brings after its lease is not stored."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import sqlalchemy as sa

from nicassh import tasks
from nicassh.collection.run import Answered
from nicassh.inventory import fold
from nicassh.model.outcome import LOGIN, Outcome
from nicassh.tasks import ClaimedBatch, Task, TaskList

_LOG = logging.getLogger("nicamon")


class Fence:
    """Lets the outcomes of those tasks through that this collector still holds when they are stored.

    A collector that was stopped for a while (SIGSTOP, a paused virtual machine) takes old answers for fresh.
    `passed` are the answers with a task that is still held, once it has been asked.
    """

    def __init__(self, task_list: TaskList, answers: Sequence[Answered]) -> None:
        self._task_list, self._answers = task_list, answers
        self.passed: list[Answered] = []

    def __call__(self, connection: sa.Connection, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        held = tasks.still_held(self._task_list, connection, _claims(self._answers))
        self.passed = [
            one for one in self._answers if any((task.node, task.argument) in held for task in one.about.tasks)
        ]
        nodes = {answer.node.name for answer in self.passed}
        # A node out of reach has an outcome of every probe, though one task alone has asked it.
        away = {answer.node.name for answer in self.passed if answer.away}
        if late := sorted({answer.node.name for answer in self._answers} - nodes):
            _LOG.warning("%s: answered after their lease, not stored: they are asked again", fold(late))
        return [
            one
            for one in outcomes
            if one.node in away or (one.node, one.probe) in held or (one.probe == LOGIN and one.node in nodes)
        ]


def _claims(answers: Sequence[Answered]) -> list[tuple[ClaimedBatch, list[Task]]]:
    """The tasks that were asked, by the batch they were claimed with."""
    claims: dict[str, tuple[ClaimedBatch, list[Task]]] = {}
    for answer in answers:
        claims.setdefault(answer.about.batch.token, (answer.about.batch, []))[1].extend(answer.about.tasks)
    return list(claims.values())
