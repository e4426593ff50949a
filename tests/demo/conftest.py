"""A farm for the tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import needs
from nicassh import demo
from nicassh.demo.farm import Farm


@pytest.fixture(scope="module")
def accounts() -> str:
    """The machine's accounts before a farm comes up."""
    return Path("/etc/passwd").read_text()


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory, accounts: str) -> Iterator[Farm]:
    """A rooted farm of four nodes, one per module."""
    needs.root()
    folder = tmp_path_factory.mktemp("farm") / "demo"
    yield demo.up(folder, 4)
    demo.down(folder)
