"""Shells and trees for the tests of probes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import heads
import pytest
import shells
from shells import Shell


@pytest.fixture(params=shells.NAMES)
def shell(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Each of the shells in turn."""
    return shells.find(request.param, tmp_path_factory.getbasetemp() / "shells")


@pytest.fixture
def tree(tmp_path: Path) -> Callable[[Mapping[str, str]], str]:
    """Makes files below a folder and gives the folder, for the probes' variable `root`."""

    def make(files: Mapping[str, str]) -> str:
        for name, text in files.items():
            file = tmp_path / "root" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return str(tmp_path / "root")

    return make


@pytest.fixture
def lone(shell: Shell, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Each of the shells, on a machine without batch systems of its own."""
    return heads.alone(shell, tmp_path_factory.getbasetemp() / "alone")


@pytest.fixture
def node(tmp_path: Path) -> heads.Node:
    """Makes the files of a head below a folder and gives the folder, for the probe's variable `root`."""
    return lambda files: heads.write(tmp_path / "node", files)
