"""The pages say what the program is: generated ones have not drifted, written ones leave nothing out."""

from __future__ import annotations

import fnmatch
import os
import re
import sqlite3
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest
import reading

from nicassh.cli import COMMANDS, command
from nicassh.config.settings import SETTINGS, places
from nicassh.model.outcome import State
from nicassh.probes import loader as probe
from nicassh.query.tables.task_classes import TASK_CLASSES
from nicassh.store import Store
from nicassh.tasks import Priority
from nicassh.tasks.model import METADATA

OPERATE = reading.TOP / "docs" / "operate.md"
TASKS = reading.TOP / "docs" / "tasks.md"
README = reading.TOP / "README.md"
QUOTES = re.compile("[\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb\u00a0]")
each_page = pytest.mark.parametrize("page", reading.PAGES, ids=lambda page: page.name)


def test_generated_pages_have_not_drifted(tmp_path: Path) -> None:
    """Whoever writes them: another home, width, zone and configuration change nothing."""
    odd = {"HOME": str(tmp_path), "COLUMNS": "40", "NICAMON_CONFIG": "/nowhere.toml", "NICAMON_FANOUT": "7"}
    odd["TZ"] = "Europe/Moscow"
    done = subprocess.run(
        [sys.executable, str(reading.TOP / "docs" / "generate.py"), "--check"],
        capture_output=True, text=True, cwd=tmp_path, env=os.environ | odd, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"run `make docs`: {done.stdout}{done.stderr}"


@pytest.mark.parametrize("state", State)
def test_every_state_is_explained(state: State) -> None:
    rows = [row for row in reading.cells(OPERATE, "state") if row[0] == f"`{state}`"]
    assert len(rows) == 1
    assert rows[0][1]
    assert state.is_ok or rows[0][2]


def test_every_setting_is_in_configuration() -> None:
    page = reading.TOP / "docs" / "configuration.md"
    rows = {row[0].partition("]")[0].strip("[`"): row for row in reading.cells(page, "setting")}
    assert set(rows) == set(SETTINGS)
    for name, field in SETTINGS.items():
        assert rows[name][1] == f"`NICAMON_{name.upper()}`"
        assert field.metadata["help"] in reading.prose(page)


def test_the_places_of_a_configuration_are_the_documented_ones() -> None:
    """The page names them without looking at this user's home."""
    text = reading.prose(reading.TOP / "docs" / "configuration.md")
    named = [line.split("`")[1] for line in re.findall(r"^[345]\. .*", text, re.M)]
    assert len(named) == len(places())
    assert all(str(place).endswith(name) for place, name in zip(places(), named, strict=True))


def test_readme_names_every_command_and_no_other() -> None:
    named = [row[0].strip("`").removeprefix("nicamon ") for row in reading.cells(README, "command")]
    assert sorted(named) == sorted(COMMANDS)


def test_commands_in_examples_exist() -> None:
    """Every `nicamon …` of a shell block or a code span on all pages of today, down to the subcommand."""
    for page in (page for page in reading.PAGES if page.name not in reading.PAST):
        code = [block.text for block in reading.blocks(page) if block.kind in ("sh", "console")]
        code += re.findall(r"`([^`\n]+)`", reading.prose(page))
        for words in re.findall(r"(?<![\w./-])nicamon ([a-z][a-z-]*)(?: ([a-z]+))?", "\n".join(code)):
            _check(words, page)


def test_make_targets_in_examples_exist() -> None:
    makefile = (reading.TOP / "Makefile").read_text(encoding="utf-8")
    for page in reading.PAGES:
        for target in re.findall(r"(?:^|`|\$ )make ([a-z-]+)", page.read_text(encoding="utf-8"), re.M):
            assert re.search(rf"^{target}:", makefile, re.M), f"{page.name}: make {target}"


def _check(words: tuple[str, str], page: Path) -> None:
    context = click.Context(command)
    found = command.get_command(context, words[0])
    assert found is not None, f"{page.name}: nicamon {words[0]}"
    if isinstance(found, click.Group) and words[0] != "show" and words[1]:
        assert words[1] in found.list_commands(context), f"{page.name}: nicamon {' '.join(words)}"


@each_page
def test_relative_links_lead_somewhere(page: Path) -> None:
    for target in reading.links(page):
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{page.name}: {target}"
        assert file.is_relative_to(reading.TOP), f"{page.name}: {target}"
        assert not anchor or anchor in reading.anchors(file), f"{page.name}: {target}"


@each_page
def test_code_has_ascii_quotes(page: Path) -> None:
    for block in reading.blocks(page):
        assert QUOTES.search(block.text) is None, f"{page.name}: {block.text}"


@each_page
def test_fences_are_closed_and_the_page_is_short(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(re.findall(r"^```", text, re.M)) == 2 * len(reading.blocks(page))
    assert text.count("\n") <= 400
    assert text.endswith("\n")


def test_floors_are_those_that_are_enforced() -> None:
    document = tomllib.loads((reading.TOP / "pyproject.toml").read_text(encoding="utf-8"))
    layers = document["tool"]["importlinter"]["contracts"][0]["layers"]
    drawn = [block.text.split("\n")[:-1] for block in reading.blocks(reading.TOP / "docs" / "architecture.md")]
    assert layers in drawn


def test_sql_of_the_pages_runs_on_the_database(tmp_path: Path) -> None:
    Store(f"sqlite:///{tmp_path}/nicamon.db", probe.load_all()).create()
    queries = [block.text for page in reading.PAGES for block in reading.blocks(page) if block.kind == "sql"]
    assert queries
    with sqlite3.connect(tmp_path / "nicamon.db") as database:
        for query in queries:
            database.executescript(query)


def test_tables_of_the_database_are_explained() -> None:
    """Those of records stand on the page of the probes; `*_5m` stands for all that end so."""
    named = re.findall(r"`([\w*]+)`", "".join(row[0] for row in reading.cells(OPERATE, "table")))
    store = Store("sqlite://", probe.load_all())
    tables = {*store.metadata.tables, *METADATA.tables}
    assert [name for name in named if not fnmatch.filter(tables, name)] == []
    left = {name for name in tables if not any(fnmatch.fnmatch(name, pattern) for pattern in named)}
    assert left <= set(store.records)


def test_classes_of_the_probes_are_those_of_the_page() -> None:
    """docs/tasks.md names each probe under its class."""
    rows = {row[0]: set(re.findall(r"`(\w+)`", row[1])) for row in reading.cells(TASKS, "class")}
    assert list(rows) == [priority.word for priority in Priority]
    for one in probe.load_all():
        assert one.name in rows[one.priority]
    assert sum(map(len, rows.values())) == len(probe.load_all())


def test_the_sample_of_the_tasks_has_the_columns_of_the_table() -> None:
    (head, *_), *_ = [block.text.splitlines()[1:] for block in reading.blocks(TASKS) if "TASK-CLASSES" in block.text]
    assert re.split(r"  +", head) == [field.name for field in TASK_CLASSES if field.priority]
