"""Collectors: they claim due tasks, ask the nodes, store what came, and say how each task ended."""

from __future__ import annotations

from nicassh.collector.loop import Collector
from nicassh.collector.pool import Pool
from nicassh.collector.schedule import schedule

__all__ = ["Collector", "Pool", "schedule"]
