"""Connections: the three kinds of database by URL, and the servers that the tests start."""

from __future__ import annotations

import os
import subprocess

import sqlalchemy as sa
from servers import Server

from nicassh.db import connect


def test_a_fresh_database_is_empty_and_takes_a_table(database: str) -> None:
    engine = connect(database)
    assert sa.inspect(engine).get_table_names() == []
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE words (word VARCHAR(9))")
        connection.exec_driver_sql("INSERT INTO words VALUES ('ok')")
        assert connection.exec_driver_sql("SELECT word FROM words").scalar() == "ok"
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
