"""What a database refuses is told with what to do about it, and no password is."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from refusals import SECRET, end, refused
from servers import Server, started

from nicassh.database import connect, translate_errors
from nicassh.model.errors import DatabaseError


def shown(url: sa.URL) -> str:
    return url.render_as_string(hide_password=False)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense hunter2", "not a URL"),
        ("oracle9://u:hunter2@h/x", "not a URL"),
        ("postgresql://u:hunter2@h:port/x", "not a URL"),
        ("sqlite:////proc/no/nicamon.db", "/proc/no/nicamon.db"),
    ],
)
def test_a_url_that_cannot_be_opened(url: str, words: str) -> None:
    assert words in refused(url)


@pytest.mark.parametrize(
    ("url", "module", "words"),
    [
        ("mariadb://h/x", "pymysql", "driver pymysql of the setting `database` is not installed; pip install"),
        ("mysql://h/x", "pymysql", "'nicamon[mariadb]'"),
        ("postgresql://h/x", "psycopg", "'nicamon[postgresql]'"),
        ("postgresql+psycopg2://h/x", "psycopg2", "write the URL without the driver's name"),
    ],
)
def test_a_missing_driver_names_its_extra(monkeypatch: pytest.MonkeyPatch, url: str, module: str, words: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert words in refused(url)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda url: url.set(password=SECRET), "knows no such account with this password"),
        (lambda url: url._replace(password=None), "knows no such account with this password"),
        (lambda url: url.set(username="nobody", password=SECRET), "knows no such account with this password"),
        (lambda url: url.set(database="nowhere"), "make the database first"),
        (lambda url: url.set(port=1, password=SECRET), "no server answers there"),
        (lambda url: url.set(host="localhost", port=1, password=SECRET), "no server answers there"),
        (lambda url: url.set(host="no.such.host.invalid", password=SECRET), "no server answers there"),
    ],
    ids=["password", "none", "account", "database", "port", "addresses", "host"],
)
def test_a_server_that_is_not_as_the_url_says(server: Server, change: Callable[[sa.URL], sa.URL], words: str) -> None:
    said = refused(shown(change(sa.make_url(server.url()))), "SELECT 1")
    assert words in said
    assert server.password not in said
    assert said.startswith(f"{server.kind}://")
    assert "\n" not in said


def test_a_password_in_the_urls_settings_is_not_told(server: Server) -> None:
    said = refused(f"{server.kind}://127.0.0.1:{server.port}/x?user=nicamon&password=hunter2", "SELECT 1")
    assert "knows no such account" in said


def test_a_password_that_the_server_repeats_is_hidden(server: Server) -> None:
    with server.fresh() as url:
        said = refused(url, f"SELECT x{server.password} FROM nothing")
    assert "nothing" in said
    assert server.password not in said


def test_what_an_account_may_not_do(server: Server) -> None:
    name = {"mariadb": "IDENTIFIED BY", "postgresql": "PASSWORD"}[server.kind]
    server.run(f"CREATE USER reader {name} 'hunter2'")
    with server.fresh() as fresh:
        url = sa.make_url(fresh).set(username="reader", password="hunter2")  # noqa: S106
        if server.kind == "mariadb":
            server.run(f"GRANT SELECT ON {url.database}.* TO reader")
            assert "lacks a right" in refused(shown(url), "CREATE TABLE words (word INT)")
            assert "lacks a right" in refused(shown(url.set(database="mysql")), "SELECT 1")
        else:
            assert "lacks a right" in refused(shown(url), "CREATE TABLE words (word INT)")
            server.run("ALTER ROLE reader SET default_transaction_read_only = on")
            assert "takes no writes" in refused(shown(url), "CREATE TABLE words (word INT)")
    server.run("DROP USER reader")


def test_a_mariadb_that_is_set_to_read_only(serving: Callable[[str], Server]) -> None:
    server = serving("mariadb")
    server.run("CREATE USER writer IDENTIFIED BY 'hunter2'")
    with server.fresh() as url:
        writer = sa.make_url(url).set(username="writer", password="hunter2")  # noqa: S106
        server.run(f"GRANT ALL ON {writer.database}.* TO writer", "SET GLOBAL read_only = 1")
        said = refused(shown(writer), "CREATE TABLE words (word INT)")
        server.run("SET GLOBAL read_only = 0", "DROP USER writer")
    assert "takes no writes" in said


def test_a_connection_that_is_lost_in_the_middle(server: Server) -> None:
    with server.fresh() as url:
        engine = connect(url)
        with pytest.raises(DatabaseError) as caught, translate_errors(engine), engine.begin() as connection:
            end(server, connection.exec_driver_sql(server.number).scalar())
            connection.exec_driver_sql("SELECT 1")
        assert "all that was committed is there" in caught.value.hint
        engine.dispose()


@pytest.mark.parametrize("kind", ["mariadb", "postgresql"])
def test_a_server_that_ends_while_it_is_used(kind: str) -> None:
    with started(kind) as server:
        engine = connect(server.url())
        with pytest.raises(DatabaseError) as caught, translate_errors(engine), engine.begin() as connection:
            server.crash()
            connection.exec_driver_sql("SELECT 1")
        assert "all that was committed is there" in caught.value.hint
        assert "no server answers there" in refused(server.url(), "SELECT 1")
        engine.dispose()


def test_a_postgresql_database_that_is_not_in_utf8(serving: Callable[[str], Server]) -> None:
    server = serving("postgresql")
    server.run("CREATE DATABASE old ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    said = refused(server.url("old"), "SELECT 1")
    server.run("DROP DATABASE old")
    assert "is in SQL_ASCII" in said
    assert "ENCODING 'UTF8'" in said


def test_an_sqlite_file_that_is_full_read_only_or_no_database(tmp_path: Path) -> None:
    file = tmp_path / "nicamon.db"
    url = f"sqlite:///{file}"
    blob = "INSERT INTO words VALUES (zeroblob(1000000))"
    assert "free some space" in refused(url, "PRAGMA max_page_count = 10", "CREATE TABLE words (word)", blob)
    assert "cannot be written" in refused(url, "PRAGMA query_only = 1", "CREATE TABLE words (word)")
    file.write_bytes(b"something else" * 1000)
    assert "file is not a database" in refused(url, "SELECT 1")
