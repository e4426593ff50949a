"""How many files this process may have open."""

from __future__ import annotations

import resource
from functools import cache

_SPARE = 24
"""Descriptors that are left for the database, the event loop, files of keys and the like."""


@cache
def room() -> int:
    """Return how many descriptors there are for connections to nodes.

    Raises the soft limit of the process to its hard limit first.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return max(1, hard - _SPARE)
