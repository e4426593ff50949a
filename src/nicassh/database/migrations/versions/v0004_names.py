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
    "jobs": "tasks",
    "workers": "collectors",
    "classes": "task_classes",
    "finished": "finished_tasks",
    # Of probes: these are there once a collection has made them.
    "processes_census": "processes_visibility",
    "services_clock": "clock",
    "services_clock_intervals": "clock_intervals",
    "software_root": "software_folder",
    "software_root_intervals": "software_folder_intervals",
}
"""The former name of a table, and its name now."""
COLUMNS = {
    "tasks": {
        "active_key": "unique_key",
        "retrial": "failures",
        "worker": "collector",
        "again": "rerun_requested",
    },
    "collectors": {"begun": "started"},
    "task_classes": {"pass": "virtual_time", "seconds": "batch_seconds"},
    "finished_tasks": {"worker": "collector"},
}
"""By the name of a table now: the former name of a column, and its name now."""
COMMENTS = {
    "tasks": {
        "kind": "`probe`, or the name of a housekeeping task.",
        "argument": "The name of the probe.",
        "priority": "The task class: 10 critical to 50 background.",
        "every": "Its period [s]; null: it is done once, and then deleted.",
        "unique_key": "No two tasks have the same; null: it has none.",
        "next_try": "It does not run before this moment [s since 1970].",
        "failures": "How often it was put off since it last went well.",
        "collector": "The collector that holds it.",
        "token": "The claim that holds it: nobody else may complete it.",
        "lease_until": "The claim ends then unless it is renewed [s since 1970].",
        "started": "When the run began; null in a claimed task that has not begun.",
        "attempts": "Runs begun since it last went well.",
        "rerun_requested": "It was asked for once more while it ran.",
    },
    "collectors": {
        "host": "The monitoring host it runs on.",
        "pid": "Its process there, for the reader: no signal is sent to it.",
        "started": "When it registered [s since 1970].",
        "priority": "The class of the tasks that it holds; null: it is idle.",
    },
    "task_classes": {
        "virtual_time": "What it had over its share: stride scheduling.",
        "batch_seconds": "What a batch of it takes on average [s]; null before the first.",
    },
    "finished_tasks": {"number": "Tasks whose run ended in this minute."},
}
"""By the names of a table and a column now: what its comment is now."""
INDEXES = {"tasks": {"jobs_due": "tasks_due", "jobs_node": "tasks_node"}}
"""By the name of a table now: the former name of an index, and its name now."""
UNIQUE = {
    "jobs_active_key_key": "ALTER TABLE tasks RENAME CONSTRAINT jobs_active_key_key TO tasks_unique_key_key",
    "active_key": "ALTER TABLE tasks ADD UNIQUE INDEX unique_key (unique_key), DROP INDEX active_key",
}
"""The name that PostgreSQL, or MariaDB, gave the unique constraint of `tasks`, and how it gets its name of now."""
VALUES = (("processes", "kind", "daemon", "background"), ("processes_top", "kind", "daemon", "background"))
"""Table, column, the former value, and the value now."""


def upgrade() -> None:
    """Rename what has its former name."""
    connection = op.get_bind()
    present = set(sa.inspect(connection).get_table_names())
    for old, new in TABLES.items():
        if old in present and new not in present:
            op.rename_table(old, new)
    _rename_columns(connection)
    _rename_indexes(connection)
    for constraint in sa.inspect(connection).get_unique_constraints("tasks"):
        if constraint["name"] in UNIQUE:
            op.execute(UNIQUE[constraint["name"]])
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


def _rename_indexes(connection: sa.Connection) -> None:
    """Make them anew: not every kind of database, nor every version, can rename an index."""
    for table, names in INDEXES.items():
        present = {index["name"]: index["column_names"] for index in sa.inspect(connection).get_indexes(table)}
        for old, new in names.items():
            if old in present and new not in present:
                op.create_index(new, table, [str(column) for column in present[old]])
            if old in present:
                op.drop_index(old, table)


def _comment(connection: sa.Connection) -> None:
    for table, comments in COMMENTS.items():
        present = {column["name"]: column for column in sa.inspect(connection).get_columns(table)}
        for name, comment in comments.items():
            kind, nullable = present[name]["type"], present[name]["nullable"]
            op.alter_column(table, name, comment=comment, existing_type=kind, existing_nullable=nullable)
