"""What is saved, put back or moved to another kind of database is the same to the last bit."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from servers import KINDS, Server
from unit_rows import PROBES, at, login, made, outcome

from nicassh import tasks
from nicassh.database import TEXT, connect, schema, writing
from nicassh.database.backup import backup, opened
from nicassh.database.copying import copy, filled
from nicassh.database.upgrade import FOLDER
from nicassh.model.errors import DatabaseError
from nicassh.store import Store
from nicassh.tasks import PeriodicTask, TaskList
from nicassh.tasks.model import METADATA

HORSE = "\U0001f40e"
FLOATS = (0.1, 1 / 3, -0.0, 5e-324, 1.7976931348623157e308, -1e-300)
Fresh = Callable[[str], Store]


@pytest.fixture
def fresh(tmp_path: Path, serving: Callable[[str], Server]) -> Iterator[Fresh]:
    """Makes stores in empty databases of a kind, without tables."""
    with ExitStack() as stack:

        def make(kind: str) -> Store:
            sqlite = f"sqlite:///{tmp_path}/{len(list(tmp_path.iterdir()))}.db"
            store = Store(sqlite if kind == "sqlite" else stack.enter_context(serving(kind).fresh()), PROBES)
            stack.callback(store.engine.dispose)
            return store

        yield make


def declared(store: Store) -> list[sa.MetaData]:
    return [store.metadata, METADATA]


def fill(store: Store) -> Store:
    """Rows that are hard to move: characters of 4 bytes, unknowns, floats, times, truths, a table of nobody's."""
    task_list = TaskList(store.engine)
    store.create()
    task_list.create()
    store.write([
        *(outcome(f"nc{n}", "load", at(n), made("load", load1=load)) for n, load in enumerate(FLOATS)),
        outcome("nc2", "disks", at(0), *(made("disks", mount=f"/{end}", size=2**63 - 1) for end in ("a", "A", "a "))),
        outcome("nc2", "system", at(0), made("system", boot_time=None, cpu=f"{HORSE} \\ % %s :x ' \"")),
        outcome("nc2", "processes", at(0), *(made("processes", pid=n, ordinary=n % 2 == 0) for n in range(4500))),
        login(f"{HORSE}ü", at(-1e9)),
    ])  # fmt: skip
    tasks.sync_periodic(task_list, [PeriodicTask("probe", "nc2", name, 30, 60) for name in ("load", "disks")])
    metadata = sa.MetaData()
    columns = [sa.Column("said", TEXT), sa.Column("third", sa.Double), sa.Column("fine", sa.Boolean)]
    gone = sa.Table("gone_probe", metadata, sa.Column("node", sa.String(255), primary_key=True), *columns)
    metadata.create_all(store.engine)
    with store.engine.begin() as connection:
        connection.execute(sa.insert(gone), {"node": "nc2", "said": HORSE, "third": 1 / 3, "fine": True})
    return store


def everything(store: Store) -> dict[str, list[Any]]:
    """All rows of all tables that are declared, as the program reads them."""
    with store.engine.connect() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(sa.select(table))), key=repr)
            for metadata in declared(store)
            for table in metadata.sorted_tables
        }


@pytest.mark.parametrize("second", ["sqlite", *KINDS])
@pytest.mark.parametrize("first", ["sqlite", *KINDS])
def test_from_each_kind_to_each(fresh: Fresh, first: str, second: str) -> None:
    source, target = fill(fresh(first)), fresh(second)
    heard: list[tuple[str, int]] = []
    done = copy(source.engine, target.engine, declared(source), lambda table, rows: heard.append((table, rows)))
    assert everything(target) == everything(source)
    assert {one.table: one.rows for one in done}["processes"] == 4500
    assert [rows for table, rows in heard if table == "processes"] == [2000, 4000, 4500]
    with target.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT * FROM gone_probe").all() == [("nc2", HORSE, 1 / 3, True)]
    # The numbers of tasks go on after those that came.
    task_list = TaskList(target.engine)
    wanted = [PeriodicTask("probe", "nc2", name, 30, 60) for name in ("load", "disks", "memory")]
    assert tasks.sync_periodic(task_list, wanted) == 1
    with target.engine.connect() as connection:
        ids = connection.execute(sa.select(METADATA.tables["tasks"].c.id)).scalars().all()
    assert len(set(ids)) == 3


def test_saved_while_others_write_and_put_back(database: str, fresh: Fresh, tmp_path: Path) -> None:
    store = fill(Store(database, PROBES))
    writer, stop = Store(database, PROBES), threading.Event()

    def write() -> None:
        # Each turn replaces all of a node's rows: a copy that is of no one moment would show rows of two.
        turn = 0
        while not stop.is_set():
            turn += 1
            rows = [made("processes", pid=pid, user=f"u{turn}") for pid in range(300)]
            writer.write([outcome("nc3", "processes", at(turn), *rows), login("nc3", at(turn))])

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for number in range(3):
            backup(store.engine, tmp_path / f"saved{number}", declared(store))
    finally:
        stop.set()
        thread.join()
    file = tmp_path / "saved2"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not list(tmp_path.glob("saved*.part*")) and not list(tmp_path.glob("saved*-*"))
    saved = Store(f"sqlite:///{file}", PROBES)
    rows = saved.newest("processes", ["nc3"])
    assert len({row["user"] for row in rows}) <= 1
    assert {row["at"] for row in rows} == {row["at"] for row in saved.newest("outcomes", ["nc3"], probe=["processes"])}
    again = fresh(store.engine.dialect.name.replace("mysql", "mariadb"))
    with opened(file, declared(store)) as source:
        copy(source, again.engine, declared(store))
    assert everything(again) == everything(saved)
    for one in (store, writer, saved):
        one.engine.dispose()


def test_a_file_of_an_older_program_is_brought_up_to_date_and_stays_as_it_is(
    fresh: Fresh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is saved here is older than what is wanted then: by one migration that adds a column to `node_locks`."""
    store, file = fill(fresh("sqlite")), tmp_path / "saved"
    backup(store.engine, file, declared(store))
    before = file.read_bytes()
    shutil.copytree(FOLDER, tmp_path / "migrations")
    (tmp_path / "migrations/versions/v9999.py").write_text(NEXT.replace("LAST", schema.CURRENT))
    monkeypatch.setattr("nicassh.database.upgrade.FOLDER", tmp_path / "migrations")
    monkeypatch.setattr("nicassh.database.upgrade.CURRENT", "9999")
    monkeypatch.setattr("nicassh.database.schema.CURRENT", "9999")
    store.layout.node_locks.append_column(sa.Column("since", sa.BigInteger))
    target = fresh("sqlite")
    with opened(file, declared(store)) as source:
        copy(source, target.engine, declared(store))
    with target.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT since FROM node_locks").scalars().all() == []
        assert schema.version(connection) == "9999"
    assert len(target.newest("processes", ["nc2"])) == 4500
    assert file.read_bytes() == before


NEXT = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "9999", "LAST"
adds_only = True


def upgrade():
    op.add_column("node_locks", sa.Column("since", sa.BigInteger))
"""


def test_files_that_are_none_of_ours(fresh: Fresh, tmp_path: Path) -> None:
    store = fill(fresh("sqlite"))
    for name, content in (("missing", None), ("words", b"something else" * 99), ("empty", b"")):
        file = tmp_path / name
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(DatabaseError) as caught, opened(file, declared(store)):
            pass
        assert str(file) in caught.value.what
        assert "nicamon db backup" in caught.value.hint
    file = tmp_path / "newer"
    backup(store.engine, file, declared(store))
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(f"UPDATE {schema.TABLE} SET version_num = '9999'")
        connection.commit()
    with pytest.raises(DatabaseError, match="schema 9999"), opened(file, declared(store)):
        pass


def test_a_file_that_is_there_is_not_written_over(fresh: Fresh, tmp_path: Path) -> None:
    file = tmp_path / "saved"
    file.write_text("precious")
    store = fill(fresh("sqlite"))
    with pytest.raises(DatabaseError, match="exists already"):
        backup(store.engine, file, declared(store))
    assert file.read_text() == "precious"
    with pytest.raises(DatabaseError, match="No such file"):
        backup(store.engine, tmp_path / "nowhere/saved", declared(store))


def test_rows_that_were_there_go(fresh: Fresh) -> None:
    """Also those of tables that the source has not."""
    source, target = Store(fresh("sqlite").engine.url.render_as_string(), PROBES[:1]), fill(fresh("sqlite"))
    source.create()
    TaskList(source.engine).create()
    source.write([login("nc9", at(0))])
    with target.engine.connect() as connection:
        assert "processes" in filled(connection)
    copy(source.engine, target.engine, declared(target))
    with target.engine.connect() as connection:
        assert filled(connection) == ["gone_probe", "outcomes", "outcomes_intervals", "settings"]
    source.engine.dispose()


def test_a_copy_that_another_spoils_is_found(fresh: Fresh) -> None:
    """One value of 4500 rows is another in the target."""
    source, target = fill(fresh("sqlite")), fresh("sqlite")
    target.create()
    spoiler = connect(target.engine.url.render_as_string())

    with writing(spoiler).begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER spoil AFTER INSERT ON processes WHEN NEW.pid = 7 BEGIN"
            " UPDATE processes SET user = 'other' WHERE pid = 7; END"
        )
    with pytest.raises(DatabaseError, match="processes has not arrived as it was"):
        copy(source.engine, target.engine, declared(source))
    spoiler.dispose()


def test_a_database_of_another_version_is_not_copied(fresh: Fresh) -> None:
    source, target = fresh("sqlite"), fresh("sqlite")
    source.create()
    with writing(source.engine).begin() as connection:
        connection.exec_driver_sql(f"DROP TABLE {schema.TABLE}")
    with pytest.raises(DatabaseError, match="no tables of nicamon") as caught:
        copy(source.engine, target.engine, declared(source))
    assert "nicamon db upgrade" in caught.value.hint
