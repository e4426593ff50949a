"""Whose files are obeyed and run: a configuration, an inventory and probes that nobody else may write."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import forked
import pytest

import needs

PROBE = """import os, pathlib
pathlib.Path(os.environ["RAN"]).touch()
"""
WORDS = (
    ["show", "--help"], ["show", "mine", "--help"], ["show", "farm"], ["show", "mine"], ["probes"], ["nodes"],
    ["collect"], ["explain", "here"], ["history", "here", "load1"], ["tasks"], ["db", "status"],
    ["install-units", "--user", "--print"],
)  # fmt: skip


class Planted:
    """A folder with a configuration, an inventory, and a probe that leaves a mark when its Python runs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.mark = folder, folder.parent / "ran"
        (folder / "probes/mine").mkdir(parents=True)
        (folder / "probes/mine/probe.sh").write_text("echo x\n")
        (folder / "probes/mine/record.py").write_text(f'"""What mine tells."""\n{PROBE}')
        (folder / "inventory.toml").write_text('[[nodes]]\nnames = "here"\ntransport = "local"\n')
        (folder / "nicamon.toml").write_text(f'probes = ["probes"]\ndatabase = "sqlite:///{folder.parent}/x/n.db"\n')

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs nicamon in the folder, as one who has changed into it."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("NICAMON", "XDG"))}
        own = {"HOME": str(self.folder.parent), "RAN": str(self.mark)}
        return forked.run(words, {**kept, **own, **environment}, self.folder)

    def complete(self, words: str) -> str:
        count = str(len(words.split(" ")) - 1)
        return self.run(_NICAMON_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=count).stdout


@pytest.fixture
def planted(tmp_path: Path) -> Planted:
    return Planted(tmp_path / "folder")


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o775])
def test_a_configuration_in_a_folder_that_others_may_write_is_refused(planted: Planted, mode: int) -> None:
    planted.folder.chmod(mode)
    for words in WORDS:
        done = planted.run(*words)
        assert done.returncode == 2, (words, done.stderr)
        assert f"{planted.folder}/nicamon.toml is not used" in done.stderr
        assert f"{planted.folder} (mode {mode:04o})" in done.stderr and "chmod" in done.stderr
        assert f"--config {planted.folder}/nicamon.toml" in done.stderr
        assert done.stdout == ""
    assert not planted.mark.exists()
    assert not (planted.folder.parent / "x").exists()


@pytest.mark.parametrize("what", ["nicamon.toml", "above", "owner", "link"])
def test_each_place_on_the_way_counts(planted: Planted, what: str, tmp_path: Path) -> None:
    needs.root()
    if what == "nicamon.toml":
        (planted.folder / what).chmod(0o666)
    elif what == "above":
        tmp_path.chmod(0o707)
    elif what == "owner":
        os.chown(planted.folder, 4242, 0)
    else:  # a link of ours that leads to a file in a folder of others
        (tmp_path / "open").mkdir()
        (tmp_path / "open").chmod(0o777)
        (planted.folder / "nicamon.toml").rename(tmp_path / "open/real.toml")
        (planted.folder / "nicamon.toml").symlink_to("../open/real.toml")
    done = planted.run("nodes")
    assert done.returncode == 2
    assert "nicamon.toml is not used" in done.stderr and "--config" in done.stderr
    place = {"above": tmp_path, "link": tmp_path / "open", "owner": planted.folder}
    assert str(place.get(what, planted.folder / "nicamon.toml")) in done.stderr


def test_ones_own_folder_is_used(planted: Planted) -> None:
    assert planted.run("nodes", "--fold").stdout == "here\n"
    planted.run("probes")
    assert planted.mark.exists()


def test_a_named_configuration_is_taken_and_its_probes_are_looked_at(planted: Planted) -> None:
    planted.folder.chmod(0o777)
    file = planted.folder / "nicamon.toml"
    assert planted.run("--config", str(file), "nodes", "--fold").stdout == "here\n"
    assert planted.run("nodes", "--fold", NICAMON_CONFIG=str(file)).stdout == "here\n"
    done = planted.run("--config", str(file), "probes")
    assert done.returncode == 2 and f"{planted.folder}/probes is not used" in done.stderr
    assert "NICAMON_PROBES=FOLDER" in done.stderr
    assert not planted.mark.exists()
    planted.run("--config", str(file), "probes", NICAMON_PROBES=f"{planted.folder}/probes")
    assert planted.mark.exists()


@pytest.mark.parametrize("place", ["probes", "probes/mine", "probes/mine/record.py", "probes/mine/probe.sh"])
def test_every_file_of_a_probe_counts(planted: Planted, place: str) -> None:
    (planted.folder / place).chmod(0o777)
    done = planted.run("collect")
    assert done.returncode == 2 and str(planted.folder / place) in done.stderr
    assert not planted.mark.exists()


def test_an_inventory_that_others_may_write_is_refused(planted: Planted, tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (planted.folder / "inventory.toml").rename(tmp_path / "open/nodes.toml")
    (tmp_path / "open/nodes.toml").chmod(0o666)
    (planted.folder / "nicamon.toml").write_text('inventory = ["../open/nodes.toml"]\n')
    done = planted.run("nodes")
    assert done.returncode == 2 and "nodes.toml is not used" in done.stderr
    assert "NICAMON_INVENTORY=FILE" in done.stderr
    assert planted.run("nodes", "--fold", NICAMON_INVENTORY=f"{tmp_path}/open/nodes.toml").stdout == "here\n"


def test_help_and_completion_run_nothing_of_a_site(planted: Planted) -> None:
    """Not even where the folder is trusted: a look at the help, or TAB, is no order to run anything."""
    assert "What mine tells." in planted.run("show", "--help").stdout
    assert "What mine tells." in planted.run("show", "mine", "--help").stdout
    assert "mine" in planted.complete("nicamon show m")
    assert "mine" in planted.complete("nicamon collect -p m")
    for words in ("nicamon show mine --c", "nicamon history here l", "nicamon show diff R", "nicamon tasks now here m"):
        planted.complete(words)
    assert not planted.mark.exists()
    assert not (planted.folder.parent / "x").exists()
