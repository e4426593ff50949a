"""Reading the pages: fenced blocks, the files and commands of a tutorial, links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).parents[2]
PAGES = sorted([TOP / "README.md", *(TOP / "docs").glob("*.md")])
PAST = ("changelog.md", "decisions.md", "decisions-data.md", "decisions-terminal.md", "decisions-tests.md")
"""Pages that tell what was once, and may name what is there no more."""
_BLOCK = re.compile(
    r"(?:^\*\*`(?P<file>[^`]+)`\*\*(?: \((?P<how>add)\))?\n\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.M | re.S
)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the file it stands for where a line above names one.

    `adds` is true where the text is to be added to that file.
    """

    kind: str
    text: str
    file: str | None
    adds: bool


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page in their order."""
    found = _BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(one["kind"], one["text"], one["file"], one["how"] is not None) for one in found]


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as they are made on the web: lower case, blanks as `-`, no other signs."""
    heads = re.findall(r"^#+ (.+)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def links(page: Path) -> list[str]:
    """The targets of a page's links that are relative."""
    targets = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", prose(page)))
    return [target for target in targets if "://" not in target]


def cells(page: Path, head: str) -> list[list[str]]:
    """The rows of the tables of a page whose first column is headed by `head`."""
    rows: list[list[str]] = []
    inside = False
    for line in prose(page).splitlines():
        row = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] if line.startswith("|") else []
        if inside and row and not set(line) <= set("|-"):
            rows.append(row)
        inside = bool(row) and (inside or row[0] == head)
    return rows
