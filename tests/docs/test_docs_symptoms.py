"""docs/what-to-do-when.md: what it says one sees is what the program says."""

from __future__ import annotations

import re

import pytest
import reading

PAGE = reading.TOP / "docs" / "what-to-do-when.md"
WITH_NAMES = {
    "needs the openssh transport",
    "12 of 431 threads visible (hidepid)",
    "this monitoring host does not know nc13 or its probe gpus",
    "nicamon.toml is not used",
    "ssh NODE",
}
"""Words that the program makes with names and numbers, or that are no words of the program."""


def seen() -> list[str]:
    """The words in italics and in code of the first column, in parts between names that differ from case to case."""
    cells = "\n".join(row[0] for row in reading.cells(PAGE, "what you see"))
    words = [one for pair in re.findall(r"\*([^*\n]+)\*|`([^`\n]+)`", cells) for one in pair if one]
    return [part.strip() for one in words for part in re.split("…|: ", one) if part.strip()]


@pytest.fixture(scope="module")
def program() -> str:
    """All code, with texts that are written over several lines put together."""
    code = "".join(
        file.read_text(encoding="utf-8")
        for folder in ("src", "probes")
        for file in (reading.TOP / folder).rglob("*.py")
    )
    return re.sub(r'"\s*\n\s*f?"', "", code)


def test_the_program_says_what_the_page_says_one_sees(program: str) -> None:
    words = seen()
    assert len(words) > 40
    assert [one for one in words if one not in program and one not in WITH_NAMES] == []
    assert set(words) >= WITH_NAMES
