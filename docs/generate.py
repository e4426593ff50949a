"""Writes what docs/ has from the program itself: the pages of `PAGES`, and the man pages and picture of `FILES`.

python docs/generate.py           writes them
python docs/generate.py --check   exit code 1, and the names of those that are not as they would be written
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from generator import command_pages, man, picture, probe_pages, settings_page, sql_page, table_pages

NOTE = "<!-- Written by docs/generate.py. Do not edit: run `make docs`. -->"
PAGES = {
    "probes.md": probe_pages.probes,
    "tables.md": table_pages.tables,
    "tables-more.md": table_pages.more_tables,
    "cli.md": command_pages.cli,
    "cli-look.md": command_pages.look,
    "cli-db.md": command_pages.database,
    "configuration.md": settings_page.configuration,
    "sql.md": sql_page.sql,
}
FILES = {"man/nicamon.1": man.nicamon, "man/nicamon.toml.5": man.settings, "farm.svg": picture.svg}


def main(words: list[str]) -> int:
    """Writes the pages, or checks them; the exit code."""
    folder = Path(__file__).resolve().parent
    drifted = []
    for name, text in _texts():
        file = folder / name
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            drifted.append(f"docs/{name}")
            if words != ["--check"]:
                file.parent.mkdir(exist_ok=True)
                file.write_text(text, encoding="utf-8")
    for name in drifted:
        print(f"{name}: {'not as `make docs` would write it' if words == ['--check'] else 'written'}")
    return int(words == ["--check"] and bool(drifted))


def _texts() -> Iterator[tuple[str, str]]:
    for name, lines in PAGES.items():
        yield name, "\n".join([NOTE, "", *lines()]).rstrip("\n") + "\n"
    for name, text in FILES.items():
        yield name, text()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
