"""The page of the SQL views."""

from __future__ import annotations

from collections.abc import Iterator

from generator.markdown import markdown_table, named, records
from nicassh.probes import loader as probe
from nicassh.store import Store
from nicassh.store.sql_views import published


def sql() -> Iterator[str]:
    """The page of the SQL views."""
    yield "# SQL"
    yield ""
    yield "Views for Grafana, notebooks and people, the same on SQLite, MariaDB and PostgreSQL. Their names and columns"
    yield "stay; columns may be added. The tables below them may change with any version. After an upgrade of a probe,"
    yield "`nicamon db upgrade` adds its new columns to the views."
    yield ""
    yield "Times are in UTC: a text in SQLite, `DATETIME` in MariaDB, `TIMESTAMP WITH TIME ZONE` in PostgreSQL. NULL is"
    yield "unknown, never 0. Most views have these columns:"
    yield ""
    yield from markdown_table([("column", "what it is"), *((f"`{name}`", text) for name, text in _OF_VIEWS.items())])
    yield ""
    yield "A view of history also has `tier` (raw: as collected; 5m, 1h, 1d: buckets). Choose one tier: they overlap."
    yield "Each number has its mean under its own name, minimum and maximum under `NAME_min` and `NAME_max`."
    yield ""
    yield "```sql"
    yield "-- the mean load of each node by hour, from five-minute means; choose one tier, they overlap"
    yield "SELECT node, min(collected) AS hour, avg(load1) AS load1, max(load1_max) AS highest"
    yield "FROM view_history_load WHERE tier = '5m' AND at >= 1763700000 GROUP BY node, at - at % 3600;"
    yield "```"
    yield ""
    yield "An account that may only read: `nicamon db grants`. A dashboard for Grafana: [grafana/](grafana/README.md)."
    store = Store("sqlite://", probe.load_all())
    texts = {
        where: {name: f"{column.help} [{column.unit.name}]" for name, column in found.items()}
        for where, found in records().items()
    }
    for view in published(store.layout):
        yield from ("", f"## {view.name}", "", view.help, "")
        described = dict(view.described())
        ends = {name + end for name in described for end in ("_min", "_max")}
        own = {name for name, text in view.notes.items() if not text.startswith("Whether it is old:")}
        common = {*_OF_VIEWS, "tier"} - own
        left = {name: text for name, text in described.items() if name not in ends | common}
        yield from named(left, texts)
        if left:
            yield from markdown_table([("column", "what it is"), *((f"`{name}`", text) for name, text in left.items())])


_OF_VIEWS = {
    "node": "The node.",
    "collected": "When it was collected; of a bucket, when that begins.",
    "at": "The same in seconds since 1970; use it to select a range.",
    "stale": "Whether the row is out of date: collected too long ago, or its probe failed since.",
}
