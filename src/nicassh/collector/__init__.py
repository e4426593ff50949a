"""Workers: they claim due jobs, ask the nodes, store what came, and say how each job ended."""

from __future__ import annotations

from nicassh.collector.loop import Worker
from nicassh.collector.pool import Pool
from nicassh.collector.schedule import schedule

__all__ = ["Pool", "Worker", "schedule"]
