"""The wheel holds all that the program needs: it runs from there as it does from a checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

TOP = Path(__file__).parents[2]


def test_program_runs_from_its_wheel(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=TOP,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    pages = {file.name: file.read_text() for file in tmp_path.glob("site/nicamon-*.data/data/share/man/man[15]/*")}
    assert pages == {file.name: file.read_text() for file in (TOP / "docs" / "man").iterdir()}
    assert len(pages) == 2
    (tmp_path / "nicamon.toml").write_text(f'database = "sqlite:///{tmp_path}/nicamon.db"\ninventory = ["here.toml"]\n')
    (tmp_path / "here.toml").write_text('[[nodes]]\nnames = "localhost"\ntransport = "local"\n')
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site"), "NICAMON_CONFIG": str(tmp_path / "nicamon.toml")}

    def run(*words: str) -> str:
        command = [sys.executable, "-m", "nicassh", *words]
        return subprocess.run(command, env=environment, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    folders = {row["folder"] for row in json.loads(run("probes", "--json"))["rows"]}
    assert all(folder.startswith(str(tmp_path / "site" / "nicassh" / "shipped_probes")) for folder in folders)
    run("collect")
    assert json.loads(run("show", "farm", "--json"))["rows"][0]["state"] == "up"
