"""A store, and a queue, in an empty database of each kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from queueing import Driven
from unit_rows import PROBES

from nicassh import jobs
from nicassh.db import connect
from nicassh.jobs import Claimant, Queue
from nicassh.store import Store


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    store = Store(database, PROBES)
    store.create()
    yield store
    store.engine.dispose()


@pytest.fixture
def queue(database: str) -> Iterator[Queue]:
    """An empty queue, in a time that the test drives."""
    queue = Queue(connect(database), clock=Driven())
    queue.create()
    yield queue
    queue.engine.dispose()


@pytest.fixture
def worker(queue: Queue) -> Claimant:
    """A worker that has entered the queue."""
    return jobs.enter(queue)
