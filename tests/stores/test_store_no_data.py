"""A database into which nothing was collected: readers say so, and neither make nor change anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from program import Program

from nicassh.database import connect

READERS = (
    ["show", "farm"], ["show", "bad"], ["show", "bad", "--as", "slurm"], ["show", "bad", "--json"], ["show", "load"],
    ["show", "node", "here"], ["show", "software"], ["show", "diff", "ROOT"], ["explain", "here"],
    ["history", "here", "load1"], ["history", "--top", "cpu"], ["procs", "--cached"], ["tasks"], ["tasks", "list"],
    ["tasks", "retry"], ["db", "stats"], ["db", "check"], ["db", "prune"], ["db", "backup", "saved.db"],
    ["db", "copy", "sqlite:///copy.db"],
)  # fmt: skip


@pytest.fixture
def here(tmp_path: Path) -> Program:
    (tmp_path / "inventory.toml").write_text('[[nodes]]\nnames = "here"\ntransport = "local"\nrole = "batch"\n')
    (tmp_path / "nicamon.toml").touch(0o600)
    return Program(tmp_path / "nicamon.toml")


def tables(url: str) -> list[str]:
    """What is in a database; of SQLite without making the file."""
    file = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite") and not file.exists():
        return []
    engine = connect(url, make=False)
    with engine.connect() as connection:
        found = sa.inspect(connection).get_table_names()
    engine.dispose()
    return sorted(found)


def test_readers_say_that_there_is_no_data_and_make_nothing(
    here: Program, database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    for words in READERS:
        done = here(*words, code=3, NICAMON_DATABASE=database)
        assert "no data collected yet" in done.stderr and "nicamon collect" in done.stderr, words
        assert done.stdout == ""
    assert tables(database) == []
    assert sorted(tmp_path.iterdir()) == before


def test_tables_without_rows_are_no_data_either(here: Program, database: str) -> None:
    here("db", "upgrade", NICAMON_DATABASE=database)
    for words in (["show", "farm"], ["show", "bad"], ["show", "bad", "--as", "sge"], ["explain", "here"]):
        done = here(*words, code=3, NICAMON_DATABASE=database)
        assert "no data collected yet" in done.stderr
        assert done.stdout == ""
    # What is to be done can be looked at before the first answer has come.
    assert here("tasks", NICAMON_DATABASE=database).stdout


def test_another_programs_database_is_left_as_it_is(here: Program, database: str) -> None:
    engine = connect(database)
    sa.Table("jobs", metadata := sa.MetaData(), sa.Column("title", sa.String(20), primary_key=True))
    metadata.create_all(engine)
    engine.dispose()
    for words in (["collect"], ["show", "farm"], ["show", "bad"], ["tasks"], ["db", "upgrade"], ["db", "stats"]):
        done = here(*words, code=3, NICAMON_DATABASE=database)
        assert "another program's: jobs" in done.stderr and "nothing was changed" in done.stderr, words
        assert done.stdout == ""
    assert tables(database) == ["jobs"]


def test_another_programs_table_of_versions_is_told_apart(here: Program, database: str) -> None:
    engine = connect(database)
    sa.Table("schema_version", metadata := sa.MetaData(), sa.Column("installed", sa.Integer, primary_key=True))
    metadata.create_all(engine)
    engine.dispose()
    for words in (["collect"], ["show", "farm"], ["db", "status"], ["db", "upgrade"]):
        assert "another program's: schema_version" in here(*words, code=3, NICAMON_DATABASE=database).stderr
    assert tables(database) == ["schema_version"]


@pytest.mark.parametrize("version", ["0000", "abc", "0001x"])
def test_a_schema_that_no_nicamon_has_made(here: Program, database: str, version: str) -> None:
    here("collect", NICAMON_DATABASE=database)
    engine = connect(database)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE schema_version SET version_num = '{version}'")
    engine.dispose()
    for words in (["collect"], ["show", "farm"], ["tasks"], ["db", "upgrade"]):
        done = here(*words, code=3, NICAMON_DATABASE=database)
        assert f"the schema '{version}'" in done.stderr and "none of nicamon's" in done.stderr
    (row,) = json.loads(here("db", "status", "--json", NICAMON_DATABASE=database).stdout)["rows"]
    assert row["state"] == "unknown"


def test_a_schema_with_former_names_is_not_read(here: Program, database: str) -> None:
    """Its tables would be taken for missing ones, and no rows for no users."""
    here("collect", NICAMON_DATABASE=database)
    engine = connect(database)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE schema_version SET version_num = '0003'")
    engine.dispose()
    for words in (["show", "farm"], ["show", "users"], ["tasks"], ["procs", "--cached"]):
        done = here(*words, code=3, NICAMON_DATABASE=database)
        assert "the schema 0003" in done.stderr and "nicamon db upgrade" in done.stderr, words
        assert done.stdout == ""
