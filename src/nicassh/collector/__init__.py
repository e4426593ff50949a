"""Collectors: processes that claim due tasks, ask the nodes, store what came, and say how each task ended."""

from __future__ import annotations

from nicassh.collector.housekeeping import periodic_tasks
from nicassh.collector.loop import Collector
from nicassh.collector.pool import Pool

__all__ = ["Collector", "Pool", "periodic_tasks"]
