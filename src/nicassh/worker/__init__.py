"""Workers: they claim due jobs, ask the nodes, store what came, and say how each job ended."""

from __future__ import annotations

from nicassh.worker.pool import Pool
from nicassh.worker.schedule import schedule
from nicassh.worker.worker import Worker

__all__ = ["Pool", "Worker", "schedule"]
