"""Makes transports by their names."""

from __future__ import annotations

from importlib import import_module

from nicassh.inventory.transports import TRANSPORTS
from nicassh.transport.base import Limits, Transport


def create(name: str, limits: Limits) -> Transport:
    """Return a new transport. Its module is imported now: no command pays for a transport that it does not use."""
    module, _, cls = TRANSPORTS[name].partition(":")
    transport: Transport = getattr(import_module(module), cls)(limits)
    return transport
