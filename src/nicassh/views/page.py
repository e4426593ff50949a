"""Everything the store knows of one node, as views under each other."""

from __future__ import annotations

from datetime import datetime

from nicassh.nodes import Node
from nicassh.store import Store
from nicassh.views.farm import farm
from nicassh.views.listing import listing
from nicassh.views.table import View


def page(store: Store, node: Node, stale: float, now: datetime | None = None) -> list[View]:
    """The node's row of the farm, its outcomes, then each record; those without rows too."""
    views = [farm(store, [node], stale, now), listing(store, "outcomes", [node], stale, now)]
    return views + [listing(store, name, [node], stale, now) for name in store.records]
