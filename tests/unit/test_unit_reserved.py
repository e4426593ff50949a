"""Names that are nicamon's own follow from what there is, and no probe takes one of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from unit_rows import PROBES

from nicassh.cli import command
from nicassh.database import schema
from nicassh.model.errors import ProbeError
from nicassh.probes import loader as probe
from nicassh.probes import reserved
from nicassh.query import table_specs
from nicassh.store import Store
from nicassh.tasks.model import METADATA

RECORD = '''"""What it tells."""
from dataclasses import dataclass
from nicassh.model.records import Record, column
from nicassh.model.units import Bytes, Count, Text
every, priority, timeout, keep = 60, "low", 10, "{keep}"

@dataclass(frozen=True)
class Said(Record):
    word: Text = column("Word.", key=True)
    {column}: Count | None = column("Number.")

@dataclass(frozen=True)
class {further}(Record):
    other: Text = column("Word.", key=True)
    used: Bytes | None = column("Number.")

def parse(output):
    yield Said(output)
'''


def load(top: Path, name: str = "mine", column: str = "number", further: str = "More", keep: str = "series") -> None:
    folder = top / name
    folder.mkdir(parents=True)
    (folder / "record.py").write_text(RECORD.format(column=column, further=further, keep=keep))
    (folder / "probe.sh").write_text("echo x\n")
    probe.load_all([top], PROBES)


def test_they_are_those_that_exist() -> None:
    store = Store("sqlite://", PROBES)
    own = {table for table in store.metadata.tables if not any(table.startswith(name) for name in store.records)}
    assert own | set(METADATA.tables) | {schema.TABLE} == reserved.TABLES
    assert schema.FIXED <= reserved.TABLES
    brought = {one.name for one in PROBES}
    assert {name for name in table_specs() if name.isidentifier()} - brought <= reserved.VIEWS
    assert {field.name for field in table_specs()["farm"].fields} == reserved.NODE


@pytest.mark.parametrize("name", sorted(reserved.NAMES))
def test_no_probe_has_such_a_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProbeError, match=f"{name}.* is a name of nicamon's own"):
        load(tmp_path, name)


@pytest.mark.parametrize("name", ["view_mine", "sqlite_mine", "pg_class", "a" * 64])
def test_nor_one_that_a_database_keeps(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProbeError, match="nicamon's own"):
        load(tmp_path, name)


@pytest.mark.parametrize(
    ("name", "further"), [("schema", "Version"), ("outcome", "More"), ("load", "Series"), ("disks", "Top")]
)
def test_nor_a_table_of_one(tmp_path: Path, name: str, further: str) -> None:
    if name == "outcome":
        name, further = "a" * 60, "More"
    with pytest.raises(ProbeError):
        load(tmp_path, name, further=further)


@pytest.mark.parametrize("column", sorted(reserved.COLUMNS))
def test_no_record_has_such_a_column(tmp_path: Path, column: str) -> None:
    with pytest.raises(ProbeError, match=f"Said: the names {column} are the store's own"):
        load(tmp_path, column=column)


def test_no_column_is_one_that_a_series_makes(tmp_path: Path) -> None:
    text = RECORD.replace("    {column}:", "    used: Bytes | None = column('Used.')\n    {column}:")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/probe.sh").touch()
    (tmp_path / "mine/record.py").write_text(text.format(column="used_max", further="More", keep="series"))
    with pytest.raises(ProbeError, match="the names used_max are"):
        probe.load_all([tmp_path], PROBES)


def test_ordinary_names_are_free(tmp_path: Path) -> None:
    load(tmp_path, "quotas", column="state", further="State", keep="intervals")


def test_each_schema_has_one_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inventory.toml").write_text('[[nodes]]\nnames = "here"\ntransport = "local"\nrole = "batch"\n')
    (tmp_path / "nicamon.toml").write_text(f'database = "sqlite:///{tmp_path}/n.db"\nroots = ["/nowhere"]\n')
    monkeypatch.setenv("NICAMON_CONFIG", str(tmp_path / "nicamon.toml"))
    store = Store(f"sqlite:///{tmp_path}/n.db", PROBES)
    records = [name for name in store.records if name not in table_specs()]
    shown = [
        name
        for name, one in table_specs().items()
        if one.words == f"show {name}" and name not in ("node", "diff", "versions")
    ]
    words = [
        *(["show", name] for name in dict.fromkeys([*shown, *records])),
        ["show", "node", "here"], ["show", "versions", "os"],
        ["show", "diff", "here", "there"], ["explain", "here"], ["history", "--top", "cpu"],
        ["history", "here", "load1"], ["procs", "--cached"], ["tasks"], ["tasks", "list"], ["db", "status"],
        ["db", "stats"], ["db", "check"], ["nodes"], ["probes"],
    ]  # fmt: skip
    text = (tmp_path / "inventory.toml").read_text()
    (tmp_path / "inventory.toml").write_text(text.replace('"here"', '"here,there"'))
    runner = CliRunner()
    assert runner.invoke(command, ["collect"]).exit_code == 0
    shapes: dict[str, list[str]] = {}
    for one in words:
        done = runner.invoke(command, [*one, "--json"], catch_exceptions=False)
        schema_of = json.loads(done.stdout)["schema"]
        header = runner.invoke(command, [*one, "--csv"], catch_exceptions=False).stdout.partition("\n")[0]
        assert shapes.setdefault(schema_of, [header, " ".join(one)])[0] == header, (one, shapes[schema_of][1])
    assert len(shapes) >= len(words) - 2
