"""Connections: the three kinds of database by URL, and that they behave alike."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from refusals import end
from servers import Server

from nicassh.database import connect, translate_errors
from nicassh.model.errors import DatabaseError

COUNT = sa.text("SELECT count(*) FROM words")


@pytest.fixture
def words(database: str) -> sa.Engine:
    """A database with a table of one row."""
    engine = connect(database)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE words (word VARCHAR(9))")
        connection.exec_driver_sql("INSERT INTO words VALUES ('ok')")
    yield engine
    engine.dispose()


def test_a_server_answers_over_its_socket(server: Server) -> None:
    with server.fresh() as url:
        engine = connect(server.local(url.rpartition("/")[2]))
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT 1").scalar() == 1
        engine.dispose()


def test_a_server_has_no_rights(server: Server) -> None:
    done = subprocess.run(
        ["ps", "-o", "uid=", "-p", str(server.process.pid)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) != 0 or os.geteuid() != 0


def test_the_file_is_for_its_owner(tmp_path: Path) -> None:
    connect(f"sqlite:///{tmp_path / 'state/nicamon.db'}").dispose()
    assert stat.S_IMODE((tmp_path / "state/nicamon.db").stat().st_mode) == 0o600


@pytest.mark.parametrize("scheme", ["mariadb", "mysql", "mariadb+pymysql", "mysql+pymysql"])
def test_a_mariadb_may_be_called_mysql(serving: Callable[[str], Server], scheme: str) -> None:
    with serving("mariadb").fresh() as url:
        engine = connect(url.replace("mariadb", scheme, 1))
        sa.Table("names", metadata := sa.MetaData(), sa.Column("name", sa.String(9), primary_key=True))
        metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(sa.insert(metadata.tables["names"]), [{"name": name} for name in ("a", "A", "a ")])
        engine.dispose()


def test_rows_that_match_are_counted_also_where_nothing_changes(words: sa.Engine) -> None:
    with words.begin() as connection:
        assert connection.exec_driver_sql("UPDATE words SET word = 'ok'").rowcount == 1


def test_a_word_that_does_not_fit_is_refused_and_not_cut(server: Server) -> None:
    if server.kind == "mariadb":
        server.run("SET GLOBAL sql_mode = ''")
    with server.fresh() as url:
        engine = connect(url)
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE words (word VARCHAR(9))")
        with pytest.raises(DatabaseError, match="too long"), translate_errors(engine), engine.begin() as connection:
            connection.exec_driver_sql("INSERT INTO words VALUES ('0123456789')")
        engine.dispose()
    if server.kind == "mariadb":
        server.run("SET GLOBAL sql_mode = DEFAULT")


def test_a_transaction_sees_what_others_have_committed_meanwhile(server: Server) -> None:
    with server.fresh() as url:
        engine = connect(url)
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE words (word VARCHAR(9))")
        with engine.connect() as reader:
            assert reader.execute(COUNT).scalar() == 0
            with engine.begin() as writer:
                writer.exec_driver_sql("INSERT INTO words VALUES ('ok')")
            assert reader.execute(COUNT).scalar() == 1
        engine.dispose()


def test_a_connection_that_the_server_ended_is_made_anew(server: Server) -> None:
    with server.fresh() as url:
        engine = connect(url)
        with engine.connect() as connection:
            number = connection.exec_driver_sql(server.number).scalar()
        end(server, number)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT 1").scalar() == 1
        engine.dispose()
