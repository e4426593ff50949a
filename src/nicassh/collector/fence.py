"""The fence of a save: what a worker brings after its lease is not stored."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import sqlalchemy as sa

from nicassh import tasks as jobs
from nicassh.collection.run import Answered
from nicassh.inventory import fold
from nicassh.model.outcome import LOGIN, Outcome
from nicassh.tasks import Batch, Job, Queue

_LOG = logging.getLogger("nicamon")


class Fence:
    """Lets the outcomes of those jobs through that this worker still holds when they are stored.

    A worker that was stopped for a while (SIGSTOP, a paused virtual machine) takes what lay in its sockets for fresh.
    `passed` are the answers with a job that is still held, once it has been asked.
    """

    def __init__(self, queue: Queue, answers: Sequence[Answered]) -> None:
        self._queue, self._answers = queue, answers
        self.passed: list[Answered] = []

    def __call__(self, connection: sa.Connection, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        held = jobs.held(self._queue, connection, _claims(self._answers))
        self.passed = [one for one in self._answers if any((job.node, job.argument) in held for job in one.about.jobs)]
        nodes = {answer.node.name for answer in self.passed}
        # A node out of reach has an outcome of every probe, though one job alone has asked it.
        away = {answer.node.name for answer in self.passed if answer.away}
        if late := sorted({answer.node.name for answer in self._answers} - nodes):
            _LOG.warning("%s: answered after their lease, not stored: they are asked again", fold(late))
        return [
            one
            for one in outcomes
            if one.node in away or (one.node, one.probe) in held or (one.probe == LOGIN and one.node in nodes)
        ]


def _claims(answers: Sequence[Answered]) -> list[tuple[Batch, list[Job]]]:
    """The jobs that were asked, by the batch they were claimed with."""
    claims: dict[str, tuple[Batch, list[Job]]] = {}
    for answer in answers:
        claims.setdefault(answer.about.batch.token, (answer.about.batch, []))[1].extend(answer.about.jobs)
    return list(claims.values())
