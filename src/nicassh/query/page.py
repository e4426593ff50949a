"""Everything the store knows of one node, as views under each other."""

from __future__ import annotations

from nicassh.query.farm import farm
from nicassh.query.listing import listing
from nicassh.query.scene import Scene
from nicassh.query.table import View


def page(scene: Scene) -> list[View]:
    """The node's row of the farm, its outcomes, then each record; those without rows too."""
    return [farm(scene), listing(scene, "outcomes"), *(listing(scene, name) for name in scene.store.records)]
