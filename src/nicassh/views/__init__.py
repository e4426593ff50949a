"""Views: named tables over the newest records, for the terminal, JSON, CSV and the web alike."""

from nicassh.views import queue
from nicassh.views.checks import checks
from nicassh.views.diff import diff
from nicassh.views.directory import catalogue, hostkeys, inventory
from nicassh.views.explain import exclusion, explain
from nicassh.views.gathering import gathered
from nicassh.views.history import History, Stretch, history, stretch
from nicassh.views.listing import fields_of, listing
from nicassh.views.metric import Metric, metric, metric_names
from nicassh.views.named import NAMED, Named
from nicassh.views.page import page
from nicassh.views.procs import Wanted, cached, live
from nicassh.views.scene import Scene
from nicassh.views.schema import different, versions
from nicassh.views.sizes import sizes
from nicassh.views.software import software
from nicassh.views.spread import meant, packages, spread
from nicassh.views.table import Field, Row, View, choose, filtered, ordered
from nicassh.views.top import TOPS, top
from nicassh.views.trends import with_trends

__all__ = [
    "NAMED",
    "TOPS",
    "Field",
    "History",
    "Metric",
    "Named",
    "Row",
    "Scene",
    "Stretch",
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
    "history",
    "hostkeys",
    "inventory",
    "listing",
    "live",
    "meant",
    "metric",
    "metric_names",
    "ordered",
    "packages",
    "page",
    "queue",
    "sizes",
    "software",
    "spread",
    "stretch",
    "top",
    "versions",
    "with_trends",
]
