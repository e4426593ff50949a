"""A store in a temporary SQLite file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from unit_rows import stored

from nicassh.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with stored(f"sqlite:///{tmp_path / 'state' / 'nicamon.db'}") as store:
        yield store
