"""What is said where a database refuses."""

from __future__ import annotations

import traceback

import pytest
from servers import Server

from nicassh.database import connect, translate_errors
from nicassh.model.errors import DatabaseError

SECRET = "hunter2%40"  # noqa: S105 it is the one that must not be told


def refused(url: str, *statements: str) -> str:
    """The words and the hint where a database refuses statements; no traceback holds the password."""
    with pytest.raises(DatabaseError) as caught:
        engine = connect(url)
        with translate_errors(engine):
            try:
                with engine.begin() as connection:
                    for statement in statements:
                        connection.exec_driver_sql(statement)
            finally:
                engine.dispose()
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))
    return f"{caught.value.what}; {caught.value.hint}"


def end(server: Server, number: int) -> None:
    """Has the server end a connection."""
    server.run(f"KILL {number}" if server.kind == "mariadb" else f"SELECT pg_terminate_backend({number})")
