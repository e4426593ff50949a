"""Views: named tables over the newest records, for the terminal, JSON, CSV and the web alike."""

from nicassh.views.directory import catalogue, hostkeys, inventory
from nicassh.views.farm import FARM, WORKERS, farm, workers
from nicassh.views.listing import fields_of, listing
from nicassh.views.page import page
from nicassh.views.procs import Wanted, cached, live
from nicassh.views.table import Field, Row, View, choose, filtered, ordered

__all__ = [
    "FARM",
    "WORKERS",
    "Field",
    "Row",
    "View",
    "Wanted",
    "cached",
    "catalogue",
    "choose",
    "farm",
    "fields_of",
    "filtered",
    "hostkeys",
    "inventory",
    "listing",
    "live",
    "ordered",
    "page",
    "workers",
]
