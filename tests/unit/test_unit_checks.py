"""`show outcomes` and `explain` as a person runs them: what of an answer could not be read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from unit_rows import PROBES, at, login, made, outcome

from nicassh.cli import command
from nicassh.store import Store

NOTE = "swap_used: -64 cannot be held"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "inventory.toml").write_text('[[nodes]]\nnames = "nc[2-3]"\n')
    config = tmp_path / "nicamon.toml"
    config.write_text(f'database = "sqlite:///{tmp_path}/nicamon.db"\ninventory = ["inventory.toml"]\nstale = 1e8\n')
    store = Store(f"sqlite:///{tmp_path}/nicamon.db", PROBES)
    store.create()
    store.write([login(name, at(0)) for name in ("nc2", "nc3")])
    store.write([outcome("nc2", "memory", at(0), made("memory"), notes=NOTE), outcome("nc3", "load", at(0))])
    store.engine.dispose()
    return config


def run(config: Path, *words: str) -> str:
    done = CliRunner(env={"NICAMON_CONFIG": str(config)}).invoke(command, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_show_outcomes_tells_the_notes(config: Path) -> None:
    rows = json.loads(run(config, "show", "outcomes", "--filter", "notes ~ .", "--json"))["rows"]
    assert [(row["node"], row["probe"], row["state"], row["notes"]) for row in rows] == [("nc2", "memory", "ok", NOTE)]
    assert NOTE in run(config, "show", "outcomes", "--columns", "node,probe,notes")


def test_explain_tells_the_notes(config: Path) -> None:
    rows = json.loads(run(config, "explain", "nc2", "--json"))["rows"]
    assert f"memory, a part could not be read: {NOTE}" in [row["finding"] for row in rows]
