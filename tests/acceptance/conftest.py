"""The demo farm, and the program on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from program import Program

import needs
from nicassh import demo
from nicassh.demo.farm import Farm


@pytest.fixture(scope="session")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """The demo farm of 14 nodes."""
    needs.root()
    folder = tmp_path_factory.mktemp("farm") / "demo"
    with needs.machine():
        farm = demo.up(folder)
    yield farm
    with needs.machine():
        demo.down(folder)


@pytest.fixture
def nicamon(farm: Farm, tmp_path: Path) -> Program:
    """The program on that farm, with a database of the test's own."""
    config = tmp_path / "nicamon.toml"
    config.write_text(f'database = "sqlite:///{tmp_path}/nicamon.db"\ninventory = ["{farm.inventory}"]\n')
    return Program(config)
