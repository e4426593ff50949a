"""A collector that has stopped, through the command line."""

from __future__ import annotations

from pathlib import Path

from program import Program


def test_no_exclude_list_from_old_values(tmp_path: Path) -> None:
    (tmp_path / "inventory.toml").write_text('[[nodes]]\nnames = "here"\ntransport = "local"\nrole = "batch"\n')
    (tmp_path / "nicamon.toml").write_text(f'database = "sqlite:///{tmp_path}/nicamon.db"\n')
    program = Program(tmp_path / "nicamon.toml")
    program("collect")
    assert program("show", "bad", "--as", "slurm").returncode == 0
    for words in (["--as", "slurm"], ["--as", "sge"], ["--as", "nica-scheduler"], [], ["--json"], ["-n", "here"]):
        done = program("show", "bad", *words, code=3, NICAMON_STALE="0.001")
        assert done.stdout == ""
        assert "nothing was collected since" in done.stderr and "is the collector running?" in done.stderr
    said = program("explain", "here", NICAMON_STALE="0.001").stdout
    assert "nothing was collected since" in said and "ssh" not in said
