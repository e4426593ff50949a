"""Names that were given up are found nowhere: not in the code, not in the documentation, not in any help."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import reading

KEEP = (
    "docs/changelog.md",
    "docs/decisions.md",
    "docs/decisions-data.md",
    "docs/decisions-terminal.md",
    "docs/decisions-tests.md",
)
"""Pages that tell what was once, and may name it."""
PAST = {"samples", "versions"}
"""Folders with what other programs printed, and with migrations of the database, which never change."""


def retired() -> list[str]:
    """The expressions of all lists, without comments."""
    lists = sorted((Path(__file__).parent / "retired").glob("*.txt"))
    lines = [line.strip() for one in lists for line in one.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def texts() -> dict[str, str]:
    """All that is in the repository of code and documentation; cli.md among it is the help of every command."""
    listed = subprocess.run(
        ["git", "ls-files", "src", "docs", "probes", "README.md"],
        cwd=reading.TOP, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    files = {name: reading.TOP / name for name in listed if name not in KEEP and not set(Path(name).parts) & PAST}
    return {name: path.read_text(encoding="utf-8") for name, path in files.items() if path.is_file()}


TEXTS = texts()


@pytest.mark.parametrize("name", retired())
def test_a_retired_name_is_not_used(name: str) -> None:
    pattern = re.compile(name)
    found = [
        f"{file}:{number}: {line.strip()}"
        for file, text in TEXTS.items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []
