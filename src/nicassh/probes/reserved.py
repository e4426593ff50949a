"""Names that a probe, its tables and their columns cannot have, because nicamon has something of that name itself."""

from __future__ import annotations

VIEWS = frozenset(
    {
        "bad", "clocks", "collectors", "diff", "doctor", "explain", "farm", "findings", "history", "jobs",
        "keys", "login", "node", "nodes",
        "outcomes", "packages", "probes", "procs", "queues", "rows", "storage", "tasks", "top", "troubled", "users",
        "versions",
    }
)  # fmt: skip
"""Tables that people ask for, and outcomes of nicamon's own."""
TABLES = frozenset(
    {
        "collectors", "content_hash", "finished_tasks", "host_clocks", "node_locks", "outcomes", "outcomes_intervals",
        "retention_horizon", "rollup_progress", "schema_version", "settings", "task_classes", "tasks",
    }
)  # fmt: skip
"""Tables of the database that are no probe's."""
NODE = frozenset(
    {
        "activity", "address", "age", "cpu", "disk_free", "fairsoft", "kernel", "load1", "load15", "load5",
        "memory_available", "ncpu", "node", "nproc", "os", "reason", "role", "since", "state", "updated",
    }
)  # fmt: skip
"""What `show node --json` says of a node, beside the rows of each record under its name."""
NAMES = VIEWS | TABLES | NODE
PREFIXES = ("view_", "sqlite_", "pg_")
"""How names of SQL views begin, and those that databases keep to themselves."""
LONGEST = 63
"""Characters of a table's name in PostgreSQL; it cuts off what is more."""
COLUMNS = frozenset(
    {"age", "at", "availability", "collected", "node", "since", "tier", "until", "updated", "node_uptime"}
)
"""Columns that every table of a record has besides its own: in the database, in SQL views, when it is shown."""
BUCKETS = ("_n", "_sum", "_min", "_max")
"""How the columns end that a number of a series has in rows of five minutes, an hour, a day."""


def is_taken(name: str) -> bool:
    """Say whether no probe, and no table of one, can have this name."""
    return name in NAMES or name.startswith(PREFIXES) or len(name) > LONGEST
