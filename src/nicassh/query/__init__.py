"""Views: named tables over the newest records, for the terminal, JSON, CSV and the web alike."""

from nicassh.query import tasks
from nicassh.query.checks import checks
from nicassh.query.diff import diff
from nicassh.query.directory import catalogue, hostkeys, inventory
from nicassh.query.explain import exclusion, explain
from nicassh.query.gathering import gathered
from nicassh.query.history import History, Stretch, history, stretch
from nicassh.query.listing import fields_of, listing
from nicassh.query.metric import Metric, metric, metric_names
from nicassh.query.named import NAMED, Named
from nicassh.query.page import page
from nicassh.query.procs import Wanted, cached, live
from nicassh.query.scene import Scene
from nicassh.query.schema import different, versions
from nicassh.query.sizes import sizes
from nicassh.query.software import software
from nicassh.query.spread import meant, packages, spread
from nicassh.query.table import Field, Row, View, choose, filtered, ordered
from nicassh.query.top import TOPS, top
from nicassh.query.trends import with_trends

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
    "sizes",
    "software",
    "spread",
    "stretch",
    "tasks",
    "top",
    "versions",
    "with_trends",
]
