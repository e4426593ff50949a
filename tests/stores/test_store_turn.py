"""Tables are made by one program at a time, and whoever waits in vain hears who has the turn."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from nicassh.database import connect, create, translate_errors
from nicassh.model.errors import DatabaseError
from nicassh.store import Store


def test_an_upgrade_waits_for_the_one_that_runs(store: Store, database: str) -> None:
    """Another has the turn and does not end: nothing is done beside it, and the words name it."""
    engine = connect(database)
    sqlite = engine.dialect.name == "sqlite"
    with engine.connect().execution_options(writes=True) as other, other.begin():
        if engine.dialect.name == "postgresql":
            other.execute(sa.select(sa.func.pg_advisory_xact_lock(0x6E696361)))
            who = f"process {other.scalar(sa.text('SELECT pg_backend_pid()'))}, nicamon@"
        elif not sqlite:
            other.execute(sa.select(sa.func.get_lock(f"nicamon {engine.url.database}", 5)))
            who = f"connection {other.scalar(sa.text('SELECT connection_id()'))}, nicamon@"
        else:
            # SQLite's own lock is the turn; the driver waits as long as its connection says.
            store.engine.dispose()
            sa.event.listen(store.engine, "connect", lambda raw, _: raw.execute("PRAGMA busy_timeout = 300"))
            who = ""
        with pytest.raises(DatabaseError) as raised, translate_errors(store.engine):
            create(store.engine, store.metadata, allow_changes=True, patience=0.3)
    if sqlite:
        assert raised.value.hint == "another program holds the database for long"
    else:
        assert "another program makes or upgrades the tables for more than 0.3 s" in raised.value.what
        assert who in raised.value.what
    engine.dispose()
    assert create(store.engine, store.metadata, allow_changes=True, patience=5) == [], "it is free again"
