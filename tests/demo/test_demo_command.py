"""The commands `nicamon demo up`, `status` and `down`."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

import needs
from nicassh.cli.demo import command


def test_up_status_down(tmp_path: Path) -> None:
    needs.root()
    where = ["--folder", str(tmp_path / "demo")]
    runner = CliRunner()
    try:
        done = runner.invoke(command, ["up", "--nodes", "2", *where])
        assert done.exit_code == 0, done.output
        assert f"export NICAMON_CONFIG={tmp_path}/demo/nicamon.toml" in done.stdout
        assert "nicamon procs --user strmaxim" in done.stdout
        done = runner.invoke(command, ["status", "--json", *where])
        shown = json.loads(done.stdout)
        assert shown["schema"] == "nicamon.demo/1"
        assert set(shown["rows"][0]) == {"node", "address", "port", "role", "alive"}
        assert "2 of 2 alive" in runner.invoke(command, ["status", *where]).stdout
    finally:
        done = runner.invoke(command, ["down", *where])
    assert done.exit_code == 0
    assert "no farm is up" in runner.invoke(command, ["status", *where]).stdout
    assert runner.invoke(command, ["down", *where]).exit_code == 0
