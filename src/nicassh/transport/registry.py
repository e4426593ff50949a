"""The one list of transports."""

from __future__ import annotations

from importlib import import_module

from nicassh.transport.base import Limits, Transport

TRANSPORTS = {
    "libssh2": "nicassh.transport.libssh2.transport:Libssh2",
    "local": "nicassh.transport.local:Local",
}
"""The names that an inventory may use, and the module and class of each."""


def create(name: str, limits: Limits) -> Transport:
    """Returns a new transport. Its module is imported now: no command pays for a transport that it does not use."""
    module, _, cls = TRANSPORTS[name].partition(":")
    transport: Transport = getattr(import_module(module), cls)(limits)
    return transport
