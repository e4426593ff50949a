"""What `make demo` runs: every command and table in its script is there."""

from __future__ import annotations

import re

import reading

from nicassh.app import App
from nicassh.cli import COMMANDS

DEMO = (reading.TOP / ".ci" / "demo").read_text(encoding="utf-8")


def test_its_commands_exist() -> None:
    shown = re.findall(r"^\s*show (\w+)", DEMO, re.M)
    told = re.findall(r"^  nicamon ([a-z-]+)", DEMO, re.M)
    assert len(shown) >= 5
    assert len(told) >= 5
    assert set(shown) | set(told) <= set(COMMANDS)


def test_its_tables_exist() -> None:
    (listed,) = re.findall(r"^\s*for table in ([\w -]+);", DEMO, re.M)
    told = re.findall(r"^  nicamon show ([a-z-]+)", DEMO, re.M)
    assert len(told) >= 2
    assert {*listed.split(), *told} <= set(App().tables)
