"""The migrations of the fixed tables, run by Alembic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory

from nicassh.database.schema import CURRENT, TABLE
from nicassh.model.errors import DatabaseError

FOLDER = Path(__file__).parent / "migrations"


def pending(found: str) -> list[Script]:
    """Return the migrations from a version to the one wanted, in order.

    Each says as `adds_only` whether it only adds.
    """
    script = ScriptDirectory(str(FOLDER))
    return [one for one in reversed(list(script.iterate_revisions(CURRENT, found or "base"))) if one.revision != found]


def upgrade(connection: sa.Connection, found: str, allow_changes: bool = False) -> None:
    """Run the migrations that are pending, in the transaction of the connection.

    Raises DatabaseError where one of them does more than add, and nobody has asked for it.
    """
    steps = pending(found)
    if not allow_changes and not all(step.module.adds_only for step in steps):
        raise DatabaseError(
            f"the database has the schema {found}, and this nicamon wants {CURRENT}",
            "end the daemon, save it with `nicamon db backup FILE`, then run `nicamon db upgrade`",
        )
    script = ScriptDirectory(str(FOLDER))

    def to_wanted(revision: Any, _context: MigrationContext) -> Any:
        return script._upgrade_revs(CURRENT, revision)

    with EnvironmentContext(Config(), script, fn=to_wanted) as environment:
        environment.configure(connection=connection, version_table=TABLE)
        environment.run_migrations()
