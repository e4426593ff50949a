"""Tables, columns and values get the names by which people look for them; no row is lost.

Each step looks first whether it is still to be done: MariaDB commits at each of them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0004", "0003"
adds_only = False

TABLES = {
    "rolled": "rollup_progress",
    "kept": "retention_horizon",
    "turns": "node_locks",
    "digests": "content_hash",
    "clocks": "host_clocks",
    # Of probes: these are there once a collection has made them.
    "processes_census": "processes_visibility",
    "services_clock": "clock",
    "services_clock_intervals": "clock_intervals",
    "software_root": "software_folder",
    "software_root_intervals": "software_folder_intervals",
}
"""The former name of a table, and its name now."""
COLUMNS: dict[str, dict[str, str]] = {}
"""By the name of a table now: the former name of a column, and its name now."""
COMMENTS: dict[str, dict[str, str]] = {}
"""By the names of a table and a column now: what its comment is now."""
VALUES = (("processes", "kind", "daemon", "background"), ("processes_top", "kind", "daemon", "background"))
"""Table, column, the former value, and the value now."""


def upgrade() -> None:
    """Renames what has its former name."""
    connection = op.get_bind()
    present = set(sa.inspect(connection).get_table_names())
    for old, new in TABLES.items():
        if old in present and new not in present:
            op.rename_table(old, new)
    _rename_columns(connection)
    if connection.dialect.supports_comments:
        _comment(connection)
    present = set(sa.inspect(connection).get_table_names())
    for table, column, old, new in VALUES:
        if table in present:
            rows = sa.table(table, sa.column(column))
            op.execute(sa.update(rows).where(rows.c[column] == old).values({column: new}))


def _rename_columns(connection: sa.Connection) -> None:
    quote = connection.dialect.identifier_preparer.quote_identifier
    for table, names in COLUMNS.items():
        present = {column["name"] for column in sa.inspect(connection).get_columns(table)}
        for old, new in names.items():
            if old in present and new not in present:
                op.execute(f"ALTER TABLE {quote(table)} RENAME COLUMN {quote(old)} TO {quote(new)}")


def _comment(connection: sa.Connection) -> None:
    for table, comments in COMMENTS.items():
        present = {column["name"]: column for column in sa.inspect(connection).get_columns(table)}
        for name, comment in comments.items():
            kind, nullable = present[name]["type"], present[name]["nullable"]
            op.alter_column(table, name, comment=comment, existing_type=kind, existing_nullable=nullable)
