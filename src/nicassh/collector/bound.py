"""How many workers this machine bears now."""

from __future__ import annotations

from nicassh.config.settings import Config
from nicassh.tasks import machine


def bound_of(config: Config) -> int:
    """How many workers this machine may have at work now, by its load and memory; all where it tells neither."""
    found = machine.read()
    if found.memory is not None and found.memory < config.min_memory * 2**20:
        return 0
    if found.load is None:
        return config.workers
    return machine.worker_limit(found.load, config.max_load, config.load_exponent, config.workers)
