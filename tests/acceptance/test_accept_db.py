"""The database as an operator handles it: secrets, accounts with few rights, saving, putting back, moving."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from program import Program, add_probe
from servers import USER, Server

SECRET = "hunter2"  # noqa: S105 it is the one that must not be told


@pytest.fixture
def here(tmp_path: Path) -> Program:
    """This machine as a node, reached without SSH."""
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "inventory.toml").write_text('[[nodes]]\nnames = "here"\ntransport = "local"\n')
    (folder / "nicamon.toml").write_text("stale = 100\n")
    return Program(folder / "nicamon.toml")


def written(file: Path, text: str, mode: int = 0o600) -> Path:
    file.write_text(text)
    file.chmod(mode)
    return file


def client(server: Server, database: str, sql: str) -> None:
    """Runs SQL with the server's own client, as an administrator."""
    url = sa.make_url(server.url(database))
    argv = {
        "mariadb": ["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{url.port}", f"-u{url.username}", database],
        "postgresql": ["psql", "-X", "-q", "-h127.0.0.1", f"-p{url.port}", "-v", "ON_ERROR_STOP=1", database, USER],
    }[server.kind]
    program = shutil.which(argv[0], path=f"{os.environ['PATH']}:/usr/lib/postgresql/15/bin")
    assert program
    password = {"MYSQL_PWD": server.password, "PGPASSWORD": server.password}
    done = subprocess.run(
        [program, *argv[1:]], input=sql, env={**os.environ, **password}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def as_account(url: str, sql: str, name: str) -> str:
    """The URL of one of the accounts that the SQL makes."""
    line = next(line for line in sql.splitlines() if name in line and ("IDENTIFIED BY" in line or "PASSWORD '" in line))
    password = line.partition("IDENTIFIED BY '" if "IDENTIFIED" in line else "PASSWORD '")[2].partition("'")[0]
    return sa.make_url(url).set(username=name, password=password).render_as_string(hide_password=False)


def rows(here: Program, url: str, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(here(*words, "--json", NICAMON_DATABASE=url).stdout)["rows"]
    return found


def loads(here: Program, url: str) -> list[tuple[str, str, float]]:
    return [(row["node"], row["updated"], row["load1"]) for row in rows(here, url, "show", "load")]


def test_the_url_comes_from_a_file_or_from_systemd(here: Program, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/from-file.db"
    file = written(tmp_path / "url", f"{url}\n")
    here("collect", NICAMON_DATABASE_FILE=str(file))
    assert (tmp_path / "from-file.db").exists()
    written(tmp_path / "nicamon-database", url, 0o440)
    assert here("show", "load", CREDENTIALS_DIRECTORY=str(tmp_path)).stdout.count("here") == 1
    # What is said by hand wins over what the service has.
    other = f"sqlite:///{tmp_path}/other.db"
    done = here("show", "load", code=3, CREDENTIALS_DIRECTORY=str(tmp_path), NICAMON_DATABASE=other)
    assert f"no database {tmp_path}/other.db" in done.stderr


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        ("postgresql://u:hunter2@h/x", 0o640, "mode 0640 lets others read"),
        ("postgresql://u:hunter2@h/x", 0o604, "chmod 600"),
        ("postgresql://u:hunter2@h/x\nhunter2", 0o600, "several lines"),
        ("", 0o600, "empty"),
    ],
)
def test_a_file_that_is_not_for_its_owner_alone(
    here: Program, tmp_path: Path, text: str, mode: int, words: str
) -> None:
    file = written(tmp_path / "url", text, mode)
    done = here("show", "farm", code=2, NICAMON_DATABASE_FILE=str(file), NICAMON_DEBUG="1")
    assert words in done.stderr
    assert SECRET not in done.stderr + done.stdout
    assert "no such file" in here("show", "farm", code=2, NICAMON_DATABASE_FILE="nowhere").stderr.lower()


@pytest.mark.parametrize(
    "told",
    [
        'database = ["postgresql://u:hunter2@h/x"]',
        'database = "postgresql://u:hunter2@h:port/x"',
        'database = "nonsense://u:hunter2@h/x"',
        'database = "postgresql://u:hunter2@127.0.0.1:1/x?hunter2=hunter2"',
        'database = "mariadb://u:hunter2@127.0.0.1:1/x?hunter2=hunter2"',
        'database = "mariadb://u:hunter2@127.0.0.1:1/x?ssl_ca=/hunter2"',
        'database = "mariadb://u:hunter2@127.0.0.1:1/x"\ndatabase_file = "url"',
        'database = "mariadb://u:hunter2@h/x',
    ],
)
def test_no_word_of_a_wrong_url_is_told(here: Program, told: str) -> None:
    here.config.write_text(told + "\n")
    for words in (("collect",), ("show", "farm"), ("db", "status"), ("db", "backup", "x"), ("daemon", "--child")):
        done = here(*words, code=None, NICAMON_DEBUG="1")
        assert done.returncode in (2, 3), done.stderr
        assert SECRET not in done.stderr + done.stdout


def test_the_accounts_can_do_what_they_should_and_no_more(
    here: Program, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server.fresh() as admin:
        monkeypatch.setenv("NICAMON_DATABASE", admin)
        here("db", "upgrade")
        names = [f"nicamon_{role}" for role in ("collector", "reader")]
        sql = here("db", "grants").stdout
        assert server.password not in sql
        client(server, admin.rpartition("/")[2], sql)
        writes, reads = (as_account(admin, sql, name) for name in names)
        try:
            account_of_the_collector(here, writes)
            account_of_the_reader(here, reads)
            # What the administrator does, the others find.
            add_probe(here, "sheep", "echo baa", 10)
            here("db", "upgrade")
            here("collect", "--now", NICAMON_DATABASE=writes)
            assert "baa" in here("show", "sheep", NICAMON_DATABASE=reads).stdout
        finally:
            forget(server, admin.rpartition("/")[2], names)


def forget(server: Server, database: str, names: list[str]) -> None:
    """Removes the accounts; the tables go with their database."""
    if server.kind == "mariadb":
        server.run(*(f"DROP USER IF EXISTS {name}" for name in names))
        return
    roles = ", ".join([*names, "nicamon_tables"])
    client(
        server, database,
        f"RESET ROLE; SET ROLE {USER}; ALTER ROLE {USER} IN DATABASE {database} RESET role;"
        f"REASSIGN OWNED BY nicamon_tables TO {USER}; DROP OWNED BY {roles}; DROP ROLE {roles}",
    )  # fmt: skip


def account_of_the_collector(here: Program, url: str) -> None:
    """It collects, and makes the table of a new probe and the column that one has gained."""
    here("collect", NICAMON_DATABASE=url)
    add_probe(here, "horse", "echo hue", 10)
    here("collect", "--now", NICAMON_DATABASE=url)
    record = here.config.parent / "probes/horse/record.py"
    text = record.read_text().replace("Said(output.strip())", 'Said(output.strip(), "long")')
    record.write_text(text.replace("\n\n\ndef parse", '\n    tail: Text | None = column("It.")\n\n\ndef parse'))
    here("collect", "--now", NICAMON_DATABASE=url)
    assert [row["tail"] for row in rows(here, url, "show", "horse")] == ["long"]
    told = {row["check"]: row["state"] for row in rows(here, url, "doctor")}
    assert [told[name] for name in ("database", "writing", "space", "clock")] == ["ok"] * 4
    engine = sa.create_engine(url.replace("mariadb", "mariadb+pymysql").replace("postgresql", "postgresql+psycopg"))
    refused = ["CREATE USER other", "CREATE DATABASE other"]
    refused += ["DROP TABLE disks"] if engine.dialect.name != "postgresql" else []
    for statement in refused:
        with pytest.raises(sa.exc.DBAPIError), engine.begin() as connection:
            connection.exec_driver_sql(statement)
    engine.dispose()


def account_of_the_reader(here: Program, url: str) -> None:
    """It sees the farm, and whatever would write is refused with what is missing."""
    assert "here" in here("show", "farm", NICAMON_DATABASE=url).stdout
    done = here("collect", "--now", code=3, NICAMON_DATABASE=url)
    assert "lacks a right" in done.stderr or "takes no writes" in done.stderr
    told = here("doctor", "--filter", "state = critical", "--columns", "check,advice", code=1, NICAMON_DATABASE=url)
    assert [line.split()[0] for line in told.stdout.splitlines()[1:2]] == ["writing"]
    engine = sa.create_engine(url.replace("mariadb", "mariadb+pymysql").replace("postgresql", "postgresql+psycopg"))
    # Not because it was told to read only, which an account can change for itself.
    free = "SET default_transaction_read_only = off" if engine.dialect.name == "postgresql" else "SELECT 1"
    for statement in ("DELETE FROM outcomes", "CREATE TABLE mine (x INT)", "DROP TABLE disks"):
        with pytest.raises(sa.exc.DBAPIError, match=r"denied|must be owner"), engine.connect() as connection:
            connection.exec_driver_sql(free)
            connection.commit()
            connection.exec_driver_sql(statement)
    engine.dispose()


def test_over_a_socket_the_owner_is_who_asks(here: Program) -> None:
    sql = here("db", "grants", NICAMON_DATABASE="postgresql:///nicamon?host=/run/postgresql").stdout
    assert f'GRANT nicamon_tables TO "{getpass.getuser()}";' in sql


def test_sqlite_has_no_accounts(here: Program, tmp_path: Path) -> None:
    done = here("db", "grants", code=2, NICAMON_DATABASE=f"sqlite:///{tmp_path}/x.db")
    assert "SQLite has no accounts" in done.stderr
    assert "no name" in here("db", "grants", "--reader", "x'; DROP", code=2).stderr


def test_saved_put_back_and_moved(here: Program, database: str, tmp_path: Path) -> None:
    here("collect", NICAMON_DATABASE=database)
    before = loads(here, database)
    saved = tmp_path / "saved.db"
    assert "verified" in here("db", "backup", str(saved), NICAMON_DATABASE=database).stdout
    assert "exists already" in here("db", "backup", str(saved), code=3, NICAMON_DATABASE=database).stderr
    other = f"sqlite:///{tmp_path}/other.db"
    assert "copied and verified" in here("db", "restore", str(saved), NICAMON_DATABASE=other).stdout
    assert loads(here, other) == before
    done = here("db", "restore", str(saved), code=3, NICAMON_DATABASE=database)
    assert "not empty" in done.stderr and "--force" in done.stderr
    here("collect", "--now", NICAMON_DATABASE=database)
    here("db", "restore", "--force", str(saved), NICAMON_DATABASE=database)
    assert loads(here, database) == before
    here("collect", NICAMON_DATABASE=database)


def test_moved_to_a_server_and_back(here: Program, server: Server, tmp_path: Path) -> None:
    first, last = (f"sqlite:///{tmp_path}/{name}.db" for name in ("first", "last"))
    here("collect", NICAMON_DATABASE=first)
    with server.fresh() as url:
        file = written(tmp_path / "url", url)
        for words in (("--url-file", str(file)), ("--force", url)):
            done = here("db", "copy", *words, NICAMON_DATABASE=first)
            assert "copied and verified" in done.stdout
            assert server.password not in done.stdout + done.stderr
        assert "not empty" in here("db", "copy", url, code=3, NICAMON_DATABASE=first).stderr
        assert "onto itself" in here("db", "copy", "--force", url, code=2, NICAMON_DATABASE=url).stderr
        here("db", "copy", last, NICAMON_DATABASE=url)
        assert "all well" in here("db", "check", NICAMON_DATABASE=url).stdout
    assert loads(here, first) == loads(here, last) != []


def test_a_check_tells_whose_rows_there_are(here: Program, database: str) -> None:
    here("collect", NICAMON_DATABASE=database)
    (here.config.parent / "inventory.toml").write_text('[[nodes]]\nnames = "there"\ntransport = "local"\n')
    done = here("db", "check", NICAMON_DATABASE=database)
    assert "all well; not in the inventory: here" in done.stdout
    found = {row["table"]: row for row in rows(here, database, "db", "check")}
    assert found["load"]["unlisted"] == ["here"]
    assert found["load_series"]["rows"] == 1
