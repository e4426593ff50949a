"""A store in an empty database of each kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from unit_rows import PROBES

from nicassh.store import Store


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    store = Store(database, PROBES)
    store.create()
    yield store
    store.engine.dispose()
