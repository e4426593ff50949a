"""docs/write-a-probe.md, followed to the letter in an empty folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import reading

import needs
from nicassh.model.records import as_dict, columns
from nicassh.probes import loader as probe

PAGE = reading.TOP / "docs" / "write-a-probe.md"
NAME = "threads"
SOURCES = ["loadavg", "sys/kernel/pid_max", "sys/kernel/threads-max"]


@dataclass
class Followed:
    """What came of following the page: its folder, the outputs of its commands, and the files before step 1."""

    folder: Path
    outputs: dict[str, str] = field(default_factory=dict)
    start: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Followed]:
    """Every file written and every command run, in the order of the page."""
    one = Followed(tmp_path_factory.mktemp("tutorial"))
    bin_ = one.folder.with_name("bin")
    bin_.mkdir()
    (bin_ / "nicamon").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nicassh "$@"\n')
    (bin_ / "nicamon").chmod(0o755)
    for block in reading.blocks(PAGE):
        if block.file:
            if block.file.startswith("probes/") and not one.start:
                one.start = _files(one.folder)
            _place(one.folder / block.file, block)
        elif block.kind == "sh":
            for line in block.text.splitlines():
                one.outputs[line] = _run(line, one.folder, bin_)
    yield one
    shutil.rmtree(bin_)


def _place(file: Path, block: reading.Block) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    assert file.exists() == block.adds, f"{file.name}: is it to be made or to be added to?"
    with file.open("a", encoding="utf-8") as stream:
        stream.write(block.text)


def _run(line: str, folder: Path, bin_: Path) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("NICAMON_", "XDG_"))}
    settings = {"PATH": f"{bin_}:{os.environ['PATH']}", "HOME": str(folder.parent / "home")}
    done = subprocess.run(
        ["sh", "-c", line], cwd=folder, env=clean | settings, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{line}: {done.stderr}"
    assert done.stderr == "", line
    return done.stdout


def _files(folder: Path) -> dict[str, str]:
    """Text of every file of a folder that a person wrote."""
    return {
        str(file.relative_to(folder)): file.read_text(encoding="utf-8")
        for file in sorted(folder.rglob("*"))
        if file.is_file() and "nicamon.db" not in file.name and "__pycache__" not in file.parts
    }


@pytest.fixture(scope="module")
def made(followed: Followed) -> probe.Probe:
    """The probe of the page."""
    return probe.load(followed.folder / "probes" / NAME)


def test_one_folder_and_one_line_are_all_that_was_added(followed: Followed) -> None:
    files = _files(followed.folder)
    before, after = followed.start.pop("nicamon.toml"), files.pop("nicamon.toml")
    assert after.removeprefix(before) == 'probes = ["probes"]\n'
    new = {name for name in files if name not in followed.start}
    assert new == {
        f"probes/{NAME}/{name}" for name in ("probe.sh", "record.py", "samples/debian.out", "samples/debian.json")
    }
    assert {name: files[name] for name in followed.start} == followed.start


def test_the_inventory_is_the_one_of_this_machine(followed: Followed) -> None:
    example = (reading.TOP / "inventory" / "localhost.toml").read_text(encoding="utf-8")
    assert tomllib.loads((followed.folder / "inventory.toml").read_text()) == tomllib.loads(example)


def test_the_probe_is_listed(followed: Followed) -> None:
    assert NAME in followed.outputs["nicamon probes"]


def test_json_has_the_columns_of_the_record_with_true_values(followed: Followed, made: probe.Probe) -> None:
    document = json.loads(followed.outputs[f"nicamon show {NAME} --json"])
    assert document["schema"] == f"nicamon.{NAME}/1"
    (row,) = document["rows"]
    names = [column.name for column in columns(made.records[NAME])]
    assert list(row) == ["node", *names, "updated", "age"]
    assert row["node"] == "localhost"
    limits = [int(Path(f"/proc/sys/kernel/{name}").read_text()) for name in ("pid_max", "threads-max")]
    assert row["allowed"] == min(limits)
    assert row["number"] > 0
    assert row["used_percent"] == pytest.approx(100 * row["number"] / row["allowed"], abs=0.01)
    shown = json.loads(next(b.text for b in reading.blocks(PAGE) if b.text.startswith("{")))
    assert list(shown["rows"][0]) == list(row)


def test_table_has_the_titles_of_the_record(followed: Followed, made: probe.Probe) -> None:
    head, row, *_ = followed.outputs[f"nicamon show {NAME}"].splitlines()
    titles = [column.name for column in columns(made.records[NAME])]
    assert head.split("  ")[0].strip() == "node"
    assert [title for title in titles if title not in head] == []
    assert row.startswith("localhost")
    shown = next(block.text for block in reading.blocks(PAGE) if block.text.startswith("node "))
    assert shown.split("\n")[0].split() == head.split()


def test_every_other_command_prints_what_it_should(followed: Followed) -> None:
    csv = followed.outputs[f"nicamon show {NAME} --csv"].splitlines()
    assert csv[0] == "node,number,allowed,used_percent,updated,age"
    script = followed.outputs[f"LC_ALL=C sh probes/{NAME}/probe.sh"]
    sample = (followed.folder / "probes" / NAME / "samples" / "debian.out").read_text()
    assert [[line.partition(":")[0] for line in text.splitlines()] for text in (script, sample)] == [SOURCES, SOURCES]


def test_samples_of_the_page_parse_to_their_rows(made: probe.Probe) -> None:
    samples = sorted((made.folder / "samples").glob("*.out"))
    assert samples
    for sample in samples:
        rows = [as_dict(record) for record in probe.read(made, sample.read_bytes())]
        assert rows == json.loads(sample.with_suffix(".json").read_text())


def test_the_output_on_the_page_is_the_sample(made: probe.Probe) -> None:
    sample = (made.folder / "samples" / "debian.out").read_text()
    assert sum(block.text == sample for block in reading.blocks(PAGE)) == 2


@pytest.mark.parametrize("shell", ["dash", "bash", "mksh", "busybox"])
def test_the_script_runs_under_every_shell(shell: str, made: probe.Probe, tmp_path: Path) -> None:
    if not shutil.which(shell):
        needs.missing(f"{shell} is missing")
    argv = [shell, *(["ash"] if shell == "busybox" else []), str(made.folder / "probe.sh")]
    here = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (here.returncode, here.stderr) == (0, "")
    assert [line.partition(":")[0] for line in here.stdout.splitlines()] == SOURCES
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "loadavg").write_text("0 0 0 1/2 3\n")
    for root, status in ((tmp_path, 77), ("/nowhere", 1)):
        elsewhere = subprocess.run(argv, env=os.environ | {"root": str(root)}, capture_output=True, check=False)
        assert elsewhere.returncode == status
        assert elsewhere.stderr
