"""A real other user looks at the SQLite database of the account that collects, as docs/access.md says."""

from __future__ import annotations

import os
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from program import Program

import needs

NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
IN_GROUP = ("setpriv", "--reuid=65534", "--regid=65534", "--groups=12345")


@pytest.fixture
def shared() -> Iterator[Program]:
    """The program with one collection, as cron makes it, in a folder that others may enter."""
    needs.root()
    with tempfile.TemporaryDirectory(prefix="nicamon-access-", dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "inventory.toml").write_text('[[nodes]]\nnames = "here"\ntransport = "local"\nrole = "batch"\n')
        (folder / "nicamon.toml").write_text(f'database = "sqlite:///{folder}/nicamon.db"\n')
        program = Program(folder / "nicamon.toml")
        program("collect", "-p", "load")
        yield program


def looks(program: Program, who: tuple[str, ...], **environment: str) -> None:
    """He sees the node in every way of looking, and leaves nothing behind."""
    folder = program.config.parent
    before = {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}
    assert "here" in program("show", "farm", inside=who, **environment).stdout
    assert program("show", "bad", "--as", "slurm", inside=who, **environment).stdout in ("", "--exclude=here\n")
    assert program("tasks", "list", inside=who, **environment).stdout == "0 tasks\n"
    assert {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == before


def test_a_reader_sees_the_database_in_every_mode(shared: Program) -> None:
    database = shared.config.parent / "nicamon.db"
    assert not database.with_name("nicamon.db-wal").exists()
    database.chmod(0o644)
    looks(shared, NOBODY)
    # While a daemon runs, its log lies beside the file, and the newest rows are in there.
    with closing(sqlite3.connect(database)) as writer:
        writer.execute("UPDATE outcomes SET reason = 'seen in the log' WHERE probe = 'login'")
        writer.commit()
        assert database.with_name("nicamon.db-wal").exists()
        looks(shared, NOBODY)
        assert "seen in the log" in shared("show", "outcomes", inside=NOBODY).stdout
        # A collector that is not root makes its log with its own group, unless the folder hands its group down.
        database.with_name("nicamon.db-wal").chmod(0o600)
        done = shared("show", "farm", inside=NOBODY, code=3)
        assert "may not read the log" in done.stderr and "chmod g+s" in done.stderr and done.stdout == ""
    backup = database.with_name("saved.db")
    shared("db", "backup", str(backup))
    backup.chmod(0o644)
    looks(shared, NOBODY, NICAMON_DATABASE=f"sqlite:///{backup}")


def test_only_those_in_the_group_are_let_in(shared: Program) -> None:
    database = shared.config.parent / "nicamon.db"
    done = shared("show", "farm", inside=NOBODY, code=3)
    assert "Permission denied" in done.stderr and "who may read the file" in done.stderr and done.stdout == ""
    os.chown(database, 0, 12345)
    database.chmod(0o640)
    looks(shared, IN_GROUP)
    shared("show", "farm", inside=NOBODY, code=3)
    assert "readonly" in shared("collect", inside=IN_GROUP, code=3).stderr
