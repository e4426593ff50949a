"""What the shell offers at the TAB key: nodes, columns, users, metrics, probes. Trouble of any kind offers nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING

import click

from nicassh.cli.session import session_of

if TYPE_CHECKING:
    from nicassh.query import TableSpec

Completer = Callable[[click.Context, click.Parameter, str], list[str]]
_LAST = re.compile(r"[^,!&^\s]*$")


def _quietly(find: Callable[[click.Context, str], Iterable[str]]) -> Completer:
    """Return the completer that offers what `find` finds, if it begins as what was typed."""

    @wraps(find)
    def complete(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
        from nicassh.model.errors import NicamonError

        try:
            return [word for word in find(ctx, incomplete) if word.startswith(incomplete)]
        except NicamonError:
            return []

    return complete


def _listed(find: Callable[[click.Context, str], Iterable[str]]) -> Completer:
    """Return the completer of the last item of a list: `nc2,nc` goes on with `nc2,nc3`."""

    def complete(ctx: click.Context, incomplete: str) -> Iterable[str]:
        last = _LAST.search(incomplete)
        before = incomplete[: last.start()] if last else ""
        return [before + word for word in find(ctx, incomplete[len(before) :])]

    return _quietly(complete)


def _nodes(ctx: click.Context, beginning: str) -> Iterable[str]:
    from nicassh import inventory

    return inventory.complete(session_of(ctx).inventory, beginning)


def _users(ctx: click.Context, _beginning: str) -> Iterable[str]:
    return [row.values["user"] for row in session_of(ctx).query("users").rows]


def _columns(ctx: click.Context, beginning: str) -> Iterable[str]:
    sign = beginning[:1] if beginning[:1] in ("+", "-") else ""
    spec = _table_of(ctx)
    return [sign + field.name for field in spec.fields] if spec else []


def _sort(ctx: click.Context, beginning: str) -> Iterable[str]:
    return dict.fromkeys([*_columns(ctx, beginning), "severity"])


def _filter(ctx: click.Context, text: str) -> Iterable[str]:
    """Offer columns where one may stand, and behind a comparison the words that the column may have."""
    spec = _table_of(ctx)
    columns = {field.name: field.column for field in spec.fields} if spec else {}
    before, last = _split(text)
    words = re.findall(r"[\w-]+|[<>=!~()]+", before)
    if not words or words[-1] in ("and", "or", "not", "("):
        return [f"{before}{name}" for name in columns]
    column = columns.get(words[-2]) if len(words) > 1 and words[-1] in ("=", "!=") else None
    if column is None or (not last and not before.endswith(("=", " "))):
        return []
    return [f"{before}{word}" for word in column.choices]


def _split(text: str) -> tuple[str, str]:
    """Return a filter without its last word, and this word."""
    last = re.search(r"[\w-]*$", text)
    return (text[: last.start()], last.group()) if last else (text, "")


def _table_of(ctx: click.Context) -> TableSpec | None:
    """Return the table that a command shows."""
    path = ctx.command_path.split()[1:]
    specs = session_of(ctx).tables.values()
    return next((spec for spec in specs if [word for word in spec.words.split() if word[0] != "-"] == path), None)


def _metrics(ctx: click.Context, beginning: str) -> Iterable[str]:
    from nicassh.query.metrics import metric_names
    from nicassh.store import Store

    return metric_names(Store("sqlite://", session_of(ctx).builtin), beginning)


def _keys(ctx: click.Context, beginning: str) -> Iterable[str]:
    """Offer the keys of the metric, and behind `mount=` the values that the nodes have."""
    from nicassh.query.metrics import find_metric

    session = session_of(ctx)
    # Behind an option that has no value yet click has not told the arguments apart.
    words = [word for word in (ctx.params.get("nodes"), ctx.params.get("name")) if word] or ctx.args
    metric = find_metric(session.reader, words[-1] if words else "")
    key, sign, _ = beginning.partition("=")
    if not sign:
        return [f"{one.name}=" for one in metric.keys]
    if key not in {one.name for one in metric.keys}:
        return []
    chosen = ctx.params.get("by_option") or (words[0] if len(words) > 1 else "")
    nodes = [node.name for node in session.select(chosen)]
    return sorted({f"{key}={row[key]}" for row in session.reader.newest(metric.record, nodes)})


def _probes(ctx: click.Context, _beginning: str) -> Iterable[str]:
    from nicassh.probes import loader

    return [*loader.folders([loader.builtin()]), *session_of(ctx).listed]


complete_nodes, complete_users, complete_columns = _listed(_nodes), _listed(_users), _listed(_columns)
complete_sort = _listed(_sort)
complete_filter, complete_metrics, complete_keys = _quietly(_filter), _quietly(_metrics), _quietly(_keys)
complete_probes = _quietly(_probes)
