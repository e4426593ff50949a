"""The tables of a database and those that the program wants: made, added to, and left alone with the SQL to review."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from program import Program
from unit_rows import PROBES, at, made, outcome

from nicassh.database import connect, create, differences, schema, views
from nicassh.database.upgrade import FOLDER, pending
from nicassh.model.errors import DatabaseError
from nicassh.store import Store
from nicassh.tasks.model import METADATA


def run(store: Store, *statements: str) -> None:
    with store.engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def alter(store: Store, *statements: str) -> None:
    """Changes tables; views of them would stand in the way."""
    with store.engine.begin() as connection:
        views.drop(connection, sa.inspect(connection).get_view_names())
    run(store, *statements)


def with_former_names(store: Store, *statements: str) -> None:
    """Gives tables and columns the names that they had before the last migration, then runs the statements."""
    names, quote = pending("0003")[0].module, store.engine.dialect.identifier_preparer.quote_identifier
    present = set(sa.inspect(store.engine).get_table_names())
    columns = [
        f"ALTER TABLE {quote(table)} RENAME COLUMN {quote(new)} TO {quote(old)}"
        for table, some in names.COLUMNS.items()
        for old, new in some.items()
    ]
    tables = [f"ALTER TABLE {quote(new)} RENAME TO {quote(old)}" for old, new in names.TABLES.items() if new in present]
    alter(store, *columns, *tables, *statements)


def wrong(store: Store) -> list[str]:
    with store.engine.connect() as connection:
        return [str(one) for one in differences(connection, store.metadata)]


def described(engine: sa.Engine) -> dict[str, object]:
    """Columns with types and comments, keys, indexes and what is unique, of each table there is."""
    look = sa.inspect(engine)
    return {
        name: (
            sorted((c["name"], str(c["type"]), c["nullable"], c.get("comment")) for c in look.get_columns(name)),
            look.get_pk_constraint(name)["constrained_columns"],
            sorted((i["name"], tuple(i["column_names"]), bool(i["unique"])) for i in look.get_indexes(name)),
        )
        for name in schema.FIXED
    }


def test_the_migrations_make_what_the_program_declares(database: str) -> None:
    store = Store(database, [])
    store.create()
    by_migrations = described(store.engine)
    fixed = [store.metadata.tables[name] for name in schema.FIXED & set(store.metadata.tables)]
    alter(store)
    store.metadata.drop_all(store.engine, tables=fixed)
    METADATA.drop_all(store.engine)
    store.metadata.create_all(store.engine, tables=fixed)
    METADATA.create_all(store.engine)
    assert by_migrations == described(store.engine)
    assert {*store.metadata.tables, *METADATA.tables} == schema.FIXED
    store.engine.dispose()


def test_the_last_migration_is_the_one_wanted() -> None:
    steps = pending("")
    assert [step.revision for step in steps] == sorted(step.revision for step in steps)
    assert steps[-1].revision == schema.CURRENT
    assert len(steps) == len(list((FOLDER / "versions").glob("*.py")))
    assert all(isinstance(step.module.adds_only, bool) for step in steps)


def test_a_database_from_before_there_were_versions_gets_one(store: Store) -> None:
    store.write([outcome("nc2", "load", at(0), made("load"))])
    with_former_names(store, "DROP TABLE schema_version", "DROP TABLE turns")
    store.create(allow_changes=True)
    with store.engine.connect() as connection:
        assert schema.version(connection) == schema.CURRENT
    assert wrong(store) == []
    assert len(store.newest("load", ["nc2"])) == 1


def test_a_database_of_the_first_version_gains_the_notes(store: Store) -> None:
    store.write([outcome("nc2", "load", at(0), made("load"))])
    old = ["UPDATE schema_version SET version_num = '0001'"]
    without = [f"ALTER TABLE {table} DROP COLUMN notes" for table in ("outcomes", "outcomes_intervals")]
    with_former_names(store, *without, *old)
    store.create(allow_changes=True)
    assert wrong(store) == []
    assert [row["notes"] for row in store.newest("outcomes", ["nc2"])] == [None]
    store.write([outcome("nc2", "load", at(60), made("load"), notes="pids `x` cannot be read")])
    (row,) = store.newest("outcomes", ["nc2"])
    assert (row["notes"], row["since"]) == ("pids `x` cannot be read", at(0))


def test_a_newer_schema_is_refused_and_left_alone(store: Store) -> None:
    alter(store, "UPDATE schema_version SET version_num = '9999'", "DROP TABLE disks")
    for work in (store.create, store.check_not_newer):
        with pytest.raises(DatabaseError, match="has the schema 9999") as caught:
            work()
        assert "run that one here too" in caught.value.hint
    assert not sa.inspect(store.engine).has_table("disks")


def test_a_migration_that_does_more_than_add_waits_for_somebody(store: Store) -> None:
    with_former_names(store, "UPDATE schema_version SET version_num = '0003'")
    with pytest.raises(DatabaseError) as caught:
        store.create()
    assert "nicamon db upgrade" in caught.value.hint
    assert sa.inspect(store.engine).has_table("turns")
    store.create(allow_changes=True)
    store.create()


def test_names_change_and_rows_stay(store: Store) -> None:
    store.write([outcome("nc2", "services", at(0), made("clock"))])
    store.write([outcome("nc2", "processes", at(0), made("processes", kind="daemon"), made("processes_visibility"))])
    with_former_names(store, "UPDATE schema_version SET version_num = '0003'")
    assert sa.inspect(store.engine).has_table("services_clock_intervals")
    store.create(allow_changes=True)
    assert wrong(store) == []
    assert [row["kind"] for row in store.newest("processes", ["nc2"])] == ["background"]
    assert len(store.newest("processes_visibility", ["nc2"])) == 1
    store.write([outcome("nc2", "services", at(60), made("clock"))])
    (row,) = store.newest("clock", ["nc2"])
    assert (row["since"], row["at"]) == (at(0), at(60))


def test_a_column_of_another_type_is_left_alone_and_its_sql_mends_it(store: Store) -> None:
    store.write([outcome("nc2", "load", at(0), made("load", load1=1.5))])
    name = store.engine.dialect.name
    if name == "sqlite":
        alter(store, "ALTER TABLE load DROP COLUMN load1", "ALTER TABLE load ADD COLUMN load1 TEXT")
    elif name == "postgresql":
        alter(store, "ALTER TABLE load ALTER COLUMN load1 TYPE TEXT")
    else:
        alter(store, "ALTER TABLE `load` MODIFY load1 TEXT")
    mended_by_its_sql(store, "load.load1 is TEXT, wanted: DOUBLE")
    if name != "sqlite":
        assert [row["load1"] for row in store.newest("load", ["nc2"])] == [1.5]


def test_a_column_that_may_not_be_unknown_there(store: Store) -> None:
    name = store.engine.dialect.name
    if name == "sqlite":
        alter(
            store, "ALTER TABLE load DROP COLUMN load1", "ALTER TABLE load ADD COLUMN load1 DOUBLE NOT NULL DEFAULT 0"
        )
    elif name == "postgresql":
        alter(store, "ALTER TABLE load ALTER COLUMN load1 SET NOT NULL")
    else:
        alter(store, "ALTER TABLE `load` MODIFY load1 DOUBLE NOT NULL")
    mended_by_its_sql(store, "load.load1 is DOUBLE NOT NULL, wanted: DOUBLE")


def test_a_column_that_no_probe_has_any_more(store: Store) -> None:
    alter(store, "ALTER TABLE disks ADD COLUMN colour VARCHAR(9)")
    mended_by_its_sql(store, "disks.colour is VARCHAR(9), not wanted")


def test_a_key_that_has_changed_puts_the_old_rows_aside(store: Store) -> None:
    store.write([outcome("nc2", "disks", at(0), made("disks"))])
    if store.engine.dialect.name == "sqlite":
        alter(store, "DROP TABLE disks", "CREATE TABLE disks (node VARCHAR(255) PRIMARY KEY, at BIGINT)")
        run(store, "INSERT INTO disks VALUES ('nc2', 0)")
    elif store.engine.dialect.name == "postgresql":
        alter(store, "ALTER TABLE disks DROP CONSTRAINT disks_pkey", "ALTER TABLE disks ADD PRIMARY KEY (node)")
    else:
        alter(store, "ALTER TABLE disks DROP PRIMARY KEY, ADD PRIMARY KEY (node)")
    mended_by_its_sql(store, "disks.(key) is node, wanted: node, mount")
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM disks_before").scalar() == 1
    assert store.newest("disks", ["nc2"]) == []


def mended_by_its_sql(store: Store, words: str) -> None:
    """The difference is told, stops what makes tables, and is gone once the SQL that comes with it was run."""
    with pytest.raises(DatabaseError) as caught:
        store.create()
    assert words in caught.value.what
    advice, *statements = caught.value.hint.splitlines()
    assert "nicamon db backup" in advice
    run(store, *(one for one in statements if not one.startswith("--")))
    assert wrong(store) == []
    store.create()


def test_two_programs_with_other_probes_share_a_database(database: str) -> None:
    """Tables that this program does not know are nobody's business."""
    some, others = Store(database, PROBES[:3]), Store(database, PROBES[3:])
    some.create()
    others.create()
    some.create()
    for store in (some, others):
        store.engine.dispose()


@pytest.fixture
def here(tmp_path: Path) -> Program:
    (tmp_path / "inventory.toml").write_text('[[nodes]]\nnames = "here"\ntransport = "local"\n')
    (tmp_path / "nicamon.toml").write_text("stale = 100\n")
    return Program(tmp_path / "nicamon.toml")


def test_the_commands(here: Program, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NICAMON_DATABASE", database)
    if database.startswith("sqlite"):
        Path(database.removeprefix("sqlite:///")).touch(0o600)
    empty = json.loads(here("db", "status", "--json").stdout)
    none = {"timescaledb": None, "plain": None}
    assert empty["rows"] == [{"schema": None, "wanted": schema.CURRENT, "state": "none", **none}]
    assert {row["table"] for row in empty["different"]} >= {"tasks", "load_series"}
    assert "tables made" in here("db", "upgrade").stdout
    assert json.loads(here("db", "status", "--json").stdout)["different"] == []
    engine = connect(database)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE disks ADD COLUMN colour VARCHAR(9)")
    for words in (("db", "upgrade"), ("collect",)):
        assert "DROP COLUMN" in here(*words, code=3).stderr
    (row,) = json.loads(here("db", "status", "--json").stdout)["different"]
    assert (row["table"], row["column"], row["mended"]) == ("disks", "colour", "by hand")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE schema_version SET version_num = '9999'")
    for words in (("collect",), ("show", "farm"), ("db", "upgrade"), ("tasks",)):
        assert "a newer nicamon has upgraded it" in here(*words, code=3).stderr
    assert "newer" in here("db", "status").stdout
    engine.dispose()


def test_alembic_is_not_loaded_where_nothing_is_to_be_migrated(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/nicamon.db"
    store = Store(url, PROBES)
    store.create()
    store.engine.dispose()
    code = (
        "import sys; from nicassh.probes import loader as probe; from nicassh.store import Store;"
        f"store = Store({url!r}, probe.load_all()); store.check_not_newer(); store.create();"
        "print(sorted(name for name in sys.modules if name.startswith(('alembic', 'mako'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_making_tables_twice_changes_nothing(database: str) -> None:
    engine, metadata = connect(database), sa.MetaData()
    sa.Table("words", metadata, sa.Column("word", sa.String(9), primary_key=True))
    assert [one.table for one in create(engine, metadata)] == ["words"]
    assert create(engine, metadata) == []
    engine.dispose()
