"""One farm with batch and storage systems for the whole run, brought up when a test first asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from program import Program

import needs
from nicassh import demo
from nicassh.demo import systems
from nicassh.demo.farm import Farm


@pytest.fixture(scope="session")
def batch_farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """A farm of 14 nodes with Grid Engine, Slurm and xrootd; a test that stops something starts it again."""
    needs.systems()
    folder = tmp_path_factory.mktemp("batch") / "demo"
    yield demo.up(folder, systems=list(systems.KNOWN))
    demo.down(folder)


@pytest.fixture
def batch_nicamon(batch_farm: Farm, tmp_path: Path) -> Program:
    """The program on that farm, with a database of the test's own."""
    config = tmp_path / "nicamon.toml"
    config.write_text(f'database = "sqlite:///{tmp_path}/nicamon.db"\ninventory = ["{batch_farm.inventory}"]\n')
    return Program(config)
