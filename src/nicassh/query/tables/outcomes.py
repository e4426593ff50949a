"""How each probe ended on each node."""

from __future__ import annotations

from nicassh.model.records import Keep
from nicassh.query.records import record_fields, record_table, summarize
from nicassh.query.registry import TableSpec
from nicassh.store import Result

TABLE = TableSpec(
    "outcomes",
    "How each probe ended on each node, since when, and what of its output could not be read.",
    record_fields(Result, Keep.INTERVALS),
    lambda request: record_table(request.snapshot, "outcomes"),
    summarize,
)
