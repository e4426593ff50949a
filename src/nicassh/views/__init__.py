"""Views: named tables over the newest records, for the terminal, JSON, CSV and the web alike."""

from nicassh.views import queue
from nicassh.views.checks import checks
from nicassh.views.diff import diff
from nicassh.views.directory import catalogue, hostkeys, inventory
from nicassh.views.explain import exclusion, explain
from nicassh.views.gathering import gathered
from nicassh.views.listing import fields_of, listing
from nicassh.views.named import NAMED, Named
from nicassh.views.page import page
from nicassh.views.procs import Wanted, cached, live
from nicassh.views.scene import Scene
from nicassh.views.schema import different, versions
from nicassh.views.sizes import sizes
from nicassh.views.software import software
from nicassh.views.spread import meant, packages, spread
from nicassh.views.table import Field, Row, View, choose, filtered, ordered

__all__ = [
    "NAMED",
    "Field",
    "Named",
    "Row",
    "Scene",
    "View",
    "Wanted",
    "cached",
    "catalogue",
    "checks",
    "choose",
    "diff",
    "different",
    "exclusion",
    "explain",
    "fields_of",
    "filtered",
    "gathered",
    "hostkeys",
    "inventory",
    "listing",
    "live",
    "meant",
    "ordered",
    "packages",
    "page",
    "queue",
    "sizes",
    "software",
    "spread",
    "versions",
]
